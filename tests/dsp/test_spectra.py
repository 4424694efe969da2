"""Spectral relevance, short-time spectra and autocorrelation against numpy, scipy and autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from otoscope.dsp.spectra import autocorrelation, short_time_spectrum, spectral_relevance
from otoscope.errors import InputError


@pytest.mark.parametrize("n", [1, 2, 15, 64, 4001])
def test_spectral_relevance_is_the_inverse_dft(n: int) -> None:
    f = np.random.default_rng(0).standard_normal((3, n))
    np.testing.assert_allclose(spectral_relevance(torch.tensor(f)), np.fft.ifft(f)[:, : n // 2 + 1], atol=1e-14)


@pytest.mark.parametrize("n", [16, 17])
def test_spectral_relevance_is_the_derivative_by_the_spectrum(n: int) -> None:
    """Any function of x through its DFT: autograd's derivative is the conjugate of g (its convention)."""
    x = torch.randn(n, dtype=torch.float64)
    function = lambda x: (torch.sin(x) * torch.arange(n)).sum() + x.prod()  # noqa: E731
    relevance = torch.autograd.functional.jacobian(function, x)
    spectrum = torch.fft.fft(x).requires_grad_()
    function(torch.fft.ifft(spectrum).real).backward()
    expected = spectrum.grad.conj()[: n // 2 + 1]
    torch.testing.assert_close(spectral_relevance(relevance), expected)


def test_spectral_relevance_keeps_inner_products_and_energy() -> None:
    f, dx = np.random.default_rng(1).standard_normal((2, 64))
    half = spectral_relevance(torch.tensor(f)).numpy()
    g = np.concatenate((half, half[-2:0:-1].conj()))
    assert (g * np.fft.fft(dx)).sum().real == pytest.approx(f @ dx)
    assert (np.abs(g) ** 2).sum() == pytest.approx(f @ f / 64)


@pytest.mark.parametrize("taper", ["hann", "hamming", "rectangular"])
def test_short_time_spectrum_is_the_dft_of_centred_windows(taper: str) -> None:
    from scipy.signal import get_window

    x = np.random.default_rng(2).standard_normal(3001)
    found, frequencies, times = short_time_spectrum(torch.tensor(x), 8000, n_fft=256, taper=taper)
    window = get_window({"rectangular": "boxcar"}.get(taper, taper), 200)
    padded = np.pad(x, 200)
    for j, time in enumerate(times.tolist()):
        centre = 200 + round(time * 8000)
        frame = padded[centre - 100 : centre + 100]
        np.testing.assert_allclose(found[:, j], np.abs(np.fft.rfft(window * frame, 256)), atol=1e-10)
    np.testing.assert_allclose(frequencies, np.fft.rfftfreq(256, 1 / 8000))
    np.testing.assert_allclose(times, np.arange(0, 3001, 80) / 8000)


def test_an_impulse_shows_at_its_time_and_a_tone_at_its_frequency() -> None:
    impulse = torch.zeros(16000)
    impulse[8000] = 1
    magnitude, _, times = short_time_spectrum(impulse, 16000)
    assert times[magnitude.sum(0).argmax()] == 0.5
    tone = torch.sin(2 * torch.pi * 1200 * torch.arange(16000) / 16000)
    magnitude, frequencies, _ = short_time_spectrum(torch.stack((tone, 2 * tone)), 16000)
    assert frequencies[magnitude[1].mean(1).argmax()] == 1200
    torch.testing.assert_close(magnitude[1], 2 * magnitude[0])


@pytest.mark.parametrize("n", [1, 5, 100])
def test_clips_shorter_than_the_window(n: int) -> None:
    magnitude, frequencies, times = short_time_spectrum(torch.ones(n), 16000)
    assert magnitude.shape == (201, 1)
    assert len(frequencies) == 201
    assert times.tolist() == [0.0]
    assert magnitude.isfinite().all()
    assert magnitude.max() > 0.5


@pytest.mark.replica("autocorrelation")
@pytest.mark.parametrize("n", [1, 7, 1000])
def test_autocorrelation_is_numpy_correlate(n: int) -> None:
    x = np.random.default_rng(3).standard_normal((2, n))
    expected = [np.correlate(row, row, "full")[n - 1 :] / (row @ row) for row in x]
    np.testing.assert_allclose(autocorrelation(torch.tensor(x)), expected, atol=1e-12)


def test_autocorrelation_finds_the_period_at_any_loudness() -> None:
    wave = torch.sin(2 * torch.pi * torch.arange(800) / 80)
    for loudness in (1.0, 1e-25):
        lags = autocorrelation(wave * loudness)
        assert lags[0] == 1
        assert (lags[40:120].argmax() + 40).item() == 80
    assert not autocorrelation(torch.zeros(10)).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: spectral_relevance(torch.zeros(0)), "signal"),
        (lambda: autocorrelation(torch.zeros(4, dtype=torch.complex64)), "real"),
        (lambda: short_time_spectrum(torch.zeros(2, 0), 16000), "signal"),
        (lambda: short_time_spectrum(torch.zeros(9), 0), "sample_rate"),
        (lambda: short_time_spectrum(torch.zeros(9), 16000, window=0), "window"),
        (lambda: short_time_spectrum(torch.zeros(9), 16000, hop=1e-6), "hop"),
        (lambda: short_time_spectrum(torch.zeros(9), 16000, n_fft=128), "n_fft >= 400"),
        (lambda: short_time_spectrum(torch.zeros(9), 16000, taper="kaiser"), "taper"),
    ],
)
def test_bad_input_gets_one_clear_error(call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
