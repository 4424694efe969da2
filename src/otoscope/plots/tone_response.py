"""A picture of which frequencies excite the maps of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.plots.checks import finite, having
from otoscope.plots.drawing import LINE_STYLES, decibels, draw_colorbar, draw_rows, frequency_unit, two_panels

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
        From :func:`otoscope.methods.tone_response.tone_response`.
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
    >>> from matplotlib.figure import Figure
    >>> from otoscope.methods.tone_response import tone_response as measure
    >>> from otoscope.subject import Subject
    >>> result = measure(Subject("vowel-name"), layer="relu2", bins_per_octave=2)
    >>> [ax.get_ylabel() for ax in tone_response(result, Figure().subplots(2))]
    ['map (sorted)', 'all maps (dB)']
    """
    result = having(result, ["gain", "best_frequency"])
    axes = two_panels(axes, height=3.2, ratios=(2.2, 1), sharex=True)
    # A sweep that was given need not rise.
    result = result.sortby("frequency")
    gain, frequency = finite(result["gain"], "the gain"), np.asarray(result["frequency"], dtype=float)
    order = np.argsort(result["best_frequency"].values, kind="stable")
    mesh = draw_rows(axes[0], gain[order], frequency, dynamic_range, of="map")
    draw_colorbar(mesh, axes[0], "gain (dB re own peak)")
    if axes.size == 2:
        divisor, unit = frequency_unit(float(frequency.max()))
        together = np.sqrt(np.square(gain).mean(0))
        axes[1].plot(frequency / divisor, decibels(together, 2 * dynamic_range), color=LINE_STYLES[0][0], linewidth=1)
        axes[1].set(xlabel=f"frequency ({unit})", ylabel="all maps (dB)")
        axes[0].set_xlabel("")
    return axes
