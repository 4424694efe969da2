"""Picture of how periodic a sound and its relevance are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xarray as xr

from otoscope.plots.checks import finite, having
from otoscope.plots.drawing import legend_above, make_axes
from otoscope.plots.voice import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def autocorrelation(result: xr.Dataset, ax: Axes | None = None, *, longest: float = 0.025) -> Axes:
    """Draw the autocorrelation of a segment of the input and of the relevance.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.autocorrelation.autocorrelation`, of one clip.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    longest : float
        Longest lag shown, in s.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If it is missing.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> one = (("signal", "lag"), [[1.0, 0.5], [1.0, 0.2]])
    >>> result = xr.Dataset({"autocorrelation": one}, {"signal": ["input", "relevance"], "lag": [0.0, 0.001]})
    >>> autocorrelation(result, Figure().subplots()).get_xlabel()
    'lag (ms)'
    """
    result = having(result, ["autocorrelation"])
    shown = result["autocorrelation"].sel(lag=result["lag"] <= longest)
    ax = make_axes(ax, height=1.7)
    ax.axhline(0, color="black", linewidth=0.4)
    for (signal, colour), width in zip(COLOURS.items(), (1.8, 0.9), strict=True):  # where both agree, both show
        curve = finite(shown.sel(signal=signal), "the autocorrelation")
        ax.plot(1000 * shown["lag"], curve, color=colour, linewidth=width, label=signal)
    ax.set(xlabel="lag (ms)", ylabel="autocorrelation", ylim=(-1.05, 1.05))
    ax.margins(x=0)
    legend_above(ax)
    return ax
