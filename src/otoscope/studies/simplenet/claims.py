"""What the work on SimpleNet (2018) says in figures, tables and sections, and how each of it is judged."""

from __future__ import annotations

from functools import partial

from otoscope.studies.claim import Claim
from otoscope.studies.simplenet import measures, trained_measures

_Claim = partial(Claim, work="simplenet")
IEMOCAP = "IEMOCAP"

FLOW = (
    _Claim(
        "simplenet-1",
        where="section 2.2.2, Fig. 1 and 2",
        text="The first layer divides the sound into 0 to 4 kHz and 4 to 8 kHz.",
        test="share of the energy of each of its two outputs in its own band, the lower of both, over clips",
        null=0.9,
        uses=("flow",),
        measure=measures.first_layer,
        part="flow",
    ),
    _Claim(
        "simplenet-2",
        where="section 2.2.2, Fig. 1 and 2",
        text="Output (2,1) holds what the sound has at 2 to 4 kHz and at 6 to 8 kHz.",
        test="share of its energy in these two bands, over clips",
        null=0.9,
        uses=("flow",),
        measure=measures.both_bands,
        part="flow",
    ),
    _Claim(
        "simplenet-3",
        where="section 2.2.2, Fig. 1 and 2",
        text="Output (2,2) holds almost nothing.",
        test="its energy over that of the sound, over clips",
        direction="less",
        null=0.01,
        uses=("flow",),
        measure=measures.all_stop,
        part="flow",
    ),
    _Claim(
        "simplenet-4",
        where="section 2.2.2",
        text="Convolutions on top of each other, without activation or pooling, are one convolution.",
        test="largest difference of the two layers from one layer of the convolved kernels, over the largest value, "
        "random sounds and random kernels",
        direction="less",
        null=1e-4,
        uses=("one_layer",),
        measure=measures.one_layer,
        part="flow",
    ),
)

ALIASING = (
    _Claim(
        "simplenet-5",
        where="section 2.2.3, Fig. 3",
        text="Pooling mistakenly samples the high-frequency components of Output (1,2) into 0 to 4 kHz.",
        test="share of the energy of Output (1,2), after the maximum and without its mean, that dropping every other "
        "sample folds, over clips",
        null=0.5,
        uses=("pooled",),
        measure=measures.folded,
        part="aliasing",
    ),
    _Claim(
        "simplenet-6",
        where="section 2.2.3, Fig. 3",
        text="After pooling, 0 to 4 kHz and 4 to 8 kHz of the sound are indistinguishable.",
        test="share of pairs of tones at f and 8 kHz - f that come out of the pooling strongest at the same frequency",
        null=0.5,
        uses=("tones",),
        measure=measures.indistinguishable,
        part="aliasing",
    ),
    _Claim(
        "simplenet-7",
        where="section 2.2.3",
        text="Aliasing grows exponentially with the number of pooling layers.",
        test="slope over pooling layers of the logarithm (base 2) of the number of input bands that reach an output "
        "band within 20 dB, SoundNet and WaveRNN, over channels",
        uses=("growth",),
        measure=measures.grows,
        part="aliasing",
    ),
    _Claim(
        "simplenet-8",
        where="section 2.2.3",
        text="WaveRNN pools after each of its 8 convolutions; SoundNet has 3 poolings, by 8, 8 and 4.",
        published="8 poolings; 3 poolings",
        test="of the two statements, those that the networks of these names fulfil here",
        direction="exactly",
        null=2,
        uses=("architectures",),
        measure=measures.poolings,
        part="aliasing",
    ),
    _Claim(
        "simplenet-9",
        where="section 2.2.3",
        text="Pooling after the last convolution gives about the energy of each band.",
        test="rank correlation, over channels and windows of 40 ms, of SimpleNet's first pooled output with the energy "
        "of its band of the sound, the lower of average and maximum, over clips",
        null=0.9,
        uses=("energies",),
        measure=measures.energy_of_bands,
        part="aliasing",
    ),
    _Claim(
        "simplenet-10",
        where="section 2.2.5",
        text="The harmonics that ReLU adds are few beside what aliasing adds.",
        test="share of energy that dropping every other sample folds, minus the share that ReLU adds and no linear "
        "filter of its input explains, mean of both filters, over clips",
        uses=("pooled",),
        measure=measures.folding_beyond_relu,
        part="aliasing",
    ),
    _Claim(
        "simplenet-11",
        where="control to section 2.2.5",
        text="Folding also adds more than the maximum of the pooling does.",
        test="as for simplenet-10, with the share that the maximum adds",
        uses=("pooled",),
        measure=measures.folding_beyond_maximum,
        part="aliasing",
    ),
    _Claim(
        "simplenet-12",
        where="section 2.2.5",
        text="A sigmoid suppresses components of high energy.",
        test="level of the strongest band over the weakest, after the sigmoid minus before it, in dB, over clips",
        direction="less",
        uses=("sigmoid",),
        measure=measures.suppression,
        part="aliasing",
    ),
    _Claim(
        "simplenet-13",
        where="sections 2.2.3 and 3",
        text="Aliasing makes the front-end harder to train.",
        test="test accuracy of SoundNet with anti-aliased pooling minus without, same rate and seeds, mean of the "
        "tasks, over seeds",
        uses=("training",),
        measure=trained_measures.smooth_pooling_helps,
        needs=(IEMOCAP,),
        part="training",
    ),
)

