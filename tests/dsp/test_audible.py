"""The audible part of a spectrum: peaks are those of sines, and nothing below the limit counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from scipy.signal import get_window

from otoscope.dsp.audible import LOWEST_AUDIBLE, audible, loudest_frequency, peak_frequency

RATE = 8000


def spectrum_of(samples: np.ndarray) -> xr.DataArray:
    frequency = np.fft.rfftfreq(samples.size, 1 / RATE)
    return xr.DataArray(np.abs(np.fft.rfft(samples)), coords={"frequency": frequency}, dims="frequency")


def sine(frequency: float, size: int = 4000) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(size) / RATE)


@pytest.mark.parametrize("frequency", [50, 440, 1234, 3990])
def test_the_peak_of_a_sine_is_its_frequency_whatever_drifts_below(frequency: float) -> None:
    samples = sine(frequency) + 100 + 50 * sine(4)
    assert peak_frequency(spectrum_of(samples)) == frequency
    assert loudest_frequency(samples, RATE) == pytest.approx(frequency, abs=RATE / samples.size)


def test_values_below_the_limit_are_zero_and_the_others_as_they_were() -> None:
    spectrum = spectrum_of(np.random.default_rng(0).standard_normal(1600))
    low = spectrum.frequency.values < LOWEST_AUDIBLE
    values = audible(spectrum)
    assert not values[low].any() and low.sum() == 10
    np.testing.assert_array_equal(values[~low], spectrum.values[~low])
    stacked = xr.concat([spectrum, 2 * spectrum], "model")
    np.testing.assert_array_equal(audible(stacked), [values, 2 * values])


def test_the_loudest_frequency_is_that_under_a_symmetric_hann_window() -> None:
    samples = np.random.default_rng(1).standard_normal(999)
    spectrum = np.abs(np.fft.rfft(samples * get_window("hann", samples.size, fftbins=False)))
    frequency = np.fft.rfftfreq(samples.size, 1 / RATE)
    expected = max(zip(spectrum, frequency, strict=True), key=lambda bin: bin[0] * (bin[1] >= LOWEST_AUDIBLE))[1]
    assert loudest_frequency(samples, RATE) == expected


def test_silence_has_no_peak() -> None:
    assert math.isnan(loudest_frequency(np.zeros(400), RATE))
    assert math.isnan(peak_frequency(spectrum_of(np.zeros(400))))
    assert math.isnan(peak_frequency(spectrum_of(np.zeros(400)) - 1))
