"""What pictures of scores by layer share: points with their intervals, and the names of the layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.plots.drawing import LINE_STYLES, legend_above, name_layers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = "os^Dv"


def draw_intervals(ax: Axes, at: np.ndarray, result: xr.Dataset, name: str, *, number: int = 0, label: str) -> None:
    """Points with error bars; without bounds (of a single run, say) only the point is drawn."""
    low, high = (f"{name}_ci_low", f"{name}_ci_high") if f"{name}_ci_low" in result else ("ci_low", "ci_high")
    mean = result[name].values
    reach = np.nan_to_num(np.stack([mean - result[low].values, result[high].values - mean]).clip(min=0))
    ax.errorbar(
        at, mean, reach, fmt=_MARKERS[number % len(_MARKERS)], color=LINE_STYLES[number % len(LINE_STYLES)][0],
        markersize=3, elinewidth=0.9, capsize=2, label=label,
    )  # fmt: skip


def label_layers(ax: Axes, result: xr.Dataset, label: str, *, share: bool) -> None:
    """Names of the layers below, and the quantity on the left, from 0 to 1 where it is a share."""
    name_layers(ax, [str(name) for name in result["layer"].values])
    ax.set_xlim(-0.5, result.sizes["layer"] - 0.5)
    ax.set_ylabel(label)
    if share:
        ax.set_ylim(0, 1.02)
    legend_above(ax)
