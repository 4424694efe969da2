"""Pictures of what an output loses without parts of a sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import finite, only_dims, rate_of
from otoscope.plots.drawing import RELEVANCE_COLOUR, frequency_unit, make_axes
from otoscope.plots.segment_marks import mark_segments

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def occlusion(result: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw what the output loses when a window in time, or a band in frequency, is taken out of the sound.

    Parameters
    ----------
    result : xarray.Dataset
        A relevance by the rule "occlusion" or "gradcam", with time_relevance (time), or "frequency_occlusion", with
        band_relevance (band).
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the result has neither.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset(
    ...     {"band_relevance": ("band", [1.0, 3.0])},
    ...     {"band_low": ("band", [0.0, 100.0]), "band_high": ("band", [100.0, 4000.0])})
    >>> occlusion(result, Figure().subplots()).get_xlabel()
    'frequency (kHz)'
    """
    if "band_relevance" in result:
        loss = finite(only_dims(result["band_relevance"], "band"), "the relevance of bands")
        divisor, unit = frequency_unit(float(result["band_high"].max()))
        borders = np.append(result["band_low"], result["band_high"][-1]) / divisor
        label = f"frequency ({unit})"
    elif "time_relevance" in result:
        loss = finite(only_dims(result["time_relevance"], "time"), "the relevance of windows")
        loss, borders = _steps(loss, rate_of(result) or 1.0)
        label = "time (s)"
    else:
        raise InputError(
            "only relevance by the rule occlusion or frequency_occlusion holds the loss of the output: compute it with "
            "one of them"
        )
    ax = make_axes(ax, height=1.6)
    ax.stairs(loss, borders, baseline=0, fill=True, color=RELEVANCE_COLOUR, alpha=0.3)
    ax.stairs(loss, borders, baseline=None, color=RELEVANCE_COLOUR, linewidth=0.8)
    ax.axhline(0, color="black", linewidth=0.5)
    ax.set(xlabel=label, ylabel=label_of(result), xlim=(borders[0], borders[-1]))
    if "time_relevance" in result:
        mark_segments(ax, result)
    return ax


def label_of(result: xr.Dataset) -> str:
    """What is drawn: Grad-CAM has a map in place of a loss."""
    return "Grad-CAM" if result.attrs.get("rule") == "gradcam" else "loss of the output"


def _steps(values: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Runs of equal values, and their borders in s."""
    starts = np.append(0, np.flatnonzero(np.diff(values)) + 1)
    return values[starts], np.append(starts, len(values)) / rate
