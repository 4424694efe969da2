"""The picture of relevance and F-ratios in sub-bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope.plots.checks import finite, having
from otoscope.plots.drawing import (
    INPUT_COLOUR,
    LINE_STYLES,
    frequency_unit,
    legend_above,
    make_axes,
    small_size,
    two_panels,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = np.ndarray[Any, Any]


def subband_emphasis(result: xr.Dataset, axes: Axes | Sequence[Axes] | Array | None = None) -> Array:
    """Draw where the relevance of a model's answers lies, over where the classes of the data differ.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.subband_emphasis.subband_emphasis`.
    axes : two matplotlib.axes.Axes, optional
        For emphasis and F-ratio; a new figure with two rows without them. One, where there are no F-ratios.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a quantity is missing or not finite, or the number of axes is wrong.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> band = {"band": [500.0, 1500.0], "band_low": ("band", [0.0, 1000.0]), "band_high": ("band", [1000.0, 2000.0])}
    >>> names = ("emphasis", "ci_low", "ci_high", "input_emphasis", "f_ratio", "f_ratio_ci_low", "f_ratio_ci_high")
    >>> result = xr.Dataset({name: ("band", [1.0, 2.0]) for name in names}, band)
    >>> alone = ("correlation", "correlation_ci_low", "correlation_ci_high", "input_correlation", "f_ratio_chance")
    >>> result = result.assign({name: 0.5 for name in alone})
    >>> [ax.get_ylabel() for ax in subband_emphasis(result, Figure().subplots(2))]
    ['emphasis', 'F-ratio of classes']
    """
    result = result.drop_dims("clip", errors="ignore")
    by_class = "f_ratio" in result
    needed = ["emphasis", "ci_low", "ci_high", "input_emphasis"]
    ratios = ["f_ratio_chance", "correlation", "input_correlation"]
    result = having(result, [*needed, *(ratios if by_class else [])])
    if by_class:
        axes = two_panels(axes, height=3.4, ratios=(1, 1), sharex=True, both=True)
    else:
        given = None if axes is None else np.asarray(axes, dtype=object).flat[0]
        axes = np.array([make_axes(given)], dtype=object)
    edges = np.append(result["band_low"].values, result["band_high"].values[-1])
    divisor, unit = frequency_unit(float(edges[-1]))
    edges = edges / divisor
    axes[0].stairs(
        finite(result["input_emphasis"], "the emphasis"), edges, fill=True, color=INPUT_COLOUR, alpha=0.5, label="input"
    )
    _curve(axes[0], edges, result, ("emphasis", "ci_low", "ci_high"), 0, "relevance")
    axes[0].set(ylabel="emphasis", xlim=(edges[0], edges[-1]))
    axes[0].set_ylim(bottom=0)
    legend_above(axes[0])
    if by_class:
        _draw_ratios(axes[1], edges, result)
    axes[-1].set(xlabel=f"frequency ({unit})", xlim=(edges[0], edges[-1]))
    return axes


def _draw_ratios(ax: Axes, edges: Array, result: xr.Dataset) -> None:
    _curve(ax, edges, result, ("f_ratio", "f_ratio_ci_low", "f_ratio_ci_high"), 1, "")
    low, value, high = (float(result[f"correlation{one}"]) for one in ("_ci_low", "", "_ci_high"))
    of_input = float(result["input_correlation"])
    ax.set_title(
        f"rank correlation {value:.2f} ({low:.2f} to {high:.2f}), of the input {of_input:.2f}",
        fontsize=small_size(ax), loc="right", pad=3,
    )  # fmt: skip
    ax.axhline(float(result["f_ratio_chance"]), color="black", linestyle=":", linewidth=0.8, label="chance")
    ax.set(ylabel="F-ratio of classes")
    if (result["f_ratio"] > 0).all():
        ax.set_yscale("log")
    ax.legend(loc="best", fontsize=small_size(ax))


def _curve(ax: Axes, edges: Array, result: xr.Dataset, names: tuple[str, str, str], style: int, label: str) -> None:
    """A step a band, with its interval."""
    value, low, high = (np.asarray(result[name], dtype=float) for name in names)
    colour, line = LINE_STYLES[style]
    ax.stairs(high, edges, baseline=low, fill=True, color=colour, alpha=0.25)
    ax.stairs(
        finite(value, names[0]), edges, baseline=None, color=colour, linestyle=line, linewidth=1.1, label=label or None
    )
