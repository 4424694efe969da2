"""The Wigner-Ville distribution: its marginals, its energy, chirps, and an independent loop over its equation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.signal
import torch

from otoscope.dsp.wigner import analytic_signal, wigner_ville
from otoscope.errors import InputError


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def from_the_equation(z: np.ndarray, n_fft: int) -> np.ndarray:
    n = len(z)
    found = np.zeros((n_fft, 2 * n - 1), complex)
    for a in range(n):
        for b in range(n):
            found[:, a + b] += z[a] * z[b].conj() * np.exp(-1j * np.pi * np.arange(n_fft) * (a - b) / n_fft)
    return found / n_fft


@pytest.mark.parametrize("n", [1, 2, 3, 8, 31, 300])
def test_analytic_signal_is_that_of_scipy(n: int) -> None:
    x = noise(3, n)
    np.testing.assert_allclose(analytic_signal(torch.tensor(x)), scipy.signal.hilbert(x), atol=1e-12)


@pytest.mark.replica("wigner")
@pytest.mark.parametrize(("n", "n_fft"), [(1, 1), (2, 2), (7, 7), (16, 16), (16, 21), (30, 64)])
def test_it_is_the_sum_over_all_pairs_of_samples(n: int, n_fft: int) -> None:
    x = noise(2, n, seed=n)
    found = wigner_ville(torch.tensor(x), n_fft)
    expected = np.stack([from_the_equation(z, n_fft) for z in scipy.signal.hilbert(x)])
    np.testing.assert_allclose(expected.imag, 0, atol=1e-12)  # a Wigner distribution is real
    np.testing.assert_allclose(found, expected.real, atol=1e-12)


@pytest.mark.parametrize(("n", "n_fft"), [(5, 5), (30, 30), (30, 256), (301, 301)])
def test_both_marginals(n: int, n_fft: int) -> None:
    """Of white noise, which leaves no frequency and no sample empty."""
    x = noise(4, n)
    z = scipy.signal.hilbert(x)
    found = wigner_ville(torch.tensor(x), n_fft).numpy()
    np.testing.assert_allclose(found.sum(1)[:, ::2], np.abs(z) ** 2, atol=1e-10)
    at = np.exp(-1j * np.pi * np.outer(np.arange(n), np.arange(n_fft)) / n_fft)  # the transform at k / (2 n_fft)
    np.testing.assert_allclose(found.sum(2), np.abs(z @ at) ** 2 / n_fft, atol=1e-10)


@pytest.mark.parametrize(("n", "n_fft", "step"), [(30, 12, 1), (31, 31, 4), (64, 20, 7), (90, 64, 500)])
def test_with_fewer_frequencies_and_times_it_is_smoothed_by_the_window_stated(n: int, n_fft: int, step: int) -> None:
    x = noise(2, n, seed=n)
    found = wigner_ville(torch.tensor(x), n_fft, step).numpy()
    lag, block = np.subtract.outer(np.arange(n), np.arange(n)), np.add.outer(np.arange(n), np.arange(n)) // step
    weight = np.where(np.abs(lag) < n_fft, np.cos(np.pi * lag / (2 * n_fft)) ** 2, 0) if n_fft < n else 1.0
    wave = np.exp(-1j * np.pi * np.arange(n_fft)[:, None, None] * lag / n_fft)
    for z, one in zip(scipy.signal.hilbert(x), found, strict=True):
        products = np.outer(z, z.conj()) * weight * wave
        expected = np.stack([(products * (block == b)).sum((1, 2)) for b in range(block.max() + 1)], 1)
        np.testing.assert_allclose(one, expected.real / n_fft / step, atol=1e-12)
        np.testing.assert_allclose(one.sum(1) * step, products.sum((1, 2)).real / n_fft, atol=1e-10)
        if step == 1:
            np.testing.assert_allclose(one.sum(0)[::2], np.abs(z) ** 2, atol=1e-10)


@pytest.mark.parametrize("step", [1, 3])
def test_wide_kernels_are_taken_in_blocks(step: int) -> None:
    wide = torch.tensor(noise(2, 700))
    whole = wigner_ville(wide, 600, step)  # of 4 million products each
    torch.testing.assert_close(
        whole[..., :50], wigner_ville(wide, 600, 1)[..., : 50 * step].unflatten(-1, (-1, step)).mean(-1)
    )


def test_every_second_column_holds_the_energy() -> None:
    x = noise(4, 64)
    found = wigner_ville(torch.tensor(x)).numpy()
    energy = (np.abs(scipy.signal.hilbert(x)) ** 2).sum(1)
    np.testing.assert_allclose(found[:, :, ::2].sum((1, 2)), energy)
    smooth = scipy.signal.get_window("hann", 200) * np.cos(2 * np.pi * 0.17 * np.arange(200))
    twice = 2 * (np.abs(scipy.signal.hilbert(smooth)) ** 2).sum()
    assert float(wigner_ville(torch.tensor(smooth)).sum()) == pytest.approx(twice, rel=1e-4)


def test_a_chirp_lies_on_its_line() -> None:
    n = np.arange(401)
    start, rise = 0.1, 0.3 / 400  # cycles per sample, and that per sample
    chirp = scipy.signal.get_window("hann", 401) * np.cos(2 * np.pi * (start * n + rise / 2 * n**2))
    found = wigner_ville(torch.tensor(chirp)).numpy()
    loud = slice(160, 641)
    ridge = found.argmax(0) / (2 * 401)
    line = start + rise * np.arange(801) / 2
    assert np.abs(ridge - line)[loud].max() <= 1.5 / (2 * 401)


def test_an_impulse_lies_at_its_time_and_a_tone_at_its_frequency() -> None:
    tone = torch.cos(2 * torch.pi * 20 / 128 * torch.arange(128, dtype=torch.float64))
    assert wigner_ville(tone).sum(1).argmax() == 2 * 20
    impulse = torch.zeros(129, dtype=torch.float64)
    impulse[40] = 1
    found = wigner_ville(impulse)
    assert found.sum(0)[::2].argmax() == 40
    assert (found[20:-20, 80] > 0).all()


def test_a_low_tone_is_not_folded() -> None:
    """Frequencies from a quarter of the sample rate up, which sampling would fold, stay empty for a low tone."""
    low = torch.hann_window(300) * torch.cos(2 * torch.pi * 0.02 * torch.arange(300))
    found = wigner_ville(low)
    assert found[150:].abs().max() < 1e-3 * found.max()
    high = torch.hann_window(300) * torch.cos(2 * torch.pi * 0.45 * torch.arange(300))
    assert wigner_ville(high).max(1).values.argmax() == pytest.approx(0.45 * 600, abs=1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_any_leading_axes_and_many_kernels(dtype: torch.dtype) -> None:
    kernels = torch.randn(2, 7, 50, dtype=dtype, requires_grad=True)
    found = wigner_ville(kernels)
    assert found.shape == (2, 7, 50, 99) and found.dtype == dtype and not found.requires_grad
    torch.testing.assert_close(found[1, 3], wigner_ville(kernels[1, 3]))


@pytest.mark.parametrize(
    ("kernels", "n_fft", "message"),
    [
        (torch.zeros(3, 0), None, "signal must hold real samples"),
        (torch.zeros(3, 4, dtype=torch.complex64), None, "real"),
        (torch.zeros(3, 10), 0, "n_fft and step have to be 1 or more, not 0"),
    ],
)
def test_bad_input_gets_one_clear_error(kernels: Any, n_fft: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        wigner_ville(kernels, n_fft)
