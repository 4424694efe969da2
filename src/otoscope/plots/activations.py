"""Pictures of how active feature maps are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope.plots.checks import finite, having
from otoscope.plots.drawing import LINE_STYLES, legend_above, make_axes, name_layers, small_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def activations(result: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw how active the maps of every layer are: a dot a map, and the middle of them.

    Parameters
    ----------
    result : xarray.Dataset over the dim map
        What :func:`otoscope.methods.activations.activations` returned, of one clip.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    matplotlib.axes.Axes
        The root mean square of every map, on an axis that is linear up to a hundredth of the largest and logarithmic
        from there on, and the number of maps without any activity above each layer.

    Raises
    ------
    InputError
        If the result has no such numbers, or is of several clips.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset({"rms": ("map", [0.5, 0.1])}, {"layer": ("map", ["conv1", "conv1"])})
    >>> activations(result, Figure().subplots()).get_ylabel()
    'activation (RMS)'
    """
    result = having(result, ["rms"])
    rms, layers = finite(result["rms"], "the activity of the maps"), result["layer"].values.astype(str)
    names = list(dict.fromkeys(layers.tolist()))
    ax = make_axes(ax, height=2.3)
    middle = []
    for place, name in enumerate(names):
        values = rms[layers == name]
        across = place + np.linspace(-0.3, 0.3, values.size) if values.size > 1 else np.array([place])
        ax.plot(across, values, "o", color=LINE_STYLES[1][0], ms=1.8, mew=0, alpha=0.7, label="" if place else "map")
        middle.append(float(np.median(values)))
        if silent := int((values == 0).sum()):
            over: Any = {
                "transform": ax.get_xaxis_transform(),
                "fontsize": small_size(ax),
                "ha": "center",
                "va": "bottom",
            }
            ax.text(place, 1.0, str(silent), **over)
    ax.plot(range(len(names)), middle, "_", color=LINE_STYLES[0][0], ms=9, mew=1.2, label="median")
    largest = float(rms.max()) or 1.0
    ax.set_yscale("symlog", linthresh=largest / 100, linscale=0.4)
    ax.set(ylabel="activation (RMS)", xlim=(-0.5, len(names) - 0.5), ylim=(0, 1.5 * largest))
    name_layers(ax, names)
    legend_above(ax, lift=0.08 if (rms == 0).any() else 0.0)
    return ax
