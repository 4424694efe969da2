"""Pictures of a sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.plots.checks import frequency_by_time, samples_of, short_time_magnitude
from otoscope.plots.drawing import DYNAMIC_RANGE, LINE_STYLES, draw_mesh, draw_samples, make_axes, say_silent

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def waveform(clip: xr.DataArray | np.ndarray, ax: Axes | None = None, *, sample_rate: float | None = None) -> Axes:
    """Draw samples over time.

    Parameters
    ----------
    clip : xarray.DataArray or array, shape (time,)
        Samples, full scale = 1.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    sample_rate : int, optional
        In Hz; needed for a plain array only.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the clip has more than one dimension, no samples or samples that are not finite, or if its
        sample rate is unknown.

    Notes
    -----
    A clip of more than a few thousand samples is drawn as the smallest and largest sample of each column.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = waveform(np.sin(np.arange(800) / 10), Figure().subplots(), sample_rate=8000)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('time (s)', 'amplitude (FS = 1)')
    """
    samples, rate = samples_of(clip, sample_rate)
    ax = make_axes(ax, height=1.6)
    draw_samples(ax, samples, rate, color=LINE_STYLES[0][0])
    ax.set(xlabel="time (s)", ylabel="amplitude (FS = 1)", xlim=(0, samples.size / rate))
    if not samples.any():
        ax.set_ylim(-1, 1)
        say_silent(ax, color="black", height=0.75)
    return ax


def spectrogram(
    sound: xr.DataArray | np.ndarray,
    ax: Axes | None = None,
    *,
    sample_rate: float | None = None,
    dynamic_range: float = DYNAMIC_RANGE,
    colorbar: bool = True,
) -> Axes:
    """Draw the short-time spectrum of a clip, or one that was computed already.

    Parameters
    ----------
    sound : xarray.DataArray or array
        A clip of shape (time,), or a DataArray of magnitudes with a frequency (Hz) and a time (s) dimension.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    sample_rate : int, optional
        In Hz; needed for a plain array only.
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
        If the sound has another number of dimensions, holds values that are not finite, or has no known
        sample rate.

    Notes
    -----
    Clips are analysed by `otoscope.dsp.spectra.short_time_spectrum` with its windows of 25 ms every 10 ms. Of the
    channels of a sonification or residual the root mean square is drawn.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = spectrogram(np.sin(np.arange(8000) / 10), Figure().subplots(), sample_rate=8000)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('time (s)', 'frequency (kHz)')
    """
    if isinstance(sound, xr.DataArray) and "input_channel" not in sound.dims and sound.ndim > 1:
        magnitude, frequency, time = frequency_by_time(sound)
        duration = None
    else:
        samples, rate = samples_of(sound, sample_rate, several=isinstance(sound, xr.DataArray))
        magnitude, frequency, time = short_time_magnitude(samples, rate)
        duration = samples.shape[-1] / rate
    ax = make_axes(ax)
    draw_mesh(ax, magnitude, frequency, time, dynamic_range=dynamic_range, colorbar=colorbar, duration=duration)
    return ax
