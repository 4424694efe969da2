"""Feature maps through the model, in time and in frequency."""

from __future__ import annotations

import xarray as xr

from otoscope.plots.data_flow import data_flow as draw
from otoscope.plots.data_flow import drawn_layers
from otoscope.report.html import Note, Section
from otoscope.report.sections.parts import figure, section

_MOST = 8


def data_flow(result: xr.Dataset) -> Section:
    drawn = drawn_layers(result, _MOST)
    left_out = [str(name) for n, name in enumerate(result["layer"].values) if n not in drawn]
    return section(
        "Data flow",
        "The sound on its way through the model: at the end of each block the most active feature map over time, and "
        "its spectrum up to half the rate that it has there. Bands that a filter has stopped are missing; where a "
        "stride or pooling lowers the rate, what was above the new limit is either stopped before or folded over the "
        "rest.",
        result,
        [
            figure(
                0.35 + 0.75 * len(drawn), draw, result, "Feature maps over time and frequency, layer below layer",
                rows=len(drawn), columns=2, most=_MOST,
            ),
            *([Note(f"Not drawn, but in the array: {', '.join(left_out)}.")] if left_out else []),
        ],
    )  # fmt: skip
