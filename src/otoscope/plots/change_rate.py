"""Picture of how much filters change in a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import xarray as xr

from otoscope.plots.checks import having
from otoscope.plots.drawing import COLOUR_MAP, LINE_STYLES, legend_beside, make_axes, without_common_ends

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def change_rate(
    result: xr.Dataset, ax: Axes | None = None, *, variable: Literal["change_rate", "change"] = "change_rate"
) -> Axes:
    """Draw the change rate of the filters of each layer over the iterations of a training.

    Parameters
    ----------
    result : xarray.Dataset
        What :meth:`otoscope.training.ChangeRate.result` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    variable : {"change_rate", "change"}
        The mean change rate of single weights, or the change of all weights of a layer together.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> rates = xr.Dataset({"change_rate": (("iteration", "layer"), np.ones((3, 1)))}, coords={"layer": ["conv1"]})
    >>> change_rate(rates, Figure().subplots()).get_yscale()
    'log'
    """
    import matplotlib

    rates = having(result, (variable,))[variable]
    ax = make_axes(ax)
    names = without_common_ends([str(name) for name in rates["layer"].values])
    colours = matplotlib.colormaps[COLOUR_MAP](np.linspace(0, 0.8, len(names)))
    iterations = rates["iteration"].values if "iteration" in rates.coords else np.arange(1, len(rates) + 1)
    for number, (name, colour) in enumerate(zip(names, colours, strict=True)):
        values = rates.values[:, number]
        style = LINE_STYLES[number % len(LINE_STYLES)][1]
        # Of a layer that rests there is nothing to see on a logarithmic axis.
        ax.plot(iterations, np.where(values > 0, values, np.nan), style, color=colour, linewidth=0.9, label=name)
    ax.set_yscale("log")
    label = "mean change rate" if variable == "change_rate" else "relative change"
    ax.set(xlabel="iteration", ylabel=label)
    if len(names) > 1:
        legend_beside(ax)
    return ax
