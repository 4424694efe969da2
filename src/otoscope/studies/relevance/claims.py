"""What Muckenhirn et al. (2019) say in figures, tables and sections, and how each of it is judged."""

from __future__ import annotations

from functools import partial

from otoscope.studies.claim import Claim
from otoscope.studies.relevance import measures

_Claim = partial(Claim, work="relevance")
TIMIT, AEV = "TIMIT", "the recordings of the AEV vowels (Hillenbrand et al. 1995)"

SYSTEMS = (
    _Claim(
        "relevance-1",
        where="section 4.1, Table 1",
        text="The phone system has an error rate of 23.6 % on the test set.",
        published="22.8 % on development, 23.6 % on test",
        test="phone error rate on the test set, mean of the runs",
        direction="within",
        null=0.236,
        margin=0.01,
        needs=(TIMIT,),
        uses=("training",),
        measure=measures.phone_errors,
        part="systems",
    ),
    _Claim(
        "relevance-2",
        where="section 4.1, Table 1",
        text="The speaker system identifies 98.3 % of the utterances.",
        published="98.3 % of the validation utterances of 462 speakers",
        test="utterance accuracy on the held-out utterance of each speaker, mean of the runs",
        direction="within",
        null=0.983,
        margin=0.01,
        needs=(TIMIT,),
        uses=("training",),
        measure=measures.speakers_right,
        part="systems",
    ),
)

SIGNAL = (
    _Claim(
        "relevance-3",
        where="section 3.1, Fig. 2",
        text="Guided backpropagation gives the sharpest maps and marks the object (a picture of two cats, VGG16).",
        test="none here: the claim is of pictures; on sounds see the controls of relevance-26",
        needs=("ImageNet",),
        part="signal",
    ),
    _Claim(
        "relevance-4",
        where="section 3.2, eq. 4",
        text="The spectral relevance is the inverse DFT of the relevance signal.",
        test="largest difference of the spectral relevance from the derivative by each bin of the input's DFT (by "
        "finite differences, plain gradient), over its largest value",
        direction="less",
        null=1e-3,
        uses=("spectrum",),
        measure=measures.spectrum_error,
        part="signal",
    ),
    _Claim(
        "relevance-5",
        where="section 3.2, Fig. 3a and 3b",
        text="In the time domain the relevance signal differs from the sound and shows little.",
        test="largest absolute normalised cross-correlation of relevance and sound within 5 ms, over clips",
        direction="less",
        null=0.5,
        needs=(TIMIT,),
        uses=("signals",),
        measure=measures.unlike_in_time,
        part="signal",
    ),
    _Claim(
        "relevance-6",
        where="section 3.2, Fig. 3c",
        text="The autocorrelation of the relevance signal shows the period of the voice.",
        test="share of voiced segments whose autocorrelation of the relevance peaks within 5 % of the period of the "
        "sound, minus that share with the segments permuted, over clips",
        needs=(TIMIT,),
        uses=("signals",),
        measure=measures.same_period,
        part="signal",
    ),
)

PHONES = (
    _Claim(
        "relevance-7",
        where="section 4.2.1, Fig. 4",
        text="The F0 contours of sound and relevance signal are alike in the phone system.",
        test="share of frames in which both F0 lie within 5 %, minus that share with the clips permuted, over clips",
        needs=(TIMIT,),
        uses=("vowels",),
        measure=measures.same_f0_of_phones,
        part="phones",
    ),
    _Claim(
        "relevance-8",
        where="section 4.2.1, Fig. 5b and 5e",
        text="Sound and relevance signal have the same harmonics in the phone system.",
        test="coherence of both at the harmonics of F0 minus that half-way between them, over vowels",
        needs=(TIMIT,),
        uses=("vowels",),
        measure=measures.harmonics,
        part="phones",
    ),
    _Claim(
        "relevance-9",
        where="section 4.2.1, Fig. 5b and 5e",
        text="Sound and relevance signal have alike envelopes, above all at the first two formants.",
        test="correlation of the LP spectra (order 16, dB) of both below 4 kHz, minus that with the vowels permuted, "
        "over vowels",
        needs=(TIMIT,),
        uses=("vowels",),
        measure=measures.envelopes,
        part="phones",
    ),
)


def _row(number: int, quantity: str, sex: str, values: str) -> Claim:
    who = "48 women" if sex == "F" else "45 men"
    return _Claim(
        f"relevance-{number}",
        where=f"Table 2, {quantity}, {sex}",
        text=f"The relevance signal of vowels of {who} has their {quantity}, more often than by chance.",
        published=f"{values} % for /ah eh iy oa uw/",
        test=f"share of tokens whose {quantity} from the relevance lies within one standard deviation of the token's "
        "known value, minus that share with the known values permuted among the tokens of the sex, over tokens and "
        "runs",
        needs=(AEV, TIMIT),
        uses=("vowels",),
        measure=partial(measures.right, measure=quantity, group="women" if sex == "F" else "men"),
        part="vowels",
    )


