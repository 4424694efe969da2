"""Pictures of kernels in the plane of time and frequency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.drawing import RELEVANCE_COLOUR, draw_colorbar, edges, frequency_unit, make_axes, pool_columns, say_silent
from otoscope.errors import InputError
from otoscope.plots.checks import finite, having

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GREYS = "Greys"


def wigner(result: xr.Dataset, ax: Axes | None = None, *, level: float = 0.7, colorbar: bool = True) -> Axes:
    """Draw where each kernel lies in time and frequency, over the total energy of all of them in grey.

    Parameters
    ----------
    result : xarray.Dataset
        As :func:`otoscope.methods.wigner` returns it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    level : float
        Contours are drawn at this share of the peak of each kernel's distribution, between 0 and 1.
    colorbar : bool
        Whether to draw the colour bar.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a quantity is missing, or the level is not between 0 and 1.

    Notes
    -----
    Fig. 4 of SWAM (Gupta and Abrol). The distributions that the contours need are computed here, one after another,
    and those of kernels that are zero have none. Negative energy, which interference brings, is white.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from torch import nn, zeros
    >>> from otoscope.methods import wigner as distribution
    >>> result = distribution(nn.Conv1d(1, 4, 30), zeros(1, 1, 100), sample_rate=16_000)
    >>> wigner(result, Figure().subplots()).get_xlabel()
    'time from the centre (ms)'
    """
    result = having(result, ["energy", "kernels", "peak"])
    if not 0 < level < 1:
        raise InputError(f"the level of the contours is a share of each peak, between 0 and 1; got {level!r}")
    energy = finite(result["energy"], "the energy").clip(min=0)
    time, frequency = 1000 * np.asarray(result["time"]), np.asarray(result["frequency"])
    divisor, unit = frequency_unit(float(frequency.max()))
    ax = make_axes(ax, height=2.4)
    pooled, columns = pool_columns(energy, time)
    mesh = ax.pcolormesh(
        edges(columns), edges(frequency) / divisor, pooled, cmap=_GREYS, vmin=0, vmax=float(pooled.max()) or 1.0,
        rasterized=True,
    )  # fmt: skip
    _draw_contours(ax, result, time, frequency / divisor, level)
    ax.set(xlabel="time from the centre (ms)", ylabel=f"frequency ({unit})")
    ax.locator_params(axis="x", nbins=6)
    if not energy.any():
        say_silent(ax, color="black", text="all kernels are zero")
    if colorbar:
        draw_colorbar(mesh, ax, "total energy")
    return ax


def _draw_contours(ax: Axes, result: xr.Dataset, time: np.ndarray, frequency: np.ndarray, level: float) -> None:
    import torch

    from otoscope.dsp.wigner import wigner_ville

    for kernel, peak in zip(np.asarray(result["kernels"]), np.asarray(result["peak"]), strict=True):
        if peak > 0 and len(time) > 1:  # a kernel of one sample has no extent in time
            distribution = wigner_ville(torch.from_numpy(kernel), len(frequency)).numpy()
            rows, columns = (_around(distribution.max(other) > level * peak) for other in (1, 0))
            ax.contour(
                time[columns], frequency[rows], distribution[rows, columns], levels=[level * peak],
                colors=RELEVANCE_COLOUR, linewidths=0.5,
            )  # fmt: skip


def _around(inside: np.ndarray) -> slice:
    """From the first to the last that is inside, and a neighbour on both sides: the rest needs no search."""
    found = np.flatnonzero(inside)
    first = max(0, min(found[0] - 1, len(inside) - 2))
    return slice(first, max(found[-1], first) + 2)
