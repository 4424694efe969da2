"""The study of response spectra and geometry: Tables 2 to 4, and what trained front-ends respond to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otoscope.studies.estimate import short
from otoscope.studies.found import Found
from otoscope.studies.study import Listing, Picture, Study
from otoscope.studies.swam import figures
from otoscope.studies.swam.claims import CLAIMS
from otoscope.studies.swam.measures import DIGITS, TABLE_4, matches
from otoscope.studies.swam.steps import plan
from otoscope.studies.swam.trained import FREE, FRONT_ENDS

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
            "tables-2-and-3",
            "Tables 2 and 3: geometry on two tasks",
            "Ours on FSDD, digits in place of words: mean and deviation over runs; of networks of the same shape with "
            "random weights the lowest and the highest value.",
            make=_tables_2_and_3,
            uses=("geometry",),
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
        "Table 1 and Fig. 3 (CRS as features, ASVspoof 2019 LA): not built yet.",
        "Fig. 1 and 2 as panels with waveform and STRS, Fig. 4 and Fig. 5: not built yet.",
    ),
    cost="quick about 10 min, in full about 150 min with --jobs 2 (planned)",
)
