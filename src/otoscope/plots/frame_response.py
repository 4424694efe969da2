"""The picture of what the first layer makes of one frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.plots.checks import finite, having
from otoscope.plots.drawing import (
    INPUT_COLOUR,
    LINE_STYLES,
    RELEVANCE_COLOUR,
    decibels,
    frequency_name,
    frequency_unit,
    say_silent,
    small_size,
    two_panels,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RANGE = 50.0


def frame_response(
    result: xr.Dataset, axes: Axes | Sequence[Axes] | np.ndarray | None = None, *, dynamic_range: float = _RANGE
) -> np.ndarray:
    """Draw the response of the first layer to one frame over the spectrum of the frame.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.frame_response.frame_response`, of one clip.
    axes : one or two matplotlib.axes.Axes, optional
        For the spectra alone, or for the frame in time and the spectra; a new figure with two rows without them.
    dynamic_range : float
        Range shown, in dB below the peak of each curve.

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
    >>> from otoscope.methods.frame_response import frame_response as answer
    >>> from otoscope.subject import Subject
    >>> result = answer(Subject("vowel-name"), np.sin(np.arange(8000)), time=0.25)
    >>> [ax.get_xlabel() for ax in frame_response(result, Figure().subplots(2))]
    ['time from 0.250 s (ms)', 'frequency (kHz)']
    """
    result = having(result, ["frame_response", "spectrum", "cumulative_response", "input", "frame_time"])
    axes = two_panels(axes, height=3.2, ratios=(1, 2))
    frequency = np.asarray(result["frequency"], dtype=float)
    divisor, unit = frequency_unit(float(frequency.max()))
    spectra = axes[-1]
    curves = (
        ("spectrum of the frame", result["spectrum"], INPUT_COLOUR, "-"),
        ("response of the layer", result["frame_response"], RELEVANCE_COLOUR, "-"),
        ("cumulative response", result["cumulative_response"], LINE_STYLES[2][0], LINE_STYLES[2][1]),
    )
    for label, curve, colour, line in curves:
        levels = decibels(finite(curve, f"the {label}"), dynamic_range)
        spectra.plot(frequency / divisor, levels, line, color=colour, linewidth=1, label=label)
    spectra.set(xlabel=f"{frequency_name(result)} ({unit})", ylabel="level (dB re own peak)", ylim=(-dynamic_range, 3))
    spectra.margins(x=0)
    if not result["input"].any():
        say_silent(spectra, color="black")
    spectra.legend(fontsize=small_size(spectra), frameon=False, ncols=2, loc="lower center",
                   bbox_to_anchor=(0.5, 1.0), borderaxespad=0.1, handlelength=1.5)  # fmt: skip
    if axes.size == 2:
        axes[0].plot(1000 * result["lag"], result["input"], color=LINE_STYLES[0][0], linewidth=0.8)
        axes[0].set(xlabel=f"time from {float(result['frame_time']):.3f} s (ms)", ylabel="amplitude\n(FS = 1)")
        axes[0].margins(x=0)
    return axes
