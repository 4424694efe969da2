"""Picture of the residual study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.plots.by_layer import draw_intervals, label_layers
from otoscope.plots.checks import having
from otoscope.plots.drawing import INPUT_COLOUR, make_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NEEDED = [f"{name}{part}" for name in ("score", "baseline") for part in ("", "_ci_low", "_ci_high")]


def residual_study(result: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the score on the residuals of each layer beside that on the sounds, with their 95 % intervals.

    Parameters
    ----------
    result : xarray.Dataset
        What :func:`otoscope.methods.residual_study.residual_study` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a score or a bound is missing.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> names = ("score", "score_ci_low", "score_ci_high")
    >>> study = xr.Dataset({name: ("layer", [0.4]) for name in names}, coords={"layer": ["conv1"]})
    >>> study = study.assign(baseline=0.9, baseline_ci_low=0.8, baseline_ci_high=1.0)
    >>> residual_study(study, Figure().subplots()).get_ylabel()
    'score'
    """
    result = having(result.drop_dims("clip", errors="ignore"), _NEEDED)
    ax = make_axes(ax, height=2.4)
    metric = str(result.attrs.get("metric", "score"))
    ends = (-0.5, result.sizes["layer"] - 0.5)
    low, high = float(result["baseline_ci_low"]), float(result["baseline_ci_high"])
    if np.isfinite([low, high]).all():
        ax.fill_between(ends, low, high, color=INPUT_COLOUR, alpha=0.35, linewidth=0)
    ax.plot(ends, [float(result["baseline"])] * 2, "--", color="black", linewidth=0.9, label="whole sound")
    draw_intervals(ax, np.arange(result.sizes["layer"]), result, "score", label="residual")
    label = "same answer (share)" if metric == "agreement" else metric
    label_layers(ax, result, label, share=metric in ("accuracy", "agreement", "mAP"))
    return ax
