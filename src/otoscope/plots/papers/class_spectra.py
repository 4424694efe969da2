"""Cumulative response spectra of classes, each with the spread over its sounds: SWAM Fig. 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import finite
from otoscope.plots.drawing import LINE_STYLES, frequency_unit, is_geometric, make_axes, plain_ticks, small_size
from otoscope.plots.papers.panels import end_at, grid, head_columns, named, only_outer
from otoscope.plots.style import StyleName, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BAND = (10.0, 90.0)
_SHADES = ("#000000", "#b73779", "#fc8961", "#51127c", "#6b6b6b")


def class_spectra(
    results: Mapping[str, Mapping[str, xr.Dataset]],
    *,
    relative: bool = True,
    highest: float | None = None,
    style: StyleName | None = "paper",
) -> np.ndarray:
    """Draw the CRS of classes with their spread, models side by side.

    Parameters
    ----------
    results : mapping of str to mapping of str to xarray.Dataset
        By the name of a model and that of a class, what :func:`otoscope.methods.crs.crs` returned of clips.
    relative : bool
        Whether the CRS of each clip is divided by its mean over frequency, so that the spread is not that of loudness.
    highest : float, optional
        Where the axis of frequency ends, in Hz, as where sounds were resampled and have nothing above.
    style : {"paper", "screen"}
        See :func:`otoscope.plots.styled`.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (1, models)

    Raises
    ------
    InputError
        If there is no model or class, or results have no CRS.

    Notes
    -----
    Fig. 3 of SWAM has a curve for speech and one for each kind of spoofed speech. A line is the mean over clips; the
    band holds the middle 80 % of them at each frequency.

    Examples
    --------
    >>> clips = xr.Dataset({"crs": (("clip", "frequency"), [[1.0, 2.0], [3.0, 2.0]])}, {"frequency": [0.0, 4000.0]})
    >>> class_spectra({"one": {"real": clips, "synthetic": clips}}).shape
    (1, 1)
    """
    models = named(results, "classes of each model")
    with styled(style):
        axes = grid(1, len(models), height=1.7, sharey=relative)
        for number, (ax, classes) in enumerate(zip(axes[0], models.values(), strict=True)):
            draw_classes(ax, classes, relative=relative, highest=highest, legend=number == 0)
        if relative:
            axes[0, 0].set_ylim(0, max(float(ax.dataLim.y1) for ax in axes[0]) * 1.05)
        if len(models) > 1:
            head_columns(axes, list(models))
        only_outer(axes)
    return axes


def draw_classes(
    ax: Axes | None,
    classes: Mapping[str, xr.Dataset],
    *,
    relative: bool = True,
    highest: float | None = None,
    legend: bool = True,
) -> Axes:
    """Mean CRS of each class, and a band that holds the middle 80 % of its clips."""
    ax = make_axes(ax)
    top = 0.0
    for number, (name, result) in enumerate(named(classes, "classes").items()):
        values, frequency = _clips(result, relative)
        divisor, unit = frequency_unit(float(frequency.max()))
        line, colour = LINE_STYLES[number % len(LINE_STYLES)][1], _SHADES[number % len(_SHADES)]
        low, high = np.percentile(values, _BAND, axis=0)
        if len(values) > 1:
            ax.fill_between(frequency / divisor, low, high, color=colour, alpha=0.18, linewidth=0)
        ax.plot(frequency / divisor, values.mean(0), line, color=colour, linewidth=1, label=f"{name} ({len(values)})")
        top = max(top, float(high.max()), float(values.mean(0).max()))
    ax.set(ylim=(0, 1.05 * top or 1), xlabel=f"frequency ({unit})", ylabel="CRS (re mean)" if relative else "CRS")
    if is_geometric(frequency):
        ax.set_xscale("log")
        plain_ticks(ax.xaxis)
    ax.margins(x=0)
    end_at(ax, highest, divisor)
    if legend:
        ax.legend(fontsize=small_size(ax), frameon=False, handlelength=1.4, borderaxespad=0.3, labelspacing=0.25)
    return ax


def _clips(result: xr.Dataset, relative: bool) -> tuple[np.ndarray, np.ndarray]:
    """CRS (clip, frequency), and frequencies in Hz."""
    if "crs" not in result or not set(result["crs"].dims) <= {"clip", "frequency"}:
        raise InputError(f"a class needs the CRS of its clips over (clip, frequency), not {dict(result.sizes)}")
    values = finite(result["crs"], "the CRS").reshape(-1, result.sizes["frequency"])
    if relative:
        mean = values.mean(1, keepdims=True)
        values = np.divide(values, mean, out=np.zeros_like(values), where=mean > 0)
    return values, np.asarray(result["frequency"], dtype=float)
