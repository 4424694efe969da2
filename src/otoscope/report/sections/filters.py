"""Filters of the first layer, and how training changed them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope.plots.filters import filters as draw
from otoscope.plots.filters import spread
from otoscope.report.html import Section
from otoscope.report.sections.parts import figure, reads, section


def filters(result: xr.Dataset) -> Section:
    if "training" in result.dims:
        return _before_and_after(result)
    centres = result["centre_frequency"].values
    alive = centres[np.isfinite(centres)]
    caption = f"{centres.size} filters" + (f", {centres.size - alive.size} of them zero" * (alive.size < centres.size))
    if alive.size:
        caption += f"; half of them are centred below {np.median(alive):.0f} Hz"
    alt = "Filters over frequency, sorted by centre frequency, and their sum"
    return section(
        "Filters of the first layer",
        "Every row is a filter, the lowest centre frequency (dot) at the bottom; bright is what it passes. Below, the "
        "cumulative response of all of them, each scaled to unit norm: high where many filters respond, whatever "
        "the sound." + reads(result),
        result,
        [figure(3.6, draw, result, alt, f"{caption}.", rows=2)],
    )


def _before_and_after(result: xr.Dataset) -> Section:
    chosen = spread(result.sel(training="after"))
    changes = result["change"].values[np.isfinite(result["change"].values)]
    caption = (
        f"Half of the kernels changed by more than {np.median(changes):.2f} of their norm." if changes.size else ""
    )
    return section(
        "Filters before and after training",
        "All filters before and after, in the order of their centre frequency after; what they pass together; "
        "how far each centre moved (on the line: not at all); and some of them in time and frequency." + reads(result),
        result,
        [
            figure(
                3.2 + 0.8 * len(chosen), draw, result, "Filters before and after training", caption,
                rows=2 + len(chosen), columns=2, kernels=chosen,
            )
        ],
    )  # fmt: skip
