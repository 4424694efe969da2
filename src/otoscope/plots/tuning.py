"""A picture of what the maps of a layer are tuned to: frequency, level and rate of modulation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import finite, having
from otoscope.plots.drawing import LINE_STYLES, decibels, draw_colorbar, draw_rows, make_grid, plain_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RANGE = 30.0
_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
_LEAST = 1e-12  # of a response that is none


def tuning(
    result: xr.Dataset, axes: Sequence[Axes] | np.ndarray | None = None, *, dynamic_range: float = _RANGE
) -> np.ndarray:
    """Draw the response of every map to tones, and of all of them together that to levels and to modulations.

    Bands are from the 10th to the 90th and from the 25th to the 75th percentile of the maps that answer, the line is
    their median.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.tuning.tuning`.
    axes : three matplotlib.axes.Axes, optional
        For tones, levels and modulations; a new figure with three rows without them.
    dynamic_range : float
        Range shown of the response to tones, in dB below the peak of each map.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a quantity is missing, or there are not three axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from otoscope.methods.tuning import tuning as measure
    >>> from otoscope.subject import Subject
    >>> result = measure(Subject("vowel-name"), layer="relu2", bins_per_octave=2, duration=0.5)
    >>> [ax.get_ylabel() for ax in tuning(result, Figure().subplots(3))]
    ['map (sorted)', 'response (dB)', 'gain (dB)']
    """
    result = having(result, ["frequency_response", "level_response", "modulation_gain", "best_frequency"])
    if axes is None:
        axes = make_grid(3, 1, height=5.0)
        axes[0, 0].get_gridspec().set_height_ratios((2.0, 1, 1))
    axes = np.asarray(axes, dtype=object).ravel()
    if axes.size != 3:
        raise InputError(f"three axes are needed; {axes.size} were given. Pass three, or none.")
    response = finite(result["frequency_response"], "the response to tones")
    order = np.argsort(result["best_frequency"].values, kind="stable")
    frequency = np.asarray(result["frequency"], dtype=float)
    mesh = draw_rows(axes[0], response[order], frequency, dynamic_range, of="map", name="frequency of a tone")
    draw_colorbar(mesh, axes[0], "response (dB re own peak)")
    _draw_levels(axes[1], result)
    _draw_gains(axes[2], result)
    return axes


def _draw_levels(ax: Axes, result: xr.Dataset) -> None:
    result = result.sortby("level")
    response = finite(result["level_response"], "the response to noise")
    loudest = response.max(1)
    heard = response[loudest > _LEAST]
    level = np.asarray(result["level"], dtype=float)
    ax.set(xlabel="level of noise (dB re full scale)", ylabel="response (dB)")
    if not len(heard):
        return _say_none(ax)
    relative = np.stack(
        [decibels(row, 12 + float(np.ptp(level)), reference=float(row[-1] or row.max())) for row in heard]
    )
    _draw_quantiles(ax, level, relative)
    ax.plot(level, level - level[-1], ":", color="0.5", linewidth=0.8)  # in proportion to the sound
    return None


def _draw_gains(ax: Axes, result: xr.Dataset) -> None:
    result = result.sortby("rate")
    gains = np.asarray(result["modulation_gain"], dtype=float)
    rate = np.asarray(result["rate"], dtype=float)
    ax.set(xlabel="rate of modulation (Hz)", ylabel="gain (dB)", xscale="log", xlim=(rate[0] / 1.1, rate[-1] * 1.1))
    plain_ticks(ax.xaxis)
    known = np.isfinite(gains).any(0)
    heard = gains[:, known]
    heard = heard[np.isfinite(heard).all(1)]
    if not heard.size:
        return _say_none(ax)
    _draw_quantiles(ax, rate[known], 20 * np.log10(np.maximum(heard, 1e-2)))
    ax.axhline(0, linestyle=":", color="0.5", linewidth=0.8)  # follows the sound
    return None


def _draw_quantiles(ax: Axes, along: np.ndarray, values: np.ndarray) -> None:
    colour = LINE_STYLES[0][0]
    drawn = np.quantile(values, _QUANTILES, axis=0)
    marker = "o" if along.size == 1 else ""
    for low, high in ((drawn[0], drawn[4]), (drawn[1], drawn[3])):
        ax.fill_between(along, low, high, color=colour, alpha=0.2, linewidth=0)
    ax.plot(along, drawn[2], color=colour, linewidth=1, marker=marker, markersize=3)


def _say_none(ax: Axes) -> None:
    ax.plot([], [])
    ax.set(ylim=(-1, 1))
    ax.plot(ax.get_xlim(), [0, 0], linewidth=0)  # so that the axes are not empty
    ax.text(0.5, 0.5, "no map answers", transform=ax.transAxes, ha="center", va="center", color="0.4")
