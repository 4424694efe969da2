"""The study of relevance signals: the phone and the speaker system, Table 2 with its controls, and listening tests."""

from __future__ import annotations

from otoscope.studies.relevance import figures, tables
from otoscope.studies.relevance.claims import CLAIMS
from otoscope.studies.relevance.steps import plan
from otoscope.studies.study import Listing, Picture, Study

STUDY = Study(
    "relevance",
    title="Relevance signals of raw-waveform networks",
    about="What do networks of phones and of speakers listen to: voice, formants, or other bands?",
    works=("relevance",),
    claims=CLAIMS,
    plan=plan,
    parts=("systems", "signal", "phones", "vowels", "speakers", "listening"),
    pictures=(
        Picture(
            "fig-3",
            "A sound, its relevance signal, and the autocorrelation of both",
            published="Fig. 3: a TIMIT sentence and its relevance signal in the speaker system, and the "
            "autocorrelation of a short segment of both",
            caption="The loudest 250 ms of a test recording of FSDD in the speaker system, trained on FSDD.",
            draw=figures.signal,
            uses=("example_speech",),
            part="signal",
        ),
        Picture(
            "fig-4",
            "F0 of a vowel and of its relevance signal in the phone system",
            published="Fig. 4: the phone /ah/ of TIMIT, its relevance signal, and the F0 of both by Praat",
            caption="The vowel /ah/ of a man, synthesised from what was measured of it, in the phone system trained on "
            "synthesised vowels.",
            draw=figures.pitch_of_phones,
            uses=("example_vowel",),
            part="phones",
        ),
        Picture(
            "fig-5",
            "The vowel /ah/ and its relevance signals in both systems",
            published="Fig. 5: short-term spectra of /ah/ of a man and of a woman and of their relevance signals, "
            "under envelope and LP spectrum",
            caption="Synthesised vowels; the speaker system was trained on FSDD, which has nothing above 4 kHz, and "
            "gets the vowels without it: what its relevance has there belongs to no sound.",
            draw=figures.spectra,
            uses=("example_vowel",),
            part="phones",
        ),
        Picture(
            "fig-6",
            "F0 of speech and of its relevance signal in the speaker system",
            published="Fig. 6: an utterance of TIMIT, its relevance signal, and the F0 of both by Praat",
            caption="The same piece of FSDD as in Fig. 3.",
            draw=figures.pitch_of_speakers,
            uses=("example_speech",),
            part="speakers",
        ),
        Picture(
            "table-2-controls",
            "Table 2 with its controls",
            published="Table 2 has the shares of a trained network alone",
            caption="F0, F1 and F2 of all twelve vowels, within a deviation of what is known. Dots are runs; red is "
            "the share where the known values are permuted among the vowels of the sex.",
            draw=figures.controls,
            uses=("vowels",),
            part="vowels",
        ),
        Picture(
            "bands",
            "What relevance adds to the sound, and the F-ratio of speakers",
            published="Section 4.3 names the bands from 2 to 3.5 and from 3.5 to 5 kHz, and F-ratios of other works",
            caption="Above: emphasis of the relevance over that of the sound in bands on the mel scale, mean and "
            "deviation over runs, of the networks of speakers and of digits (of phones on TIMIT). Below: F-ratio of "
            "the level of speakers in these bands with its 95 % interval; red is what the largest of all bands exceeds "
            "by chance in 5 %. FSDD ends at 4 kHz, where resampling makes the sound fall, and with it what it is "
            "divided by.",
            draw=figures.emphasis,
            uses=("bands", "compared"),
            part="speakers",
        ),
    ),
    tables=(
        Listing(
            "table-1",
            "The systems of Table 1",
            "Mean and deviation over runs. Accuracy on whole test recordings (on TIMIT: on the held-out sentences); "
            "vowels are those of 45 men and 48 women, which no network was trained on. The networks are those of Table "
            "1, with as many outputs as there are classes.",
            make=tables.systems,
            uses=("training",),
            part="systems",
        ),
        Listing(
            "table-2",
            "Table 2: F0 and formants in the relevance signal of vowels",
            "Share of vowels in percent within a deviation of what is known, mean over runs. By chance: the known "
            "values permuted among all vowels of the sex. Published figures are of TIMIT and recorded vowels; ours of "
            "a network of synthesised vowels, on vowels synthesised from the measurements, "
            "where there are no recordings.",
            make=tables.table_2,
            uses=("vowels",),
            part="vowels",
        ),
        Listing(
            "likeness",
            "What sound and relevance signal share",
            "Mean and deviation over runs: share of voiced frames of one F0, and of others' F0 by chance; the largest "
            "cross-correlation within 5 ms; segments of one period; coherence at harmonics minus that between them; "
            "correlation of LP spectra.",
            make=tables.likeness,
            uses=("signals", "vowels"),
            part="signal",
        ),
        Listing(
            "bands",
            "Where in frequency the relevance lies",
            "In dB, mean and deviation over runs: per Hz below 1 kHz over 1 to 2 kHz; the share in a band over that of "
            "the sound. With F-ratio: rank correlation over bands of what relevance adds to the sound with the F-ratio "
            "of speakers.",
            make=tables.bands,
            uses=("bands", "signals"),
            part="speakers",
        ),
        Listing(
            "listening",
            "Relevance signals played to a recogniser",
            "Share of relevance signals in which a recogniser that comes with Otoscope (another architecture, trained "
            "by another recipe: fsdd-digit for digits, vowel-name for vowels) hears what was said, and their STOI "
            "against the sounds, ten in a row. Mean and deviation over runs.",
            make=tables.listening,
            uses=("heard", "stoi"),
            part="listening",
        ),
    ),
    left_out=(
        "On the free data the phone system is the network of Table 1 on synthesised vowels, and on the digits of FSDD "
        "where it is compared with the speaker system; TIMIT is trained on where it is there. Phones of whole "
        "sentences, and so the error rates of Table 1, need TIMIT.",
        "Recordings of the AEV vowels are used where they are there; else vowels are made from the measurements.",
        "FSDD ends at 4 kHz: of the band from 3.5 to 5 kHz the part below is measured.",
        "Listeners are networks, not people. No network listens to TIMIT.",
        "The tests of relevance-10 to 15 and of relevance-26 were put more precisely after single runs had been seen: "
        "a deviation around the value of each token, as in the paper, and not around the mean of its vowel; and which "
        "of two numbers decides. Nothing was computed by the old wording.",
        "Fig. 2 is a picture of cats, and Fig. 1 a drawing: no sounds.",
    ),
    cost="quick about 5 min, in full about 25 min of one core (planned)",
)
