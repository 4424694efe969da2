"""The study of response spectra and geometry: what needs no training is measured, the rest is listed."""

from __future__ import annotations

from collections.abc import Sequence

from otoscope.studies.found import Found
from otoscope.studies.study import Listing, Study
from otoscope.studies.swam.claims import CLAIMS
from otoscope.studies.swam.measures import DIGITS, TABLE_4, matches
from otoscope.studies.swam.steps import plan

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


STUDY = Study(
    "swam",
    title="Response spectra and geometry of raw-waveform networks",
    about="What do first layers of three widths respond to in two tasks, and how do their weights lie?",
    works=("swam",),
    claims=CLAIMS,
    plan=plan,
    parts=("accuracy", "response", "spoofing", "geometry", "published"),
    tables=(
        Listing(
            "table-4",
            "Table 4: geometry of the published InceptionNet",
            "Ours, to the digits of the table; what is printed otherwise stands beside it.",
            make=_table_4,
            uses=("published_geometry",),
            part="published",
        ),
    ),
    left_out=("Tables 1 to 3 and Fig. 1 to 5 (training, ASVspoof): not built yet.",),
    cost="10 s so far",
)
