"""Kernels in the plane of time and frequency, front ends side by side: SWAM Fig. 4."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from otoscope.plots.drawing import draw_colorbar
from otoscope.plots.papers.panels import grid, named, only_outer
from otoscope.plots.style import StyleName, styled
from otoscope.plots.wigner import wigner

_WIDE = 3  # front ends, below each of which there is room for the whole name of the axis


def kernel_panels(
    results: Mapping[str, xr.Dataset], *, level: float = 0.7, smoothing: float = 0.01, style: StyleName | None = "paper"
) -> np.ndarray:
    """Draw contours of the Wigner-Ville distribution of each kernel, a column for each front end.

    Parameters
    ----------
    results : mapping of str to xarray.Dataset
        By the name of a front end, what :func:`otoscope.methods.wigner.wigner` returned.
    level : float
        Contours are drawn at this share of the peak of each kernel's distribution.
    smoothing : float
        Of the distributions, as a share of both axes, see :func:`otoscope.plots.wigner.wigner`; 0 for none.
    style : {"paper", "screen"}
        See :func:`otoscope.plots.styled`.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (1, front ends)

    Raises
    ------
    InputError
        If there is no front end, a result lacks what is drawn, or the level is not between 0 and 1.

    Notes
    -----
    Fig. 4 of SWAM: contours at 0.7, over the total energy in grey. Each column has the time axis of its kernels.
    Distributions are smoothed a little, by which interference within kernels of hundreds of taps loses its hatching.

    Examples
    --------
    >>> from torch import nn
    >>> from otoscope.methods.wigner import wigner as distribution
    >>> from otoscope.subject import Subject
    >>> result = distribution(Subject(nn.Conv1d(1, 4, 30), sample_rate=16_000))
    >>> kernel_panels({"sub-segmental": result}).shape
    (1, 1)
    """
    results = named(results, "kernels of each front end")
    with styled(style):
        axes = grid(1, len(results), height=2.1, wide=len(results) > 1)
        for place, (ax, (name, one)) in enumerate(zip(axes[0], results.items(), strict=True)):
            wigner(one, ax, level=level, smoothing=smoothing, colorbar=False)
            letter = f"({chr(ord('a') + place)}) " if len(results) > 1 else ""
            time = "time (ms)" if len(results) > _WIDE else "time from the centre (ms)"
            ax.set_xlabel(f"{time}\n{letter}{name}")
        draw_colorbar(axes[0, -1].collections[0], axes[0, -1], "total energy (re peak)", beside=list(axes[0]))
        only_outer(axes)
    return axes
