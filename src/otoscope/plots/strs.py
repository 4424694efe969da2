"""The picture of short-time response spectra."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.dsp.periods import longest_period
from otoscope.errors import InputError
from otoscope.plots.checks import frequency_by_time, having
from otoscope.plots.drawing import DYNAMIC_RANGE, draw_mesh, frequency_name, make_axes, units_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def strs(
    result: xr.Dataset,
    ax: Axes | None = None,
    *,
    db: bool = True,
    smoothing: float | xr.Dataset | None = None,
    relative: bool = False,
    dynamic_range: float = DYNAMIC_RANGE,
    colorbar: bool = True,
) -> Axes:
    """Draw short-time response spectra.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.strs.strs`, of one clip: `strs` (frequency, time), frequency in Hz, time in s.
        Frequencies in a geometric series get a logarithmic axis.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    db : bool
        Whether to show dB below the peak; else the values as they are.
    smoothing : float or xarray.Dataset, optional
        Length in s of a moving root mean square over time. Kernels much shorter than a pitch period show every
        glottal pulse as a stripe; smoothing over the longest period shows the formants instead. That is taken from the
        F0 of the input where the result of :func:`otoscope.methods.voice.voice` on the same sound is given.
    relative : bool
        Whether values that are not in dB are divided by their peak.
    dynamic_range : float
        Range shown, in dB below the peak.
    colorbar : bool
        Whether to draw the colour bar.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the result has other dimensions or holds values that are not finite, or `smoothing` is not a positive time,
        nor the voice of a sound that has one.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset(
    ...     {"strs": (("frequency", "time"), np.ones((3, 4)))},
    ...     {"frequency": [0.0, 2000.0, 4000.0], "time": [0.0, 0.1, 0.2, 0.3]})
    >>> strs(result, Figure().subplots()).get_ylabel()
    'frequency (kHz)'
    """
    result = having(result, ["strs"])
    spectra = result["strs"]
    magnitude, frequency, time = frequency_by_time(spectra)
    if smoothing is not None:
        magnitude = smoothed(magnitude, time, smoothing_seconds(smoothing))
    if relative:
        magnitude = magnitude / (magnitude.max() or 1.0)
    ax = make_axes(ax)
    draw_mesh(
        ax,
        magnitude,
        frequency,
        time,
        db=db,
        linear_label="STRS (re peak)" if relative else f"STRS ({units_of(spectra)})",
        dynamic_range=dynamic_range,
        colorbar=colorbar,
        name=frequency_name(result),
    )
    return ax


def smoothing_seconds(smoothing: float | xr.Dataset) -> float:
    """A length in s, or the longest pitch period of the voice in the input.

    Examples
    --------
    >>> voice = xr.Dataset({"f0": (("signal", "frame_time"), [[120.0, np.nan, 100.0]])}, {"signal": ["input"]})
    >>> smoothing_seconds(voice)
    0.01
    """
    if not isinstance(smoothing, xr.Dataset):
        return smoothing
    f0 = having(smoothing, ["f0"])["f0"]
    f0 = f0.sel(signal="input") if "signal" in f0.dims else f0
    return longest_period(f0.values)


def smoothed(magnitude: np.ndarray, time: np.ndarray, duration: float) -> np.ndarray:
    """The root mean square of magnitudes (frequency, time) over `duration` in s around each time.

    At the ends it is over the frames that are there.

    Examples
    --------
    >>> smoothed(np.array([[0.0, 3.0, 0.0, 3.0]]), np.arange(4) / 100, 0.03).round(2).tolist()
    [[2.12, 1.73, 2.45, 2.12]]
    """
    if not 0 < duration < math.inf:
        raise InputError(f"smoothing has to be a positive time in s, not {duration!r}")
    half = round(duration / (time[1] - time[0])) // 2 if time.size > 1 else 0
    power = np.pad(np.cumsum(np.square(magnitude), axis=-1), ((0, 0), (1, 0)))
    places = np.arange(time.size)
    first, last = np.maximum(places - half, 0), np.minimum(places + half + 1, time.size)
    # Differences of sums may fall below 0 by rounding.
    smooth: np.ndarray = np.sqrt(np.maximum(power[:, last] - power[:, first], 0) / (last - first))
    return smooth
