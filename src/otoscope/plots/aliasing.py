"""Picture of what each downsampling step folds of a sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope.plots.checks import having
from otoscope.plots.drawing import INPUT_COLOUR, LINE_STYLES, legend_above, make_axes, name_layers

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def aliasing(result: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the share of energy that each downsampling step folds.

    Parameters
    ----------
    result : xarray.Dataset over the dim step
        What :func:`otoscope.methods.aliasing.aliasing` returned, of one clip.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a quantity is missing or the result is of several clips.

    Notes
    -----
    A bar is the share of all channels together. The line through it spans the middle 80 % of single channels, and
    the dashed line is the share that a flat spectrum would have, 1 - 1/s at stride s.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset(
    ...     {"share": ("step", [0.2]), "channel_share": (("step", "channel"), [[0.1, 0.3]])},
    ...     {"step": ["pool1"], "stride": ("step", [2])})
    >>> aliasing(result, Figure().subplots()).get_ylabel()
    'folded share (0–1)'
    """
    result = having(result, ["share", "channel_share", "stride"])
    ax = make_axes(ax)
    position = np.arange(result.sizes["step"])
    ax.bar(position, result["share"].fillna(0), width=0.7, color=INPUT_COLOUR, label="all channels")
    low, high = _middle(result["channel_share"].values)
    ax.vlines(position, low, high, color=LINE_STYLES[0][0], linewidth=1.2, label="80 % of channels")
    flat = 1 - 1 / result["stride"].values
    style: Any = {"color": LINE_STYLES[1][0], "linewidth": 1.2, "linestyle": "--"}
    ax.hlines(flat, position - 0.42, position + 0.42, label="flat spectrum", **style)
    ax.set(ylabel="folded share (0–1)", xlim=(-0.6, position.size - 0.4), ylim=(0, 1.02))
    name_layers(ax, [str(name) for name in result["step"].values])
    ax.set_xlabel("downsampling step")
    legend_above(ax, columns=3)
    return ax


def _middle(shares: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The 10th and 90th percentile of every row, NaN where it has nothing else."""
    some = ~np.isnan(shares).all(-1)
    bounds = np.full((2, len(shares)), np.nan)
    bounds[:, some] = np.nanpercentile(shares[some], [10, 90], axis=-1)
    return bounds[0], bounds[1]
