"""Picture of data flow: maps in time and in frequency, layer below layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import having
from otoscope.plots.drawing import (
    DYNAMIC_RANGE,
    LINE_STYLES,
    decibels,
    draw_samples,
    frequency_unit,
    make_grid,
    say_silent,
    small_size,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_POINTS = 256  # of a spectrum, which is as many as a panel can show


def data_flow(
    result: xr.Dataset,
    ax: Sequence[Axes] | np.ndarray[Any, Any] | None = None,
    *,
    most: int = 8,
    dynamic_range: float = DYNAMIC_RANGE,
) -> np.ndarray[Any, Any]:
    """Draw a row for each layer: its (most active) map over time on the left, the spectrum of it on the right.

    Parameters
    ----------
    result : xarray.Dataset
        What :func:`otoscope.methods.data_flow.data_flow` returned, of one clip. Of several maps the first is drawn.
    ax : matplotlib.axes.Axes, two for each row, optional
        A new figure without them.
    most : int
        How many rows; of more layers some are left out, evenly from the first to the last.
    dynamic_range : float
        Range of the spectra, in dB below the peak of each.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (rows, 2)

    Raises
    ------
    InputError
        If the result is not a data flow of one clip, or the number of axes does not fit.

    Notes
    -----
    As figures 1 to 3 of the SimpleNet paper. Frequency axes end at half the rate of the layer. The level at 0 Hz, that
    of the mean, is a line of its own; that of a rectified map stands above the peak of all other frequencies.

    Examples
    --------
    >>> result = xr.Dataset(
    ...     {"signal_0": (("channel_0", "time_0"), np.eye(1, 8)),
    ...      "spectrum_0": (("channel_0", "frequency_0"), np.ones((1, 5)))},
    ...     {"layer": ["input"], "rate": ("layer", [8000.0]), "channel_0": [0], "time_0": np.arange(8) / 8000,
    ...      "frequency_0": np.arange(5) * 1000.0})
    >>> from matplotlib.figure import Figure
    >>> [ax.get_xlabel() for ax in data_flow(result, Figure().subplots(1, 2)).ravel()]
    ['time (s)', 'frequency']
    """
    result = having(result, ["layer", "rate", "signal_0", "spectrum_0"])
    if most < 1:
        raise InputError(f"most has to be 1 or more, not {most}")
    rows = drawn_layers(result, most)
    if ax is None:
        ax = make_grid(len(rows), 2, height=0.35 + 0.78 * len(rows))
    axes = np.asarray(ax, dtype=object).ravel()
    if axes.size != 2 * len(rows):
        raise InputError(f"a data flow of {len(rows)} layers is drawn on {2 * len(rows)} axes; {axes.size} were given.")
    grid = axes.reshape(-1, 2)
    for (left, right), n in zip(grid, rows, strict=True):
        _draw_map(left, result, n)
        _draw_spectrum(right, result, n, dynamic_range)
    for left, _ in grid[:-1]:
        left.tick_params(labelbottom=False)
    left_out = result.sizes["layer"] - len(rows)
    some = f"\n{left_out} of {result.sizes['layer']} layers not drawn" if left_out else ""
    grid[-1, 0].set_xlabel(f"time (s){some}")
    grid[-1, 1].set_xlabel("frequency")
    return grid


def drawn_layers(result: xr.Dataset, most: int) -> list[int]:
    """At most so many layers of a data flow, evenly from the first to the last."""
    count = result.sizes["layer"]
    rows: list[int] = np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int)).tolist()
    return rows


def _draw_map(ax: Axes, result: xr.Dataset, n: int) -> None:
    from matplotlib.ticker import MaxNLocator

    samples, time = result[f"signal_{n}"].values[0], result[f"time_{n}"].values
    rate = float(result["rate"][n])
    name = str(result["layer"].values[n])
    if n:
        name = f"{name if len(name) <= 22 else f'…{name[-21:]}'}, map {result[f'channel_{n}'].values[0]}"
    elif result.sizes["channel_0"] > 1:
        name += f", channel {result['channel_0'].values[0]}"
    draw_samples(ax, samples, rate, start=float(time[0]), color=LINE_STYLES[0][0])
    whole = result["time_0"].values
    ax.set_xlim(0, whole[-1] + whole[1] - whole[0])
    ax.set_title(name, fontsize=small_size(ax), loc="left", pad=2)
    ax.set_ylabel("activation" if n else "amplitude", fontsize=small_size(ax))
    # What hardly moves looks like it, and its labels stay short.
    low, high = float(samples.min()), float(samples.max())
    margin = max(0.05 * (high - low), 0.005 * max(abs(low), abs(high)))
    ax.set_ylim(low - (margin or 1), high + (margin or 1))
    ax.yaxis.set_major_locator(MaxNLocator(2))
    ax.ticklabel_format(axis="y", useOffset=False)
    if not samples.any():
        say_silent(ax, color="black", height=0.75)


def _draw_spectrum(ax: Axes, result: xr.Dataset, n: int, dynamic_range: float) -> None:
    spectrum, frequency = result[f"spectrum_{n}"].values[0], result[f"frequency_{n}"].values
    nyquist = float(result["rate"][n]) / 2
    divisor, unit = frequency_unit(nyquist)
    magnitude, frequency = _largest_of_neighbours(spectrum[1:], frequency[1:])
    peak = float(magnitude.max(initial=0.0)) or float(spectrum[0])  # that of the mean, where nothing else is
    level, (mean,) = (decibels(values, dynamic_range, reference=peak) for values in (magnitude, spectrum[:1]))
    ax.plot(frequency / divisor, level, color=LINE_STYLES[1][0], linewidth=0.7)
    ax.vlines(0, -dynamic_range, mean, color=LINE_STYLES[1][0], linewidth=1.4)
    ax.set(ylim=(-dynamic_range, max(5, mean + 5)), yticks=[-dynamic_range, -dynamic_range / 2, 0])
    ax.set_xlim(-0.015 * nyquist / divisor, nyquist / divisor)  # so that the line at 0 Hz is seen
    ticks = np.array([0, 0.5, 1]) * nyquist / divisor
    ax.set_xticks(ticks, ["0", _short(ticks[1]), f"{_short(ticks[2])} {unit}"])
    first, _, last = ax.get_xticklabels()  # within the panel, so that they do not meet those of another
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
    rate = f"{_short(2 * nyquist / divisor)} {unit}"
    ax.set_title(f"rate {rate}", fontsize=small_size(ax), loc="left", pad=2)
    ax.set_ylabel("dB re peak", fontsize=small_size(ax))


def _largest_of_neighbours(magnitude: np.ndarray[Any, Any], frequency: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    """At most so many points as a panel shows; a line of the spectrum keeps its height."""
    if magnitude.size <= _MOST_POINTS:
        return magnitude, frequency
    starts = np.arange(0, magnitude.size, -(-magnitude.size // _MOST_POINTS))
    sizes = np.diff(np.append(starts, magnitude.size))
    return np.maximum.reduceat(magnitude, starts), np.add.reduceat(frequency, starts) / sizes


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"
