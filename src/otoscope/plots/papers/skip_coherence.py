"""Coherence of the weights of each layer, those with skip connections circled: SWAM Fig. 5."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xarray as xr

from otoscope.plots.geometry import coherences
from otoscope.plots.papers.panels import grid
from otoscope.plots.style import StyleName, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def skip_coherence(result: xr.Dataset, *, style: StyleName | None = "paper") -> Axes:
    """Draw the mutual coherence of each layer, and the mean one, with layers of a skip connection circled.

    Parameters
    ----------
    result : xarray.Dataset over the dim layer
        What :func:`otoscope.methods.geometry.geometry` returned.
    style : {"paper", "screen"}
        See :func:`otoscope.plots.styled`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a quantity is missing.

    Notes
    -----
    Fig. 5 of SWAM, of the network of Hua et al. with residual blocks.

    Examples
    --------
    >>> result = xr.Dataset({"mu": ("layer", [0.5, 0.6]), "mu_avg": ("layer", [0.2, 0.3]),
    ...                      "skip": ("layer", [0, 1])}, {"layer": ["conv1", "conv2"]})
    >>> skip_coherence(result).get_ylabel()
    'coherence (0–1)'
    """
    with styled(style):
        return coherences(result, grid(1, 1, height=1.9)[0, 0])
