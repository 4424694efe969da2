"""What the four works say of networks, and how it is judged on networks that they did not look at."""

from __future__ import annotations

from otoscope.studies.beyond import measures
from otoscope.studies.claim import Claim

RESPONSE = (
    Claim(
        "beyond-1",
        "swam",
        where="SWAM, section 3.2, Fig. 1 and 2",
        text="The emphasised band depends on the task: it is higher for words than for speakers.",
        published="about 1 kHz against about 500 Hz",
        test="median frequency of the CRS below 2 kHz, words minus speakers, same clips, over networks",
        uses=("response",),
        measure=measures.across("beyond-1"),
        part="response",
    ),
    Claim(
        "beyond-2",
        "swam",
        where="SWAM, section 3.2, Fig. 1",
        text="The band around 1 kHz matters for words.",
        published="about 1 kHz",
        test="share of the CRS between 500 and 1500 Hz in networks of words, minus that with their initial weights, "
        "over networks",
        uses=("response",),
        measure=measures.across("beyond-2"),
        part="response",
    ),
    Claim(
        "beyond-3",
        "swam",
        where="SWAM, section 3.2, Fig. 2",
        text="The band around 500 Hz matters for speakers.",
        published="about 500 Hz",
        test="share of the CRS between 100 and 800 Hz in networks of speakers, minus that with their initial weights, "
        "over networks",
        uses=("response",),
        measure=measures.across("beyond-3"),
        part="response",
    ),
    Claim(
        "beyond-4",
        "swam",
        where="SWAM, section 3.2",
        text="Training is biased towards a function with more power at low frequencies.",
        test="share of the cumulative response of the first layer below 1 kHz, trained minus initial weights, over "
        "networks",
        uses=("response",),
        measure=measures.across("beyond-4"),
        part="response",
    ),
    Claim(
        "beyond-5",
        "swam",
        where="SWAM, Tables 2 and 3, mu_avg",
        text="The average coherence of the kernels falls from the first to the last convolution.",
        published="such as 0.47, 0.26, 0.20",
        test="mu_avg, last convolution minus first, over networks",
        direction="less",
        uses=("response",),
        measure=measures.across("beyond-5"),
        part="response",
    ),
    Claim(
        "beyond-6",
        "swam",
        where="control to SWAM, Tables 2 and 3, mu_avg",
        text="Training, and not the shape of the network, makes the average coherence fall with depth.",
        test="mu_avg, last convolution minus first, trained minus initial weights, over networks",
        direction="less",
        uses=("response",),
        measure=measures.across("beyond-6"),
        part="response",
    ),
)

RELEVANCE = (
    Claim(
        "beyond-7",
        "relevance",
        where="Relevance, section 4.2, Table 2",
        text="The relevance signal has the F0 of the sound.",
        published="88 to 95 % of the vowels",
        test="share of voiced clips in whose loudest 0.1 s the F0 of sound and relevance (guided) are within 5 %, "
        "minus that share over all pairs of different clips, over networks",
        uses=("relevance",),
        measure=measures.across("beyond-7"),
        part="relevance",
    ),
    Claim(
        "beyond-8",
        "relevance",
        where="Relevance, section 4.2.1, Fig. 5",
        text="Sound and relevance signal have alike spectral envelopes.",
        test="correlation of the LP spectra (order 16, dB, below 4 kHz) of sound and relevance, minus that over all "
        "pairs of different clips, over networks",
        uses=("relevance",),
        measure=measures.across("beyond-8"),
        part="relevance",
    ),
    Claim(
        "beyond-9",
        "relevance",
        where="control to Relevance, section 4.2, Table 2",
        text="The F0 in the relevance signal is what training brought there.",
        test="share of right F0, trained minus initial weights, over networks",
        uses=("relevance",),
        measure=measures.across("beyond-9"),
        part="relevance",
    ),
    Claim(
        "beyond-10",
        "relevance",
        where="Relevance, section 4.3, Fig. 5",
        text="The relevance of the same sound depends on the task.",
        test="correlation of the relevance by band (21 bands, 0.1 to 3.8 kHz) of one sound, of two runs of one task "
        "minus one run of each task, over networks",
        uses=("relevance",),
        measure=measures.across("beyond-10"),
        part="relevance",
    ),
)

DEPTH = (
    Claim(
        "beyond-11",
        "sonification",
        where="Sonification, section 6.3, Fig. 6.3",
        text="The coherence of sonification and input falls with depth.",
        test="rank correlation of M_c with the number of the layer, over networks with three layers or more",
        direction="less",
        uses=("depth",),
        measure=measures.across("beyond-11"),
        part="depth",
    ),
    Claim(
        "beyond-12",
        "sonification",
        where="Sonification, section 5.3.3, Fig. A.3 and A.4",
        text="Some maps of deep layers die in training.",
        test="share of maps that no clip moves, in the deeper half of the layers, trained minus initial weights, over "
        "networks with three layers or more",
        uses=("depth",),
        measure=measures.across("beyond-12"),
        part="depth",
    ),
    Claim(
        "beyond-13",
        "sonification",
        where="Sonification, section 5.2.1",
        text="Strided convolution in place of max pooling makes sonifications worse.",
        test="M_c, mean of the layers, of the network with max pooling minus the same network with strides, over tasks "
        "and seeds",
        uses=("depth",),
        measure=measures.across("beyond-13"),
        part="depth",
    ),
)

FOLDING = (
    Claim(
        "beyond-14",
        "simplenet",
        where="SimpleNet, section 2.2.3, Fig. 3",
        text="Dropping the rate folds much of what a layer lets through.",
        test="share of energy of sounds above the new limit, largest of the steps, over networks; more than a tenth "
        "counts as much",
        null=0.1,
        uses=("folding",),
        measure=measures.across("beyond-14"),
        part="folding",
    ),
    Claim(
        "beyond-15",
        "simplenet",
        where="SimpleNet, section 2.2.3",
        text="It is pooling that folds: the same network with strides folds less.",
        test="share of energy of sounds above the new limit, mean of the steps, max pooling minus strides, over "
        "tasks and seeds",
        uses=("folding",),
        measure=measures.across("beyond-15"),
        part="folding",
    ),
    Claim(
        "beyond-16",
        "simplenet",
        where="SimpleNet, section 3, Fig. 4",
        text="The filters of the first layer of a stack change little in training.",
        published="change rates of the layers of SoundNet near 0, those of SimpleNet larger",
        test="logarithm (base 10) of the change of the first layer's kernels (distance from the initial ones over "
        "their norm) over the median of the other convolutions, over networks",
        direction="less",
        uses=("response",),
        measure=measures.across("beyond-16"),
        part="response",
    ),
)

CLAIMS = (*RESPONSE, *RELEVANCE, *DEPTH, *FOLDING)
