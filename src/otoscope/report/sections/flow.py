"""Feature maps through the model, in time and in frequency."""

from __future__ import annotations

import xarray as xr

from otoscope import plots
from otoscope.report.html import Figure, Section
from otoscope.report.sections.parts import SIMPLENET, blank, made

_MOST = 8


def data_flow(result: xr.Dataset) -> Section:
    rows = min(_MOST, result.sizes["tap"])
    with blank(0.35 + 0.75 * rows, rows=rows, columns=2) as (picture, axes):
        plots.data_flow(result, axes, most=_MOST)
    left_out = result.sizes["tap"] - rows
    some = f" {left_out} taps are left out here; the array holds all." if left_out else ""
    return Section(
        "Data flow",
        "The sound as it goes up: at the end of each block the most active feature map over time, and its spectrum up "
        "to half the rate that it has there. Bands that a filter has stopped are missing in it; where a stride or "
        f"pooling lowers the rate, what was above the new limit is stopped before or lies folded over the rest.{some}",
        f"{SIMPLENET}, section 2.2, figures 1 to 3",
        made(result),
        [Figure(picture, "Feature maps over time and frequency, tap below tap")],
    )
