"""Filters of the first layer, and how training changed them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope import plots
from otoscope.report.html import Figure, Section
from otoscope.report.sections.parts import RELEVANCE, SIMPLENET, blank, made


def filters(result: xr.Dataset) -> Section:
    with blank(3.6, rows=2) as (picture, axes):
        plots.filters(result, axes)
    centres = result["centre_frequency"].values
    alive = centres[np.isfinite(centres)]
    caption = f"{centres.size} filters" + (f", {centres.size - alive.size} of them zero" * (alive.size < centres.size))
    if alive.size:
        caption += f"; half of them are centred below {np.median(alive):.0f} Hz"
    return Section(
        "Filters of the first layer",
        "Every row is a filter, the lowest centre frequency (dot) at the bottom; bright is what it passes. Below, the "
        "cumulative response of all of them, each scaled to unit norm: high where many filters listen, whatever "
        "the sound.",
        f"{RELEVANCE}, eq. 1",
        made(result),
        [Figure(picture, "Filters over frequency, sorted by centre frequency, and their sum", f"{caption}.")],
    )


def _four(result: xr.Dataset) -> list[int]:
    """Four kernels from the lowest to the highest centre frequency; the same again where there are fewer."""
    order = result["order"].values.astype(int)
    order = order[np.isfinite(result["centre_frequency"].values[order])] if result["order"].size else order
    return order[np.linspace(0, len(order) - 1, 4).round().astype(int)].tolist()


def filters_before_after(result: xr.Dataset) -> Section:
    before, after = (result.sel(training=state) for state in ("before", "after"))
    with blank(6.4, rows=6, columns=2) as (picture, axes):
        axes[0, 0].get_gridspec().set_height_ratios([2.2, 1.6, 1, 1, 1, 1])
        plots.filters_before_after(before, after, axes, chosen=_four(after))
    change = float(np.nanmedian(result["change"])) if np.isfinite(result["change"]).any() else float("nan")
    return Section(
        "Filters before and after training",
        "All filters before and after, in the order of their centre frequency after; what they pass together; "
        "how far each centre moved (on the line: not at all); and four of them in time and frequency.",
        f"{SIMPLENET}, Fig. 6",
        made(result),
        [
            Figure(
                picture,
                "Filters before and after training",
                f"Half of the kernels changed by more than {change:.2f} of their norm.",
            )
        ],
    )
