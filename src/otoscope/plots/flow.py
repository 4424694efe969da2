"""Pictures of data flow: maps in time and in frequency, tap below tap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import xarray as xr

from otoscope.drawing import (
    DYNAMIC_RANGE,
    LINE_STYLES,
    decibels,
    draw_samples,
    frequency_unit,
    make_grid,
    pool_columns,
    say_silent,
    small_size,
)
from otoscope.errors import InputError
from otoscope.plots.checks import having

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_POINTS = 256  # of a spectrum, which is as many as a panel can show


def data_flow(
    result: xr.Dataset,
    axes: Sequence[Axes] | np.ndarray | None = None,
    *,
    most: int = 8,
    dynamic_range: float = DYNAMIC_RANGE,
) -> np.ndarray:
    """Draw a row for each tap: its (most active) map over time on the left, the spectrum of it on the right.

    Parameters
    ----------
    result : xarray.Dataset
        What :func:`otoscope.methods.data_flow` returned, of one clip. Of several maps the first is drawn.
    axes : matplotlib.axes.Axes, two for each row, optional
        A new figure without them.
    most : int
        How many rows; of more taps some are left out, evenly from the first to the last.
    dynamic_range : float
        Range of the spectra, in dB below the peak of each.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (rows, 2)

    Raises
    ------
    InputError
        If the result is no data flow of one clip, or the number of axes does not fit.

    Notes
    -----
    As figures 1 to 3 of the SimpleNet paper. Frequency axes end at half the rate of the tap. The level at 0 Hz is
    cut off where it exceeds all others, as that of a rectified map does.

    Examples
    --------
    >>> result = xr.Dataset(
    ...     {"signal_0": (("channel_0", "time_0"), np.eye(1, 8)),
    ...      "spectrum_0": (("channel_0", "frequency_0"), np.ones((1, 5)))},
    ...     {"tap": ["input"], "rate": ("tap", [8000.0]), "channel_0": [0], "time_0": np.arange(8) / 8000,
    ...      "frequency_0": np.arange(5) * 1000.0})
    >>> from matplotlib.figure import Figure
    >>> [ax.get_xlabel() for ax in data_flow(result, Figure().subplots(1, 2)).ravel()]
    ['time (s)', 'frequency']
    """
    result = having(result, ["tap", "rate", "signal_0", "spectrum_0"])
    count = result.sizes["tap"]
    if most < 1:
        raise InputError(f"most has to be 1 or more, not {most}")
    rows = np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int))
    if axes is None:
        axes = make_grid(len(rows), 2, height=0.35 + 0.78 * len(rows))
    axes = np.asarray(axes, dtype=object).ravel()
    if axes.size != 2 * len(rows):
        raise InputError(f"a data flow of {len(rows)} taps is drawn on {2 * len(rows)} axes; {axes.size} were given.")
    grid = axes.reshape(-1, 2)
    for (left, right), n in zip(grid, rows, strict=True):
        _draw_map(left, result, int(n))
        _draw_spectrum(right, result, int(n), dynamic_range)
    for left, _ in grid[:-1]:
        left.tick_params(labelbottom=False)
    grid[-1, 0].set_xlabel("time (s)")
    grid[-1, 1].set_xlabel("frequency")
    return cast(np.ndarray, grid)


def _draw_map(ax: Axes, result: xr.Dataset, n: int) -> None:
    from matplotlib.ticker import MaxNLocator

    samples, time = result[f"signal_{n}"].values[0], result[f"time_{n}"].values
    rate = float(result["rate"][n])
    name = str(result["tap"].values[n])
    if n:
        name = f"{name if len(name) <= 22 else f'…{name[-21:]}'}, map {result[f'channel_{n}'].values[0]}"
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
    magnitude, frequency = pool_columns(spectrum, frequency, _MOST_POINTS)
    level = decibels(magnitude, dynamic_range, reference=float(magnitude[1:].max(initial=0.0)))
    ax.plot(frequency / divisor, level, color=LINE_STYLES[1][0], linewidth=0.7)
    ax.set(xlim=(0, nyquist / divisor), ylim=(-dynamic_range, 5), yticks=[-dynamic_range, -dynamic_range / 2, 0])
    ticks = np.array([0, 0.5, 1]) * nyquist / divisor
    ax.set_xticks(ticks, ["0", _short(ticks[1]), f"{_short(ticks[2])} {unit}"])
    first, _, last = ax.get_xticklabels()  # within the panel, so that they do not meet those of another
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
    rate = f"{_short(2 * nyquist / divisor)} {unit}"
    ax.set_title(f"rate {rate}", fontsize=small_size(ax), loc="left", pad=2)
    ax.set_ylabel("dB re peak", fontsize=small_size(ax))


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"
