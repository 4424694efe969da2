"""The study of response spectra and geometry: the tables and figures of SWAM, and their claims."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otoscope.studies.estimate import short
from otoscope.studies.found import Found
from otoscope.studies.study import Listing, Picture, Study
from otoscope.studies.swam import figures
from otoscope.studies.swam.claims import CLAIMS
from otoscope.studies.swam.measures import DIGITS, TABLE_4, matches
from otoscope.studies.swam.spoofing import INCEPTION, RESNET
from otoscope.studies.swam.steps import plan
from otoscope.studies.swam.trained import FREE, FRONT_ENDS, WORDS
from otoscope.studies.swam.voices import GROUPS, STAND_INS

NETWORKS = ((RESNET, "trained"), (INCEPTION, "published"), (RESNET, "random"), (INCEPTION, "random"))
PUBLISHED_TABLE_1 = {
    "TTS": ("0.90 ± 0.015", "0.89 ± 0.017"),
    "TTS_VC": ("0.91 ± 0.02", "0.90 ± 0.01"),
    "VC": ("0.67 ± 0.056", "0.62 ± 0.043"),
}
POOLED = "Pooling is by 3, as in the zoo; the authors' scripts pool otherwise, see the control on pooling."
_LAYERS = ("I", "II", "III", "IV", "V")


def _table_4(found: Found) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    cells = {(measure, layer): (printed, ours, same) for measure, layer, printed, ours, same in matches(found)}
    rows = []
    for measure in TABLE_4:
        row: list[object] = [measure]
        for layer in range(1, len(_LAYERS) + 1):
            printed, ours, same = cells[measure, layer]
            row.append(f"{ours:.{DIGITS}f}" + ("" if same else f" (published {printed})"))
        rows.append(row)
    return ["", *(f"layer {layer}" for layer in _LAYERS)], rows


def _tables_2_and_3(found: Found) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    """Mean and deviation over runs of trained networks, and the band of random ones."""
    rows = []
    for task in found.distinct("geometry", "task"):
        for measure in ("A", "B", "beta_avg", "mu", "mu_avg"):
            for weights in ("trained", "random"):
                row: list[object] = [task, measure, weights]
                for front_end in FRONT_ENDS:
                    for layer in (1, 2, 3):
                        where = {"data": FREE, "task": task, "front_end": front_end, "layer": layer, "weights": weights}
                        values = found.values("geometry", measure, **where)
                        row.append(_spread(values) if weights == "trained" else _band(values))
                rows.append(row)
    heads = [f"{front_end} {layer}" for front_end in FRONT_ENDS for layer in ("I", "II", "III")]
    return ["task", "", "weights", *heads], rows


def _spread(values: np.ndarray) -> str:
    if len(values) < 2:
        return short(float(values.mean())) if len(values) else ""
    return f"{values.mean():.3g} ± {values.std(ddof=1):.2g}"


def _band(values: np.ndarray) -> str:
    return f"{values.min():.3g} to {values.max():.3g}" if len(values) else ""


def _accuracies(found: Found) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    rows = []
    for data in found.distinct("training", "data"):
        for task in found.distinct("training", "task", data=data):
            row: list[object] = ["FSDD" if data == FREE else "as published", task]
            for front_end in FRONT_ENDS:
                row.append(
                    _spread(found.values("training", "test_accuracy", data=data, task=task, front_end=front_end))
                )
            rows.append(row)
    return ["data", "task", *FRONT_ENDS], rows


def _table_1(found: Found) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    """Mean and deviation over folds and runs, a row for each kind of made speech."""
    rows: list[list[object]] = []
    for data in found.distinct("spoofing", "data"):
        for group in GROUPS:
            row: list[object] = [group.replace("_", " + "), *PUBLISHED_TABLE_1[group]]
            row.append(STAND_INS[group] if data == FREE else "ASVspoof 2019 LA")
            for network, weights in NETWORKS:
                where = {"data": data, "group": group, "network": network, "weights": weights}
                row.append(_spread(found.values("spoofing", "accuracy", **where)))
            rows.append(row)
    scenes: list[object] = ["", "", "", "ten classes of ESC-10 (0.1 by chance)"]
    for network, weights in NETWORKS:
        scenes.append(_spread(found.values("scenes", "accuracy", network=network, weights=weights)))
    heads = ["", "ResNet, published", "InceptionNet, published", "ours on"]
    return [*heads, *(f"{network}, {weights}" for network, weights in NETWORKS)], [*rows, scenes]


def _pooling(found: Found) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    """The runs of both poolings that are there of the same seeds."""
    rows = []
    for data in found.distinct("pooling", "data"):
        for front_end in found.distinct("pooling", "front_end", data=data):
            where = {"data": data, "task": WORDS, "front_end": front_end}
            seeds = tuple(found.distinct("pooling", "seed", **where))
            for pooling, table, trained in (("3", "geometry", "training"), ("scripts", "pooling", "pooling_training")):
                row: list[object] = ["FSDD digits" if data == FREE else "Speech Commands", front_end, pooling]
                row.append(_spread(found.values(trained, "test_accuracy", seed=seeds, **where)))
                for measure in ("B", "mu", "mu_avg"):
                    for layer in (1, 2, 3):
                        of = {**where, "seed": seeds, "layer": layer, "weights": "trained"}
                        row.append(_spread(found.values(table, measure, **of)))
                rows.append(row)
    heads = [f"{measure} {layer}" for measure in ("B", "mu", "mu_avg") for layer in ("I", "II", "III")]
    return ["data", "front-end", "pooling", "test accuracy", *heads], rows


STUDY = Study(
    "swam",
    title="Response spectra and geometry of raw-waveform networks",
    about="What do first layers of three widths respond to in two tasks, and how do their weights lie?",
    works=("swam",),
    claims=CLAIMS,
    plan=plan,
    parts=("accuracy", "response", "spoofing", "geometry", "published"),
    pictures=(
        Picture(
            "crs",
            "Cumulative response spectra of two tasks",
            published="Fig. 1 and 2, right: the CRS of an example for each front-end",
            caption="Mean over clips of the test set of FSDD (of the data of the paper, where that is there alone) and "
            "over runs; the band is the deviation over runs. Trained on words (digits), on speakers, and with random "
            "weights. FSDD has sounds of 8 kHz: nothing is shown above 4 kHz.",
            draw=figures.cumulative,
            uses=("response",),
            part="response",
        ),
        Picture(
            "fig-1",
            "Fig. 1: a word in networks of words",
            published="Fig. 1: waveform, STRS and CRS of a sound of the class Backward, a column for each front-end",
            caption="A spoken digit of the test set of FSDD in networks that were trained on digits (seed 0), up to "
            f"4 kHz, where its sound ends. {POOLED}",
            draw=figures.words_panels,
            uses=("example",),
            part="response",
        ),
        Picture(
            "fig-2",
            "Fig. 2: the same word in networks of speakers",
            published="Fig. 2: waveform, STRS and CRS of example inputs, a column for each front-end",
            caption=f"The sound of Fig. 1 in networks that were trained on the speakers of FSDD (seed 0). {POOLED}",
            draw=figures.speakers_panels,
            uses=("example",),
            part="response",
        ),
        Picture(
            "fig-3",
            "Fig. 3: CRS of genuine and made speech",
            published="Fig. 3: the CRS of genuine speech, TTS, VC and both in the ResNet and the InceptionNet",
            caption="Mean of 30 clips, and the band of the middle 80 %. InceptionNet has the published weights; ResNet "
            "was trained on spoken digits, since its weights are not published. What stands for each kind of spoof is "
            "in Table 1. There is no pooling before the first layer.",
            draw=figures.made_speech,
            uses=("spoofing_crs",),
            part="spoofing",
        ),
        Picture(
            "fig-4",
            "Fig. 4: kernels in the plane of time and frequency",
            published="Fig. 4: contours at 0.7 of the learned filters on words, the grey scale is the total energy",
            caption=f"{figures.KERNELS} kernels of each front-end, spread over their frequencies (seed 0, FSDD digits "
            "in place of words), and all 16 of the published InceptionNet, of 7 samples. Distributions are smoothed "
            f"by a hundredth of both axes. {POOLED}",
            draw=figures.kernels_in_plane,
            uses=("example", "published_kernels"),
            part="geometry",
        ),
        Picture(
            "fig-5",
            "Fig. 5: coherence of a residual network",
            published="Fig. 5: layer-wise properties of the pre-trained ResNet, residual connections circled",
            caption="Res-TSSDNet, trained on spoken digits in place of spoofs, mean of the runs. The convolutions of "
            "one tap (nin) lie on the skip paths. It has the max-poolings by 4 of its authors.",
            draw=figures.residual_layers,
            uses=("residual", "residual_training"),
            part="geometry",
        ),
    ),
    tables=(
        Listing(
            "accuracy",
            "Test accuracy of the front-ends",
            "Mean and deviation over runs.",
            make=_accuracies,
            uses=("training",),
            part="accuracy",
        ),
        Listing(
            "table-1",
            "Table 1: made speech told from genuine speech by the CRS",
            "Accuracy of a support vector machine of degree 3 with no speaker on both sides, mean and deviation over "
            "folds and runs; 0.5 is chance. On FSDD vocoders stand for the spoofs, so that ours is no reproduction.",
            make=_table_1,
            uses=("spoofing",),
            part="spoofing",
        ),
        Listing(
            "tables-2-and-3",
            "Tables 2 and 3: geometry on two tasks",
            "Ours on FSDD, digits in place of words: mean and deviation over runs; of networks of the same shape with "
            "random weights the lowest and the highest value. The paper says that the average mutual coherence of the "
            "multi-resolution model is the lowest. Its Table 3 has it (0.30, against 0.35 and 0.42, mean of the "
            "layers); its Table 2 contradicts it: the segmental model has 0.20, the multi-resolution one 0.23. "
            f"{POOLED}",
            make=_tables_2_and_3,
            uses=("geometry",),
            part="geometry",
        ),
        Listing(
            "pooling",
            "Control: pooling by 3, and as in the authors' scripts",
            "The paper does not say how its models pool. The authors' scripts pool by 2 after every convolution, and "
            "by 3, 3 and not at all in the multi-resolution model; the zoo pools by 3. Runs of the same seeds, mean "
            "and deviation. All other tables and figures here are of the zoo's pooling.",
            make=_pooling,
            uses=("pooling", "pooling_training"),
            part="geometry",
        ),
        Listing(
            "table-4",
            "Table 4: geometry of the published InceptionNet",
            "Ours, to the digits of the table; what is printed otherwise stands beside it.",
            make=_table_4,
            uses=("published_geometry",),
            part="published",
        ),
    ),
    left_out=(
        "Table 1 and Fig. 3 are measured on ASVspoof 2019 LA where it is there (asvspoof2019-la in DATA); on the free "
        "data vocoders make the spoofs, by two methods, where the work's come from 13 systems.",
        "The weights of the ResNet are not published: its networks are trained here, on spoken digits.",
        "Above 4 kHz nothing is said of FSDD: the band of 4 to 5 kHz (swam-10) needs LibriSpeech.",
    ),
    cost="quick about 6 min, in full about 120 min of processor time, half of that with --jobs 2 on two free cores",
)