TRAINING = (
    _Claim(
        "simplenet-14",
        where="section 3, Fig. 4",
        text="The filters of SimpleNet change more in training than those of SoundNet's first six layers.",
        test="logarithm of the mean change rate of SimpleNet's filters over that of SoundNet's layer that changes "
        "most, over seeds",
        uses=("front_end",),
        measure=trained_measures.simplenet_changes_more,
        needs=(IEMOCAP,),
        part="training",
    ),
    _Claim(
        "simplenet-15",
        where="Table 1, emotion",
        text="SimpleNet-CNN recognises emotions best.",
        published="52.9 % against 49.2, 48.7, 48.0 and 42.3 %",
        test="test accuracy on the harder task, SimpleNet-CNN minus the best of the others, over folds or seeds",
        uses=("training",),
        measure=trained_measures.cnn_is_best,
        needs=(IEMOCAP,),
        part="training",
    ),
    _Claim(
        "simplenet-16",
        where="section 4.2 (1), Table 1",
        text="SimpleNet-RNN is better than WaveRNN, whose upper layers are the same.",
        published="49.2 % against 48.0 % on emotions; 88.7 % against 88.8 % on gender",
        test="test accuracy on the harder task, SimpleNet-RNN minus WaveRNN, over folds or seeds",
        uses=("training",),
        measure=trained_measures.rnn_beats_wavernn,
        needs=(IEMOCAP,),
        part="training",
    ),
    _Claim(
        "simplenet-17",
        where="section 4.2 (2), Table 1",
        text="SpecNet, whose filters are fixed, is worse than all others: trainable filters matter.",
        published="42.3 % on emotions against 48.0 to 52.9 %; 63.9 % on gender against 88.6 to 88.8 %",
        test="test accuracy, SpecNet minus SimpleNet-CNN, mean of the tasks, over folds or seeds",
        direction="less",
        uses=("training",),
        measure=trained_measures.fixed_filters_lose,
        needs=(IEMOCAP,),
        part="training",
    ),
    _Claim(
        "simplenet-18",
        where="section 4.2 (3), Table 1",
        text="SimpleNet-CNN is better than SimpleNet-RNN.",
        published="52.9 % against 49.2 % on emotions; 88.6 % against 88.7 % on gender",
        test="test accuracy on the harder task, SimpleNet-CNN minus SimpleNet-RNN, over folds or seeds",
        uses=("training",),
        measure=trained_measures.cnn_beats_rnn,
        needs=(IEMOCAP,),
        part="training",
    ),
    _Claim(
        "simplenet-19",
        where="section 4.2, Table 1, gender",
        text="On the easy task all networks on waveforms score alike.",
        published="88.6, 88.8, 88.7 and 88.6 %",
        test="test accuracy on the easier task, best minus worst of the four, over folds or seeds",
        direction="within",
        margin=0.02,
        uses=("training",),
        measure=trained_measures.alike_on_the_easy_task,
        needs=(IEMOCAP,),
        part="training",
    ),
    _Claim(
        "simplenet-20",
        where="section 4.2 (4), Table 1, in brackets",
        text="SoundNet and WaveRNN overfit more than SimpleNet.",
        published="train minus test on emotions 46.3 and 35.8 points against 24.6 and 27.1",
        test="train minus test accuracy on the harder task, mean of SoundNet and WaveRNN minus mean of both "
        "SimpleNets, over folds or seeds",
        uses=("training", "train_accuracy"),
        measure=trained_measures.deep_ones_overfit_more,
        needs=(IEMOCAP,),
        part="training",
    ),
    _Claim(
        "simplenet-21",
        where="section 4.2 (4), Table 1",
        text="All networks overfit.",
        published="train minus test 7.5 to 46.3 points",
        test="train minus test accuracy, smallest of the five networks and two tasks, over folds or seeds",
        uses=("training", "train_accuracy"),
        measure=trained_measures.all_overfit,
        needs=(IEMOCAP,),
        part="training",
    ),
    _Claim(
        "simplenet-22",
        where="section 4.3, Fig. 6",
        text="Filters that begin at high frequencies change more than those that begin at low ones.",
        test="rank correlation of the change of a filter (distance over norm) with its initial centre frequency, over "
        "filters and seeds",
        uses=("filters",),
        measure=trained_measures.high_filters_change_more,
        needs=(IEMOCAP,),
        part="training",
    ),
    _Claim(
        "simplenet-23",
        where="section 4.3, Fig. 6",
        text="What training adds to filters of high frequencies are pass bands at low ones.",
        test="share of the energy of a filter below 1 kHz, trained minus initial, filters that begin above 2 kHz, over "
        "seeds",
        uses=("filters",),
        measure=trained_measures.high_filters_get_low_bands,
        needs=(IEMOCAP,),
        part="training",
    ),
)

