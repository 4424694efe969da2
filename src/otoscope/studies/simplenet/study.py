"""The study of data flow and aliasing: a hand-made network, and the trainings of Table 1 on two tasks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otoscope.dsp.statistics import mean_interval
from otoscope.studies.found import Found
from otoscope.studies.simplenet import figures, trained_figures, trained_tables
from otoscope.studies.simplenet.claims import CLAIMS
from otoscope.studies.simplenet.sounds import BANDS
from otoscope.studies.simplenet.steps import plan
from otoscope.studies.study import Listing, Picture, Study


def _shares(found: Found) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    rows = []
    for output in ("1,1", "1,2", "2,1", "2,2"):
        means = [
            100 * float(np.nanmean(found.values("flow", f"share_{low}_{high}", output=output))) for low, high in BANDS
        ]
        gain = 10 * float(np.log10(np.nanmean(found.values("flow", "gain", output=output))))
        rows.append([f"Output ({output})", *(f"{mean:.1f}" for mean in means), f"{gain:.1f}"])
    bands = [f"{low // 1000} to {high // 1000} kHz, %" for low, high in BANDS]
    return ["", *bands, "energy over the sound's, dB"], rows


def _added(found: Found) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    names = {
        "relu": "ReLU: no linear filter of its input",
        "above_before": "above the new limit before the maximum",
        "maximum": "maximum: no linear filter of its input",
        "folded": "folded by dropping every other sample",
        "plain_above_before": "without ReLU: above the new limit before the maximum",
        "plain_folded": "without ReLU: folded",
    }
    rows = []
    for name, said in names.items():
        cells = []
        for output in ("1,1", "1,2"):
            mean, low, high = (100 * float(one) for one in mean_interval(found.values("pooled", name, output=output)))
            cells.append(f"{mean:.1f} ({low:.1f} to {high:.1f})")
        rows.append([said, *cells])
    return ["share of the energy, %", "Output (1,1)", "Output (1,2)"], rows


STUDY = Study(
    "simplenet",
    title="Data flow and aliasing in raw-waveform networks",
    about="Where do convolutions, activations and pooling put the frequencies of a sound, and does it matter?",
    works=("simplenet",),
    claims=CLAIMS,
    plan=plan,
    parts=("flow", "aliasing", "training"),
    pictures=(
        Picture(
            "fig-1",
            "Data flow in the time domain",
            published="Fig. 1: sound, filters and outputs of both layers as a path, in the time domain",
            caption="The same path with filters of 129 samples on a clip of ESC-10 at 16 kHz; the work's filters and "
            "its 6 s of sound are not published. Outlines hold the lowest and highest value of each moment.",
            draw=figures.flow_in_time,
            uses=("drawn_flow",),
            part="flow",
        ),
        Picture(
            "fig-2",
            "Data flow in the frequency domain",
            published="Fig. 2: the same path as spectra, with the responses of the filters",
            caption="Levels are in dB re the peak of the sound's spectrum (Welch); Output (2,2), which holds almost "
            "nothing, is in the table.",
            draw=figures.flow_in_frequency,
            uses=("drawn_flow",),
            part="flow",
        ),
        Picture(
            "fig-3",
            "Aliasing by pooling",
            published="Fig. 3: spectrograms of the path with a max pooling after each convolution",
            caption="Spectra of the first layer in place of spectrograms, each up to half of the rate that it has: "
            "after pooling the high-pass output lies at 0 to 4 kHz.",
            draw=figures.pooled_flow,
            uses=("drawn_flow",),
            part="aliasing",
        ),
        Picture(
            "added",
            "Activation, maximum and decimation told apart",
            published="section 2.2.5, which has no figure",
            caption="Shares of energy without the mean; boxes are the quartiles over clips. ReLU and maximum: what no "
            "linear filter of the input explains (1 - coherence); folding: what lies above the new limit after the "
            "maximum.",
            draw=figures.told_apart,
            uses=("pooled",),
            part="aliasing",
        ),
        Picture(
            "fig-4",
            "Change rate of the filters",
            published="Fig. 4: mean change rate over iterations, SoundNet's first six layers left, SimpleNet right",
            caption="The first run on the harder task, means over up to 60 parts of the iterations; single weights "
            "near zero dominate this rate. Each network at the learning rate that its search found, with batches of 32 "
            "(SoundNet) and 16 on FSDD.",
            draw=trained_figures.change_rates,
            uses=("front_end",),
            part="training",
        ),
        Picture(
            "fig-6",
            "Filters before and after training",
            published="Fig. 6: four filters of SimpleNet-CNN before and after training, in time and frequency",
            caption="SimpleNet-CNN, the first run on the harder task; levels in dB re the peak of each filter. On FSDD "
            "filters of 16 ms start in 32 even bands up to 4 kHz, which is all that the sounds hold.",
            draw=trained_figures.trained_filters,
            uses=("filters",),
            part="training",
        ),
        Picture(
            "folded-and-changed",
            "What front-ends fold, and how far training moves them",
            published="none; section 3 says that aliasing keeps filters from being trained",
            caption="Means over steps, layers, tasks and runs; change is the distance from the first weights over "
            "their norm.",
            draw=trained_figures.folded_and_changed,
            uses=("folded", "front_end"),
            part="training",
        ),
    ),
    tables=(
        Listing(
            "flow",
            "Where the energy of each output lies",
            "Means over clips of ESC-10.",
            make=_shares,
            uses=("flow",),
            part="flow",
        ),
        Listing(
            "added",
            "What each step of a pooled layer adds",
            "Means over clips of ESC-10 with 95 % intervals.",
            make=_added,
            uses=("pooled",),
            part="aliasing",
        ),
        Listing(
            "band-split",
            "Decimation, harmonics and demodulation told apart by bands",
            "Each step run on each half of its input alone, cut at 4 kHz: what comes out in the other half (of the "
            "decimation: what was above 4 kHz). Means over clips of ESC-10 with 95 % intervals. A step that is not "
            "linear does other things to both halves together.",
            make=trained_tables.told_apart,
            uses=("band_split",),
            part="aliasing",
        ),
        Listing(
            "table-1",
            "Table 1: accuracy of five networks on two tasks",
            "In percent, with the accuracy on training clips in brackets. Ours: mean and deviation over seeds, on FSDD "
            "digits (the harder task) and speakers, or over folds where IEMOCAP is there. On FSDD the networks run at "
            "8 kHz on 0.64 s (SimpleNet-CNN and SpecNet 1.24 s, repeated), with half the filters and 4 to 8 epochs: no "
            "reproduction of the published figures.",
            make=trained_tables.table_1,
            uses=("training",),
            part="training",
        ),
        Listing(
            "rates",
            "Search of the learning rate",
            "Loss on the validation part after a few epochs on the harder task, one seed; the lowest decides. The work "
            "tries 1e-5, 1e-4 and 1e-3, of which the lower ones learn nothing in so few epochs.",
            make=trained_tables.rates,
            uses=("search",),
            part="training",
        ),
        Listing(
            "anti-aliased",
            "What front-ends fold, and SoundNet with anti-aliased pooling",
            "soundnet-smooth differs from soundnet in the low-pass of its three poolings alone; weights, rate and "
            "seeds are the same. Accuracy: mean and deviation over runs.",
            make=trained_tables.anti_aliased,
            uses=("training", "folded"),
            part="training",
        ),
    ),
    left_out=(
        "Fig. 4, Table 1 and Fig. 6 on IEMOCAP: its recipes are planned where the data is, and were run on miniature "
        "trees alone.",
        "Fig. 5 compares architectures in a drawing; the sizes of their outputs are not in the text.",
    ),
    cost="quick about 4 min, in full about 40 min of processor time (extrapolated from 15 of its 59 trainings)",
)