VOWELS = (
    _row(10, "F0", "F", "93, 91, 91, 94, 92"),
    _row(11, "F0", "M", "92, 90, 89, 93, 90"),
    _row(12, "F1", "F", "90, 92, 93, 91, 93"),
    _row(13, "F1", "M", "88, 92, 92, 89, 93"),
    _row(14, "F2", "F", "94, 94, 94, 95, 94"),
    _row(15, "F2", "M", "94, 93, 94, 94, 93"),
    _Claim(
        "relevance-16",
        where="section 4.2.2, Table 2",
        text="F0, F1 and F2 from the relevance signal match those of the vowels: 88 to 95 % are right.",
        published="30 shares of 88 to 95 %, mean 92 %",
        test="share of right values over all tokens and quantities, minus that in the sounds themselves",
        direction="within",
        margin=0.05,
        needs=(AEV, TIMIT),
        uses=("vowels",),
        measure=measures.as_right_as_sounds,
        part="vowels",
    ),
    _Claim(
        "relevance-17",
        where="section 4.2.2, Table 2",
        text="The network as a whole captures F0 and formants although its first layer sees 2 ms.",
        test="share of right values, trained network minus the same network with random weights, over tokens and runs",
        needs=(AEV, TIMIT),
        uses=("vowels",),
        measure=measures.learned,
        part="vowels",
    ),
    _Claim(
        "relevance-18",
        where="control to Table 2",
        text="What is found in the relevance signal is what the network has learned.",
        test="share of right values, trained network minus one trained on shuffled labels, over tokens and runs",
        needs=(AEV, TIMIT),
        uses=("vowels",),
        measure=measures.learned_from_labels,
        part="vowels",
    ),
)

SPEAKERS = (
    _Claim(
        "relevance-19",
        where="section 4.3, Fig. 6",
        text="The F0 contours of sound and relevance signal are alike in the speaker system.",
        test="as for relevance-7",
        needs=(TIMIT,),
        uses=("signals",),
        measure=measures.same_f0_of_speakers,
        part="speakers",
    ),
    _Claim(
        "relevance-20",
        where="section 4.3, Fig. 5c and 5f",
        text="The relevance of the speaker system has a peak at low frequencies.",
        test="mean relevance per Hz below 1 kHz minus that from 1 to 2 kHz, in dB, over clips",
        needs=(TIMIT,),
        uses=("signals",),
        measure=measures.low_peak,
        part="speakers",
    ),
    _Claim(
        "relevance-21",
        where="section 4.3, Fig. 5c and 5f",
        text="The speaker system emphasises 2 to 3.5 kHz.",
        published="2000 to 3500 Hz",
        test="share of the relevance between 2 and 3.5 kHz over that of the sound, in dB, speaker system minus phone "
        "system, over clips",
        needs=(TIMIT,),
        uses=("signals",),
        measure=measures.mid_band,
        part="speakers",
    ),
    _Claim(
        "relevance-22",
        where="section 4.3, Fig. 5c and 5f",
        text="The speaker system emphasises 3.5 to 5 kHz.",
        published="3500 to 5000 Hz",
        test="as for relevance-21, 3.5 to 5 kHz (to 4 kHz on sounds of 8 kHz, which is said)",
        needs=(TIMIT,),
        uses=("signals",),
        measure=measures.high_band,
        part="speakers",
    ),
    _Claim(
        "relevance-23",
        where="section 4.3",
        text="The emphasised bands are those that tell speakers apart by their F-ratio.",
        published="2500 to 4000, 2000 to 4000 and 3000 to 4500 Hz in three other works",
        test="rank correlation of the F-ratio of a band with its mean relevance over that of the sound, over bands",
        needs=(TIMIT,),
        uses=("bands",),
        measure=measures.bands_of_speakers,
        part="speakers",
    ),
    _Claim(
        "relevance-24",
        where="section 4.3, Fig. 5",
        text="The relevance of both systems differs, although their first layers process sounds alike.",
        test="correlation of their spectral relevances of the same sound, minus that of two runs of one system, over "
        "clips",
        direction="less",
        needs=(TIMIT,),
        uses=("compared",),
        measure=measures.systems_differ,
        part="speakers",
    ),
    _Claim(
        "relevance-25",
        where="section 4.3, informal listening",
        text="The relevance signal of the phone system is intelligible.",
        test="accuracy of an independent recogniser on the relevance signals of the phone system, minus that on those "
        "of the same network with random weights, over clips",
        needs=(TIMIT,),
        uses=("heard",),
        measure=measures.intelligible,
        part="listening",
    ),
    _Claim(
        "relevance-26",
        where="section 4.3, informal listening",
        text="The relevance signal of the speaker system is not intelligible.",
        test="accuracy of an independent recogniser and STOI on the relevance signals, speaker system minus phone "
        "system, over clips; the one that speaks less for it",
        direction="less",
        needs=(TIMIT,),
        uses=("heard", "stoi"),
        measure=measures.less_intelligible,
        part="listening",
    ),
    _Claim(
        "relevance-27",
        where="section 5, eq. 1 and 2",
        text="The spectral dictionary of the first layer does not show that F0 and high bands are modelled; the "
        "relevance does.",
        test="share of vowels whose F0 is found in the response of the first layer minus that share in the relevance",
        direction="less",
        needs=(TIMIT,),
        uses=("vowels",),
        measure=measures.first_layer,
        part="speakers",
    ),
)

CLAIMS = (*SYSTEMS, *SIGNAL, *PHONES, *VOWELS, *SPEAKERS)
