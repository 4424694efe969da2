"""A picture of which frequencies excite the maps of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.drawing import LINE_STYLES, decibels, draw_colorbar, frequency_unit, make_grid
from otoscope.errors import InputError
from otoscope.plots.checks import finite, having
from otoscope.plots.filters import draw_bank

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RANGE = 30.0


def tone_response(
    result: xr.Dataset, axes: Axes | Sequence[Axes] | np.ndarray | None = None, *, dynamic_range: float = _RANGE
) -> np.ndarray:
    """Draw the gain of every map over the frequency of a sine, maps sorted by their best frequency.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.tone_response`.
    axes : one or two matplotlib.axes.Axes, optional
        For the image of the maps and for the gain of all of them together; a new figure with two rows without them.
    dynamic_range : float
        Range shown, in dB below the peak of each map.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a quantity is missing, or the number of axes is neither one nor two.

    Examples
    --------
    >>> import otoscope
    >>> from matplotlib.figure import Figure
    >>> result = otoscope.Scope(otoscope.load("vowel-name")).tone_response("relu2", bins_per_octave=2)
    >>> [ax.get_ylabel() for ax in tone_response(result, Figure().subplots(2))]
    ['map (sorted)', 'all maps (dB)']
    """
    result = having(result, ["gain", "best_frequency"])
    if axes is None:
        axes = make_grid(2, 1, height=3.2, sharex=True)
        axes[0, 0].get_gridspec().set_height_ratios([2.2, 1])
    axes = np.asarray(axes, dtype=object).ravel()
    if axes.size not in (1, 2):
        raise InputError(f"one or two axes are needed; {axes.size} were given. Pass two, or none.")
    # A sweep that was given need not rise.
    result = result.sortby("frequency")
    gain, frequency = finite(result["gain"], "the gain"), np.asarray(result["frequency"], dtype=float)
    order = np.argsort(result["best_frequency"].values, kind="stable")
    mesh = draw_bank(axes[0], gain[order], frequency, dynamic_range, of="map")
    draw_colorbar(mesh, axes[0], "gain (dB re own peak)")
    if axes.size == 2:
        divisor, unit = frequency_unit(float(frequency.max()))
        together = np.sqrt(np.square(gain).mean(0))
        axes[1].plot(frequency / divisor, decibels(together, 2 * dynamic_range), color=LINE_STYLES[0][0], linewidth=1)
        axes[1].set(xlabel=f"frequency ({unit})", ylabel="all maps (dB)")
        axes[0].set_xlabel("")
    return axes
