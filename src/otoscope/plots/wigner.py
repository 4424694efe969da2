"""The picture of kernels in the plane of time and frequency."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import finite, having
from otoscope.plots.drawing import (
    COLOUR_MAP,
    draw_colorbar,
    edges,
    frequency_name,
    frequency_unit,
    make_axes,
    say_silent,
    small_size,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Dark enough on white and light enough on black, and different for the colour-blind, as Okabe and Ito choose them.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_DARKEST = "#565656"
_FEWEST_COLUMNS, _MOST_COLUMNS = 128, 256
_MOST_NAMES = 8


def wigner(
    result: xr.Dataset, ax: Axes | None = None, *, level: float = 0.7, smoothing: float = 0.0, colorbar: bool = True
) -> Axes:
    """Draw where each kernel lies in time and frequency, over the total energy of all of them in grey.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.wigner.wigner`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    level : float
        Contours are drawn at this share of the peak of each kernel's distribution, between 0 and 1.
    smoothing : float
        Standard deviation of a Gaussian that distributions are smoothed by, as a share of both axes; 0 for none. In the
        kernels of a few hundred taps interference is as fine as hatching, and a hundredth takes most of it away.
    colorbar : bool
        Whether to draw the colour bar.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a quantity is missing, the level is not between 0 and 1, or the smoothing not between 0 and 0.1.

    Notes
    -----
    Fig. 4 of SWAM (Gupta and Abrol). The grey goes with the square root of the total energy: on a linear scale the few
    strongest cells of long kernels leave all else white. The distributions that the contours need are computed here,
    one after another, and those of kernels that are zero have none. Where kernels have several widths, a colour is a
    width; else colours alternate from one peak frequency to the next. Negative energy, which interference brings, is
    white. Between the half samples of short kernels the distribution is interpolated by
    monotone cubics.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from torch import nn
    >>> from otoscope.methods.wigner import wigner as distribution
    >>> from otoscope.subject import Subject
    >>> result = distribution(Subject(nn.Conv1d(1, 4, 30), sample_rate=16_000))
    >>> wigner(result, Figure().subplots()).get_xlabel()
    'time from the centre (ms)'
    """
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm

    result = having(result, ["energy", "kernels", "peak", "peak_frequency", "width"])
    if not 0 < level < 1:
        raise InputError(f"the level of the contours is a share of each peak, between 0 and 1; got {level!r}")
    if not 0 <= smoothing <= 0.1:
        raise InputError(f"smoothing is a share of the axes, from 0 to 0.1; got {smoothing!r}")
    time, frequency = 1000 * np.asarray(result["time"]), np.asarray(result["frequency"])
    divisor, unit = frequency_unit(float(frequency.max()))
    ax = make_axes(ax, height=2.4)
    energy, columns = _coarser(*_finer(_smooth(finite(result["energy"], "the energy"), smoothing), time))
    mesh = ax.pcolormesh(
        edges(columns),
        edges(frequency) / divisor,
        energy.clip(min=0) / (energy.max() or 1.0),
        cmap=LinearSegmentedColormap.from_list("pale greys", ["white", _DARKEST]),
        norm=PowerNorm(0.5, vmin=0, vmax=1),
        rasterized=True,
    )
    _draw_contours(ax, result, time, frequency / divisor, level, smoothing)
    ax.set(xlabel="time from the centre (ms)", ylabel=f"{frequency_name(result)} ({unit})")
    ax.locator_params(axis="x", nbins=6)
    if not energy.any():
        say_silent(ax, color="black", text="all kernels are zero")
    if colorbar:
        draw_colorbar(mesh, ax, "total energy (re peak)")
    return ax


def _finer(values: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values (..., time) at times as close as a picture shows them, those that were given among them."""
    if not 1 < time.size < _FEWEST_COLUMNS:  # a kernel of one sample has no extent in time
        return values, time
    from scipy.interpolate import PchipInterpolator

    steps = -(-_FEWEST_COLUMNS // (time.size - 1))
    finer = np.linspace(time[0], time[-1], steps * (time.size - 1) + 1)
    return PchipInterpolator(time, values, axis=-1)(finer), finer


def _coarser(values: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of neighbouring columns, in which much of the interference cancels."""
    starts = np.arange(0, time.size, -(-time.size // _MOST_COLUMNS))
    sizes = np.diff(np.append(starts, time.size))
    return np.add.reduceat(values, starts, axis=-1) / sizes, np.add.reduceat(time, starts) / sizes


def _smooth(values: np.ndarray, smoothing: float) -> np.ndarray:
    """Values (..., frequency, time) under a Gaussian of that share of both axes."""
    if not smoothing:
        return values
    from scipy.ndimage import gaussian_filter

    smooth: np.ndarray = gaussian_filter(values, [smoothing * size for size in values.shape[-2:]], mode="constant")
    return smooth


def _draw_contours(
    ax: Axes, result: xr.Dataset, time: np.ndarray, frequency: np.ndarray, level: float, smoothing: float
) -> None:
    import torch

    from otoscope.dsp.wigner import wigner_ville

    colours, step = _colours(ax, result), int(result.attrs.get("step", 1))
    for kernel, peak, colour in zip(result["kernels"].values, result["peak"].values, colours, strict=True):
        if peak > 0 and len(time) > 1:
            smooth = _smooth(wigner_ville(torch.from_numpy(kernel), len(frequency), step).numpy(), smoothing)
            distribution, columns = _finer(smooth, time)
            peak = distribution.max() if smoothing else peak
            near = tuple(_around(distribution.max(other) > level * peak) for other in (1, 0))
            ax.contour(
                columns[near[1]], frequency[near[0]], distribution[near], levels=[level * peak], colors=[colour],
                linewidths=0.5,
            )  # fmt: skip


def _colours(ax: Axes, result: xr.Dataset) -> list[Any]:
    """A colour for each kernel, by its width where there are several, which a legend names."""
    import matplotlib
    from matplotlib.lines import Line2D

    widths, kind = np.unique(result["width"].values, return_inverse=True)
    if widths.size == 1:
        rank = np.argsort(np.argsort(result["peak_frequency"].values))
        return [_COLOURS[number % len(_COLOURS)] for number in rank]
    scale = matplotlib.colormaps[COLOUR_MAP](np.linspace(0.15, 0.8, widths.size))
    named = np.unique(np.linspace(0, widths.size - 1, min(_MOST_NAMES, widths.size)).round().astype(int))
    lines = [Line2D([], [], color=scale[number], linewidth=1.5, label=str(widths[number])) for number in named]
    ax.legend(
        handles=lines, title="width (samples)", ncols=4, fontsize=small_size(ax), title_fontsize=small_size(ax),
        frameon=False, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, borderpad=0.2, handlelength=1.2,
    )  # fmt: skip
    return [scale[number] for number in kind]


def _around(inside: np.ndarray) -> slice:
    """From the first to the last that is inside, and a neighbour on both sides: the rest needs no search."""
    found = np.flatnonzero(inside)
    first = max(0, min(found[0] - 1, len(inside) - 2))
    return slice(first, max(found[-1], first) + 2)
