"""Pictures of the geometry of weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import having
from otoscope.plots.drawing import LINE_STYLES, legend_above, legend_beside, make_grid, name_layers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COHERENCE = ("coherence (0–1)", 1.0, {"mu": r"$\mu$", "mu_avg": r"$\mu_\mathrm{avg}$"})
_CIRCLE: Any = {"ms": 7, "mfc": "none", "mec": "black", "mew": 0.7, "zorder": 4}


def geometry(result: xr.Dataset, axes: Sequence[Axes] | np.ndarray | None = None) -> np.ndarray:
    """Draw the geometry of each layer's weights: coherence, angles and bounds.

    Parameters
    ----------
    result : xarray.Dataset over the dim layer
        With mu, mu_avg, beta_min, beta_avg (degrees), A, B and, if known, skip (1 for a layer with a skip
        connection, which is then circled).
    axes : three matplotlib.axes.Axes, optional
        For coherence, angles and bounds; a new figure with three rows without them.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (3,)

    Raises
    ------
    InputError
        If a quantity is missing or the number of axes is not three.

    Notes
    -----
    The lower frame bound A is 0 where kernels do not span all dimensions, as the legend then says; so it is in every
    layer with fewer kernels than dimensions. The quantities are those of Skretting and Engan (2011);
    Gupta and Abrol mark skip connections in the same way.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> one = ("layer", [0.5])
    >>> result = xr.Dataset(
    ...     {name: one for name in ("mu", "mu_avg", "beta_min", "beta_avg", "A", "B")}, {"layer": ["conv1"]})
    >>> [ax.get_ylabel() for ax in geometry(result, Figure().subplots(3))]
    ['coherence (0–1)', 'angle (degrees)', 'bound (eigenvalue)']
    """
    result = having(result, ("mu", "mu_avg", "beta_min", "beta_avg", "A", "B"))
    lower = "A (0: the kernels\ndo not span all\ndimensions)" if (result["A"] == 0).any() else "A"
    panels = (
        _COHERENCE,
        ("angle (degrees)", 90.0, {"beta_min": r"$\beta_\mathrm{min}$", "beta_avg": r"$\beta_\mathrm{avg}$"}),
        ("bound (eigenvalue)", None, {"A": lower, "B": "B"}),
    )
    if axes is None:
        axes = make_grid(3, 1, height=4.5, sharex=True)
    axes = np.asarray(axes, dtype=object).ravel()
    if axes.size != 3:
        raise InputError(f"geometry draws on three axes; {axes.size} were given. Pass three, or none.")
    for ax, panel in zip(axes, panels, strict=True):
        _draw(ax, result, *panel)
        legend_beside(ax)
    if _skips(result).any():
        axes[0].plot([], [], "o", label="skip", **_CIRCLE)
        legend_beside(axes[0])
    axes[1].set_yticks([0, 30, 60, 90])
    name_layers(axes[-1], [str(name) for name in result["layer"].values])
    return cast(np.ndarray, axes)


def coherences(result: xr.Dataset, ax: Axes) -> Axes:
    """Draw the coherence of each layer alone: mu and mu_avg, and circles around layers with a skip connection."""
    result = having(result, ("mu", "mu_avg"))
    _draw(ax, result, *_COHERENCE)
    if _skips(result).any():
        ax.plot([], [], "o", label="skip connection", **_CIRCLE)
    legend_above(ax, columns=3)
    name_layers(ax, [str(name) for name in result["layer"].values])
    return ax


def _draw(ax: Axes, result: xr.Dataset, ylabel: str, highest: float | None, names: dict[str, str]) -> None:
    position, skip = np.arange(result.sizes["layer"]), _skips(result)
    for (name, label), marker, (colour, line) in zip(names.items(), "os", LINE_STYLES, strict=False):
        values = np.asarray(result[name])
        ax.plot(position, values, line, marker=marker, color=colour, ms=3, linewidth=0.9, label=label)
        ax.plot(position[skip], values[skip], "o", **_CIRCLE)
    highest = highest or 1.15 * float(result["B"].fillna(0).max()) or 1.0
    ax.set(ylabel=ylabel, xlim=(-0.5, position.size - 0.5), ylim=(-0.08 * highest, 1.08 * highest))


def _skips(result: xr.Dataset) -> np.ndarray:
    return np.asarray(result["skip"] if "skip" in result else np.zeros(result.sizes["layer"]), dtype=bool)
