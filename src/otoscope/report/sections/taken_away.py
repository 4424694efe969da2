"""What the model answers without the part of a sound where its relevance lies."""

from __future__ import annotations

import xarray as xr

from otoscope.plots.taken_away import taken_away as draw
from otoscope.report.html import Section
from otoscope.report.sections.parts import figure, section, table

_SHOWN = {
    "domain": "taken away",
    "taken_low": "from (s or Hz)",
    "taken_high": "to (s or Hz)",
    "taken_answer": "answer without it",
    "taken_margin": "margin without it",
    "verdict": "verdict",
}


def taken_away(result: xr.Dataset) -> Section:
    alt = "Margin of the answer without the focus of the relevance and without other parts as large"
    caption = "Grey: without other parts of the sound. Dashed: the whole sound. Below 0 the answer is another."
    return section(
        "Taken away",
        "The interval and the band that each hold half of the relevance are taken out of the sound, and, in their "
        "place, others as large: where the answer changes without them, and without the others does not, it rests on "
        "them.",
        result,
        [figure(2.2, draw, result, alt, caption), table(result, columns=_SHOWN)],
    )