CONTROLS = (
    _Claim(
        "simplenet-24",
        where="control to section 2.2.5",
        text="Measured band by band, decimation also moves more energy than the harmonics of ReLU do.",
        test="share of the energy that dropping every other sample moves from one half of the frequencies into the "
        "other, minus the share that ReLU moves, each step run on each half of its input alone, mean of both filters, "
        "over clips",
        uses=("band_split",),
        measure=measures.decimation_moves_more_than_relu,
        part="aliasing",
    ),
    _Claim(
        "simplenet-25",
        where="control to section 2.2.5",
        text="Measured band by band, decimation also moves more energy than the maximum in the pooling does.",
        test="as for simplenet-24, with the share that the maximum moves",
        uses=("band_split",),
        measure=measures.decimation_moves_more_than_maximum,
        part="aliasing",
    ),
    _Claim(
        "simplenet-26",
        where="control to sections 2.2.3 and 3",
        text="The more a front-end folds, the less training changes it.",
        test="rank correlation over the trainable networks and SoundNet with anti-aliased pooling of the share of "
        "energy that the front-end folds with its first weights, mean of its steps, with the distance that its layers "
        "move over their norm; the interval is that of all orders of so few networks",
        direction="less",
        uses=("folded", "front_end"),
        measure=trained_measures.aliasing_and_change,
        needs=(IEMOCAP,),
        part="training",
    ),
)

CLAIMS = (*FLOW, *ALIASING, *TRAINING, *CONTROLS)
