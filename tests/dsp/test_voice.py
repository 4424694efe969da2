"""F0 and formants of sounds that are known, linear prediction of known processes, and envelopes."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.signal

from otoscope.data.vowels import mean_vowel, synthesise
from otoscope.dsp.voice import envelope, formant_range, formants, linear_prediction, lp_spectrum, over_voiced, pitch
from otoscope.errors import InputError

RATE = 8000


def pulses(f0: float, length: int = 4000) -> np.ndarray:
    return np.diff(np.floor(np.arange(length + 1) * f0 / RATE)).astype(float)


def resonance(frequency: float, bandwidth: float) -> np.ndarray:
    """Denominator of a resonator."""
    radius = np.exp(-np.pi * bandwidth / RATE)
    return np.array([1, -2 * radius * np.cos(2 * np.pi * frequency / RATE), radius**2])


@pytest.mark.parametrize("f0", [90.0, 137.0, 220.0, 310.0])
def test_pitch_of_harmonics_is_their_distance(f0: float) -> None:
    pytest.importorskip("parselmouth")
    time = np.arange(4000) / RATE
    found, times = pitch(sum(np.cos(2 * np.pi * f0 * k * time) for k in range(1, 9)), RATE)
    np.testing.assert_allclose(found, f0, rtol=1e-3)
    np.testing.assert_allclose(np.diff(times), 0.01)


def test_pitch_follows_a_glide_and_is_nan_in_silence_and_noise() -> None:
    pytest.importorskip("parselmouth")
    time = np.arange(8000) / RATE
    phase = 2 * np.pi * np.cumsum(100 + 100 * time) / RATE
    voice = sum(np.cos(k * phase) for k in range(1, 9))
    noise = np.random.default_rng(0).standard_normal(4000)
    found, times = pitch(np.concatenate([voice, np.zeros(4000), noise]), RATE, 75, 400)
    voiced = (times > 0.1) & (times < 0.9)
    np.testing.assert_allclose(found[voiced], 100 + 100 * times[voiced], rtol=0.01)
    assert np.isnan(found[(times > 1.05) & (times < 1.45)]).all()
    assert np.isnan(found[times > 1.55]).mean() > 0.7


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e9])
def test_measures_do_not_depend_on_scale(scale: float) -> None:
    pytest.importorskip("parselmouth")
    wave = synthesise(mean_vowel("eh", "men"), 16_000, 0.2).astype(float)
    for measure in (pitch, formants):
        np.testing.assert_allclose(measure(scale * wave, 16_000)[0], measure(wave, 16_000)[0], rtol=1e-3)


@pytest.mark.parametrize("pre_emphasis", [None, 50.0])
def test_formants_are_the_resonances_that_were_put_in(pre_emphasis: float | None) -> None:
    """A flat source without pre-emphasis; one that falls by 6 dB an octave with it."""
    pytest.importorskip("parselmouth")
    known = (600.0, 1400.0, 2600.0)
    source = pulses(100)
    if pre_emphasis:
        source = scipy.signal.lfilter([1], [1, -np.exp(-2 * np.pi * pre_emphasis / RATE)], source)
    sound = source
    for frequency in known:
        sound = scipy.signal.lfilter([1], resonance(frequency, 80), sound)
    found, _ = formants(sound, RATE, 4000, 3, pre_emphasis=pre_emphasis)
    assert found.shape[0] == 3
    np.testing.assert_allclose(np.nanmedian(found, axis=1), known, rtol=0.02)


def test_the_slope_of_the_source_is_taken_by_a_pole_of_its_own() -> None:
    """The formants of a sound are found whether its source falls by 6 dB an octave or not."""
    pytest.importorskip("parselmouth")
    sound = scipy.signal.lfilter([1], np.convolve(resonance(700, 80), resonance(1800, 100)), pulses(100))
    falling = scipy.signal.lfilter([1], [1, -0.96], sound)
    for one in (sound, falling):
        np.testing.assert_allclose(np.nanmedian(formants(one, RATE, 4000, 2)[0], axis=1), (700, 1800), rtol=0.02)


def test_silence_has_neither_pitch_nor_formants() -> None:
    pytest.importorskip("parselmouth")
    assert np.isnan(pitch(np.zeros(4000), RATE)[0]).all()
    assert np.isnan(formants(np.zeros(4000), RATE, 4000, 4)[0]).all()


def test_formants_are_sought_in_proportion_to_the_band() -> None:
    assert formant_range(16_000, 5000) == (5000, 5)
    assert formant_range(44_100, 6000) == (6000, 5)
    assert formant_range(8000, 5000) == (4000, 4)
    assert formant_range(8000, 6000) == (4000, 3.5)
    assert formant_range(1000, 5000) == (500, 1)


def test_linear_prediction_finds_the_process_that_made_a_signal() -> None:
    """An autoregressive process of order 4, and the variance of what drives it."""
    known = np.convolve(resonance(700, 200), resonance(2000, 300))
    noise = 0.3 * np.random.default_rng(1).standard_normal(200_000)
    signal = scipy.signal.lfilter([1], known, noise)
    coefficients, error = linear_prediction(signal, 4)
    np.testing.assert_allclose(coefficients, known, atol=0.02)
    assert error / signal.size == pytest.approx(0.09, rel=0.02)
    response = np.abs(scipy.signal.freqz([1], known, worN=np.pi * np.arange(513) / 512)[1])
    ours = lp_spectrum(signal, 4, 1024) / np.sqrt(signal.size)
    np.testing.assert_allclose(ours, 0.3 * response, rtol=0.06)


def test_linear_prediction_solves_the_normal_equations() -> None:
    """Against the equations written out in full; the spectrum has the energy of the signal."""
    signal = np.random.default_rng(2).standard_normal(300) * np.hanning(300)
    r = np.array([signal[: 300 - m] @ signal[m:] for m in range(17)])
    expected = np.linalg.solve(scipy.linalg.toeplitz(r[:16]), -r[1:])
    coefficients, error = linear_prediction(signal)
    np.testing.assert_allclose(coefficients[1:], expected, atol=1e-6)
    assert error == pytest.approx(r[0] + expected @ r[1:], rel=1e-6)
    spectrum = lp_spectrum(signal, n_fft=4096)
    mirrored = np.concatenate([spectrum, spectrum[-2:0:-1]])
    assert np.mean(mirrored**2) == pytest.approx(r[0], rel=1e-6)


@pytest.mark.parametrize("scale", [1e-120, 1.0, 1e120])
def test_lp_spectrum_scales_with_the_signal(scale: float) -> None:
    signal = np.hanning(400) * np.sin(np.arange(400) / 3)
    np.testing.assert_allclose(lp_spectrum(scale * signal), scale * lp_spectrum(signal), rtol=1e-6)


def test_sums_of_few_sines_have_an_lp_spectrum_too() -> None:
    """Without the little white noise, their equations have no single solution."""
    time = np.arange(4000) / RATE
    spectrum = lp_spectrum(np.sin(2 * np.pi * 440 * time) + np.sin(2 * np.pi * 1500 * time), 16)
    assert np.isfinite(spectrum).all()
    peaks = scipy.signal.find_peaks(spectrum, prominence=0.1 * spectrum.max())[0] * RATE / 1024
    np.testing.assert_allclose(peaks, (440, 1500), atol=10)


def test_envelope_lies_on_the_harmonics_and_is_that_of_the_tract() -> None:
    """A pulse train through resonances: the envelope follows their response, at or above all bins."""
    tract = np.convolve(resonance(700, 150), resonance(2000, 200))
    sound = scipy.signal.lfilter([1], tract, pulses(200))[1000:3000] * np.hanning(2000)
    smooth, spectrum = envelope(sound, RATE, 8192, lifter=0.002), np.abs(np.fft.rfft(sound, 8192))
    heard = spectrum > 1e-4 * spectrum.max()
    assert 20 * np.log10(spectrum[heard] / smooth[heard]).max() <= 1.001
    harmonics = np.round(200 * np.arange(1, 20) * 8192 / RATE).astype(int)
    response = np.abs(scipy.signal.freqz([1], tract, worN=2 * np.pi * harmonics / 8192)[1])
    level = 20 * np.log10(smooth[harmonics] / response)
    assert np.ptp(level) < 3


def test_silence_has_flat_zero_spectra() -> None:
    assert not lp_spectrum(np.zeros(100)).any()
    assert not envelope(np.zeros(100), RATE).any()


def test_contours_are_averaged_over_what_is_voiced() -> None:
    contour = np.array([[np.nan, 100, 104, 120], [np.nan] * 4])
    np.testing.assert_array_equal(over_voiced(contour), [108, np.nan])
    np.testing.assert_array_equal(over_voiced(contour, np.nanmedian), [104, np.nan])
    assert np.isnan(over_voiced(np.empty((2, 0)))).all()


@pytest.mark.parametrize(
    ("measure", "arguments", "message"),
    [
        (pitch, {"signal": np.ones(200)}, "too short for an F0 floor of 75 Hz, which needs more than 0.04 s"),
        (pitch, {"floor": 500.0, "ceiling": 100.0}, "cannot be searched for from 500 to 100 Hz"),
        (pitch, {"ceiling": 5000.0}, "half the sample rate of 8000 Hz"),
        (pitch, {"step": 0.0}, "the step has to be a positive"),
        (pitch, {"signal": np.ones((2, 4000))}, r"finite samples and of shape \(time,\), got \(2, 4000\)"),
        (pitch, {"signal": np.array([np.nan] * 4000)}, "finite samples"),
        (formants, {}, "cannot be searched for up to 5500 Hz at a sample rate of 8000 Hz: .* from 50 to 4000 Hz"),
        (formants, {"maximum": 4000.0, "count": 2.3}, "count of formants has to be 1, 1.5, 2"),
        (formants, {"maximum": 4000.0, "window": 0.0}, "the window has to be"),
        (formants, {"maximum": 100.0}, "a window of 0.025 s holds too little below 100 Hz"),
        (formants, {"maximum": 4000.0, "pre_emphasis": -1.0}, "pre_emphasis has to be a positive"),
        (formants, {"maximum": 4000.0, "signal": np.ones(5)}, "5 samples is too short to find 5 formants"),
        (envelope, {"n_fft": 256}, "at least the 4000 samples"),
        (envelope, {"n_fft": 8192, "lifter": 0.0}, "the lifter has to keep"),
    ],
)
def test_what_cannot_be_is_refused(measure: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        measure(**{"signal": np.sin(np.arange(4000.0)), "sample_rate": RATE} | arguments)


@pytest.mark.parametrize("ceiling", [0.0, -1.0, np.nan, np.inf])
def test_a_ceiling_that_is_no_frequency_is_refused(ceiling: float) -> None:
    with pytest.raises(InputError, match="below a positive frequency in Hz, not"):
        formant_range(RATE, ceiling)


@pytest.mark.parametrize("order", [3, 9, 11])
def test_formants_are_sought_down_to_where_praat_can(order: int) -> None:
    lowest = (order + 1) / (4 * 0.025)  # as many samples as a frame of two windows needs
    noise = np.random.default_rng(0).standard_normal(RATE)
    count = (order - 1) / 2
    assert formants(noise, RATE, max(lowest, 51) + 0.5, count)[0].shape[0] == int(count)
    if lowest > 51:
        with pytest.raises(InputError, match="holds too little"):
            formants(noise, RATE, lowest - 0.5, count)


def test_orders_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="of order 16 needs more than 16 samples; there are 10"):
        linear_prediction(np.ones(10))
    with pytest.raises(InputError, match="n_fft has to be above the order of 16"):
        lp_spectrum(np.ones(100), n_fft=16)


def test_without_parselmouth_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "parselmouth", None)
    for measure in (pitch, formants):
        with pytest.raises(InputError, match=r"pip install 'otoscope\[voice\]'"):
            measure(np.sin(np.arange(8000.0)), 16_000)
