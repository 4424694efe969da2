"""Picture of the importance of layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.by_layer import draw_intervals, label_layers
from otoscope.plots.checks import having
from otoscope.plots.drawing import LINE_STYLES, make_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_NEEDED = ("accuracy", "ci_low", "ci_high", "test_ci_low", "test_ci_high", "chance")


def layer_importance(result: xr.Dataset | Mapping[str, xr.Dataset], ax: Axes | None = None) -> Axes:
    """Draw the accuracy (or mean average precision) of a linear classifier behind each layer, with 95 % intervals.

    The capped bar is the interval over runs, the wide pale one that over the test sounds.

    Parameters
    ----------
    result : xarray.Dataset, or mapping of str to them
        What :func:`otoscope.methods.layer_importance.layer_importance` returned; several on the same layers, such as
        frozen and full, by the names for the legend.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the results are not of the same layers.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> names = ("accuracy", "ci_low", "ci_high", "test_ci_low", "test_ci_high")
    >>> known = xr.Dataset({name: ("layer", [0.5]) for name in names}, coords={"layer": ["conv1"]})
    >>> layer_importance(known.assign(chance=0.1), Figure().subplots()).get_ylabel()
    'accuracy'
    """
    named = {"": result} if isinstance(result, xr.Dataset) else dict(result)
    first = next(iter(named.values()))
    ax = make_axes(ax, height=2.4)
    layers = first["layer"].values.tolist()
    shift = 0.12 * (np.arange(len(named)) - (len(named) - 1) / 2)
    for number, (name, one) in enumerate(named.items()):
        one = having(one, _NEEDED)
        if one["layer"].values.tolist() != layers:
            raise InputError(f"{name} is of other layers than {next(iter(named))}: draw each by itself")
        at = np.arange(len(layers)) + shift[number]
        colour, line = LINE_STYLES[number % len(LINE_STYLES)]
        ax.plot(at, one["accuracy"], line, color=colour, linewidth=0.7)
        ax.vlines(at, one["test_ci_low"], one["test_ci_high"], color=colour, alpha=0.25, linewidth=4)
        draw_intervals(ax, at, one, "accuracy", number=number, label=name or "linear classifier")
    _draw_chances(ax, [float(one["chance"]) for one in named.values()], len(layers))
    label_layers(ax, first, str(first.attrs.get("metric", "accuracy")), share=True)
    return ax


def _draw_chances(ax: Axes, chances: list[float], layers: int) -> None:
    """One black line where all are the same, else one in the colour of each result."""
    shared = len(set(chances)) == 1
    for number, chance in enumerate(chances[:1] if shared else chances):
        colour = "black" if shared else LINE_STYLES[number % len(LINE_STYLES)][0]
        label = "" if number else "commonest class"
        ax.plot((-0.5, layers - 0.5), (chance, chance), ":", color=colour, linewidth=0.9, label=label or None)
