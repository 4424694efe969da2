"""Bands and centre frequencies against kernels whose bands are known, and banks against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import signal

from otoscope.dsp.kernels import (
    bandpass_bank,
    bandwidth,
    centre_frequency,
    even_bank,
    half_power_band,
    magnitude_response,
    mel_bank,
)
from otoscope.errors import InputError

RATE = 16_000


def gabor(frequency: float, deviation: float, width: int = 401, phase: float = 0.0) -> torch.Tensor:
    """Cosine of `frequency` (Hz) under a Gaussian of `deviation` (samples)."""
    n = torch.arange(width, dtype=torch.float64) - width // 2
    return torch.exp(-((n / deviation) ** 2) / 2) * torch.cos(2 * torch.pi * frequency / RATE * n + phase)


def sinc(low: float, high: float, width: int = 251) -> torch.Tensor:
    """The band-pass of SincNet: two sincs under a Hamming window."""
    n = np.arange(width) - width // 2
    ideal = [2 * f / RATE * np.sinc(2 * f / RATE * n) for f in (high, low)]
    return torch.from_numpy((ideal[0] - ideal[1]) * np.hamming(width))


@pytest.mark.replica("filters")
def test_magnitude_response_is_that_of_scipy() -> None:
    kernels = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 20)))
    expected = [np.abs(signal.freqz(kernel.numpy(), worN=33, include_nyquist=True)[1]) for kernel in kernels]
    np.testing.assert_allclose(magnitude_response(kernels, 64), expected, atol=1e-12)


def test_several_widths_stand_in_the_order_given() -> None:
    banks = [torch.randn(2, 9), torch.randn(3, 4)]
    both = magnitude_response(banks, 16)
    torch.testing.assert_close(both, torch.cat([magnitude_response(bank, 16) for bank in banks]))
    assert centre_frequency(banks).shape == (5,)


@pytest.mark.parametrize("frequency", [437.0, 1000.0, 3210.5, 7000.0])
@pytest.mark.parametrize("phase", [0.0, 1.0])
def test_a_gabor_kernel_is_centred_on_its_frequency_with_the_width_of_its_gaussian(
    frequency: float, phase: float
) -> None:
    kernel = gabor(frequency, deviation=40, phase=phase)[None]
    expected = 2 * np.sqrt(np.log(2)) / (2 * np.pi * 40) * RATE
    assert centre_frequency(kernel, RATE).item() == pytest.approx(frequency, abs=1)
    assert bandwidth(kernel, RATE).item() == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("low", "high"), [(300, 700), (1000, 3000), (5000, 7500)])
def test_a_sinc_kernel_has_the_band_it_was_made_for(low: float, high: float) -> None:
    # A window of 251 samples blurs each edge: the gain there is a half, the power a quarter.
    kernel = sinc(low, high)[None]
    edges = half_power_band(kernel, RATE)[0]
    assert centre_frequency(kernel, RATE).item() == pytest.approx((low + high) / 2, abs=3)
    assert edges[0] == pytest.approx(low, abs=0.7 * RATE / 251)
    assert edges[1] == pytest.approx(high, abs=0.7 * RATE / 251)
    assert bandwidth(kernel, RATE) == pytest.approx((edges[1] - edges[0]).item())


def test_the_power_at_the_edges_is_half_that_of_the_peak() -> None:
    kernel = torch.from_numpy(np.random.default_rng(3).standard_normal((1, 31)))
    edges = half_power_band(kernel)[0].numpy()
    power = np.abs(signal.freqz(kernel[0].numpy(), worN=2 * np.pi * edges)[1]) ** 2
    peak = magnitude_response(kernel, 1 << 16).square().max().item()
    np.testing.assert_allclose(power / peak, 0.5, atol=0.01)


def test_only_the_passband_of_the_peak_counts() -> None:
    two = gabor(1000, 60) + 0.9 * gabor(5000, 60)
    assert centre_frequency(two[None], RATE).item() == pytest.approx(1000, abs=2)


def test_bands_end_at_zero_and_at_the_nyquist_limit() -> None:
    low = torch.ones(1, 8)
    high = low * (-1.0) ** torch.arange(8)
    assert half_power_band(low, RATE)[0, 0] == 0
    assert half_power_band(high, RATE)[0, 1] == RATE / 2
    assert half_power_band(torch.eye(8)[:1], RATE)[0].tolist() == [0, RATE / 2]


def test_scale_and_sign_do_not_move_a_band() -> None:
    kernel = torch.randn(4, 25, dtype=torch.float64)
    torch.testing.assert_close(half_power_band(-1e-6 * kernel), half_power_band(kernel))


def test_a_dead_kernel_has_no_band() -> None:
    bands = half_power_band(torch.stack((torch.zeros(9), torch.hann_window(9))))
    assert bands[0].isnan().all() and bands[1].isfinite().all()


@pytest.mark.parametrize("width", [64, 101])
def test_bandpass_kernels_are_the_window_method_of_scipy(width: int) -> None:
    bands = [(500, 900), (2000, 6000)]
    expected = [signal.firwin(width, band, pass_zero=False, scale=False, fs=RATE) for band in bands]
    np.testing.assert_allclose(bandpass_bank(bands, width, RATE), expected, atol=1e-7)


def test_bands_that_meet_add_up_to_an_impulse() -> None:
    """All bands together pass everything, as the ideal ones do."""
    for bank in (even_bank(8, 101, RATE), mel_bank(8, 101, RATE)):
        np.testing.assert_allclose(bank.sum(0), np.eye(101)[50], atol=1e-6)


def test_even_bank_has_evenly_spaced_centres_of_the_published_size() -> None:
    """SimpleNet: 64 filters of 256 samples from 0 to 8000 Hz."""
    bank = even_bank(64, 256, RATE)
    assert bank.shape == (64, 256)
    expected = 8000 / 64 * (np.arange(64) + 0.5)
    # The outermost bands fold over 0 and the Nyquist limit.
    np.testing.assert_allclose(centre_frequency(bank, RATE)[1:-1], expected[1:-1], atol=8)


def test_mel_bank_has_bands_of_equal_width_in_mel() -> None:
    bank = mel_bank(10, 2001, RATE, 100, 7000)
    edges = half_power_band(bank, RATE).double()
    mels = 2595 * np.log10(1 + edges / 700)
    expected = np.linspace(2595 * np.log10(1 + 100 / 700), 2595 * np.log10(1 + 7000 / 700), 11)
    np.testing.assert_allclose(mels[:, 0], expected[:-1], atol=5)
    np.testing.assert_allclose(mels[:, 1], expected[1:], atol=5)


K = torch.randn(3, 20)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: magnitude_response(K, 16), "n_fft >= 20"),
        (lambda: magnitude_response([], 16), "no kernels"),
        (lambda: half_power_band(K[:, None]), r"weight\[:, 0\]"),
        (lambda: bandpass_bank([(900, 500)], 31, RATE), "rising"),
        (lambda: bandpass_bank([(500, 9000)], 31, RATE), "8000 Hz"),
        (lambda: bandpass_bank([(-1, 900)], 31, RATE), "rising"),
        (lambda: bandpass_bank([], 31, RATE), "pairs"),
        (lambda: bandpass_bank([(500, 900)], 0, RATE), "width"),
        (lambda: even_bank(0, 31, RATE), "count"),
        (lambda: mel_bank(2, 31, RATE, 900, 500), "rising"),
    ],
)
def test_bad_input_gets_one_clear_error(call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
