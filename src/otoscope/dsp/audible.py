"""The audible part of spectra, and where in it their peak is."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

#: In Hz. Signals from backpropagation through rectifiers often hold an offset and a drift that nobody can hear.
LOWEST_AUDIBLE = 50.0


def audible(spectrum: xr.DataArray) -> np.ndarray:
    """The values of a spectrum, zero below :data:`LOWEST_AUDIBLE`.

    Parameters
    ----------
    spectrum : DataArray, (..., frequency)
        With the coordinate `frequency` in Hz.

    Returns
    -------
    ndarray, (..., frequency)

    Examples
    --------
    >>> spectrum = xr.DataArray([9.0, 1.0, 2.0], coords={"frequency": [0.0, 50.0, 100.0]}, dims="frequency")
    >>> audible(spectrum).tolist()
    [0.0, 1.0, 2.0]
    """
    return np.where(spectrum.frequency.values >= LOWEST_AUDIBLE, spectrum.values, 0.0)


def peak_frequency(spectrum: xr.DataArray) -> float:
    """Audible frequency of the largest value of a spectrum.

    Parameters
    ----------
    spectrum : DataArray, (frequency,)
        With the coordinate `frequency` in Hz.

    Returns
    -------
    float
        In Hz, from :data:`LOWEST_AUDIBLE` up; NaN where no value there is positive.

    Examples
    --------
    >>> spectrum = xr.DataArray([9.0, 1.0, 2.0], coords={"frequency": [0.0, 50.0, 100.0]}, dims="frequency")
    >>> peak_frequency(spectrum)
    100.0
    """
    values = audible(spectrum)
    return float(spectrum.frequency[int(values.argmax())]) if values.max() > 0 else math.nan


def loudest_frequency(samples: np.ndarray, sample_rate: float) -> float:
    """Audible frequency of the largest bin of a sound's spectrum, under a Hann window.

    Parameters
    ----------
    samples : ndarray, (time,)
    sample_rate : float
        In Hz.

    Returns
    -------
    float
        In Hz, from :data:`LOWEST_AUDIBLE` up; NaN for silence.

    Examples
    --------
    >>> loudest_frequency(5 + np.sin(2 * np.pi * 440 * np.arange(8000) / 8000), sample_rate=8000)
    440.0
    """
    if not np.any(samples):
        return math.nan
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    frequencies = np.fft.rfftfreq(len(samples), 1 / sample_rate)
    return float(frequencies[np.where(frequencies >= LOWEST_AUDIBLE, spectrum, 0.0).argmax()])
