"""Relevance in frequency and in cells sums to that of the samples: what a dense transform before a model gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from otoscope import InputError
from otoscope.dsp.cross_spectra import (
    Frames,
    counts,
    cross_spectrogram,
    cross_spectrum,
    unitary_spectrogram,
    unitary_spectrum,
)

SIZES = [(200, 80), (201, 80), (200, 100), (200, 99), (200, 101), (200, 199), (200, 200), (7, 1), (2, 1), (1, 1)]


def pair(*shape: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(sum(shape))
    sound, gradient = torch.randn(2, *shape, dtype=torch.float64, generator=draw)
    return sound, gradient


def agree(found: Tensor, expected: Tensor, within: float = 1e-12) -> None:
    """Whether sums are equal, to a share of the sum of absolute values."""
    scale = expected.abs().sum(-1)
    dims = tuple(range(expected.ndim - 1, found.ndim))
    assert bool(((found.sum(dims) - expected.sum(-1)).abs() <= within * scale).all())


@pytest.mark.parametrize("samples", [1, 2, 3, 255, 256, 4001, 16_000])
def test_frequencies_sum_to_the_samples(samples: int) -> None:
    x, q = pair(3, samples)
    found = cross_spectrum(x, q)
    assert found.shape == (3, samples // 2 + 1) and found.dtype == torch.float64
    agree(found, x * q)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("samples", [1, 2, 150, 399, 400, 401, 4001])
def test_cells_sum_to_the_samples(samples: int, size: tuple[int, int]) -> None:
    x, q = pair(2, samples)
    frames = Frames(*size)
    found = cross_spectrogram(x, q, frames)
    assert found.shape == (2, frames.length // 2 + 1, frames.count(samples))
    agree(found, x * q)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("samples", [1, 2, 150, 400, 401, 4001])
def test_windows_add_up_at_every_sample(samples: int, size: tuple[int, int]) -> None:
    frames = Frames(*size)
    window, weights = frames.window().numpy(), frames.weights(samples).numpy()
    expected = np.zeros(samples)
    for frame in range(frames.count(samples)):
        for j, value in enumerate(window):
            at = frame * frames.hop - frames.length // 2 + j
            if 0 <= at < samples:
                expected[at] += value**2
    np.testing.assert_allclose(weights, expected, atol=1e-12)
    assert weights.min() >= 0.5 - 1e-12


def dense(samples: int) -> Tensor:
    """The inverse of the unitary DFT as a matrix (samples, 2 x frequency), of real and imaginary parts.

    What is left out below 0 Hz is in it, and the Nyquist limit once.
    """
    frequencies = samples // 2 + 1
    matrix = torch.zeros(samples, 2 * frequencies, dtype=torch.float64)
    for k in range(frequencies):
        turn = 2 * torch.pi * k * torch.arange(samples, dtype=torch.float64) / samples
        once = 1 if k == 0 or 2 * k == samples else 2
        matrix[:, k] = once * turn.cos() / samples**0.5
        matrix[:, frequencies + k] = -once * turn.sin() / samples**0.5
    return matrix


@pytest.mark.parametrize("samples", [255, 256])
def test_it_is_the_gradient_times_the_coefficients_of_a_dense_transform_before_the_model(samples: int) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Unflatten(1, (1, -1)), torch.nn.Conv1d(1, 8, 15, stride=3), torch.nn.Tanh(), torch.nn.Flatten(),
        torch.nn.LazyLinear(1),
    ).double()  # fmt: skip
    x = torch.randn(1, samples, dtype=torch.float64)
    spectrum = torch.fft.rfft(x, norm="ortho")
    coefficients = torch.cat([spectrum.real, spectrum.imag], -1).requires_grad_()
    back = coefficients @ dense(samples).T
    torch.testing.assert_close(back.detach(), x)
    (slope,) = torch.autograd.grad(model(back).sum(), coefficients)
    expected = (coefficients * slope).detach().reshape(2, -1).sum(0)
    leaf = x.clone().requires_grad_()
    (q,) = torch.autograd.grad(model(leaf).sum(), leaf)
    torch.testing.assert_close(cross_spectrum(x, q)[0], expected)
    assert expected[-1] != 0  # also at the Nyquist limit


@pytest.mark.parametrize("size", [(64, 16), (64, 48)])
def test_cells_are_the_gradient_times_the_coefficients_of_a_transform_before_the_model(size: tuple[int, int]) -> None:
    """Of the frames Z that a synthesis with the windows over W makes the sound of again."""
    frames, samples = Frames(*size), 256
    weight, model = torch.randn(samples, dtype=torch.float64), torch.tanh
    x = torch.randn(samples, dtype=torch.float64)
    window, weights = frames.window(), frames.weights(samples)
    before, count = frames.length // 2, frames.count(samples)
    padded = torch.nn.functional.pad(x, (before, count * frames.hop + frames.length))
    cut = torch.stack([padded[m * frames.hop : m * frames.hop + frames.length] * window for m in range(count)])
    coefficients = torch.fft.fft(cut, norm="ortho").requires_grad_()
    whole = torch.zeros(len(padded), dtype=torch.float64)
    back = torch.fft.ifft(coefficients, norm="ortho").real * window
    for m in range(count):
        whole = whole + torch.nn.functional.pad(back[m], (m * frames.hop, len(padded) - m * frames.hop - frames.length))
    again = whole[before : before + samples] / weights
    torch.testing.assert_close(again.detach(), x)
    (slope,) = torch.autograd.grad(model(again * weight).sum(), coefficients)
    two_sided = (coefficients.detach().conj() * slope).real
    half = frames.length // 2 + 1
    expected = two_sided[:, :half].clone()
    expected[:, 1 : half - 1] += two_sided[:, half:].flip(-1)
    leaf = x.clone().requires_grad_()
    (q,) = torch.autograd.grad(model(leaf * weight).sum(), leaf)
    torch.testing.assert_close(cross_spectrogram(x, q, frames), expected.T)


@pytest.mark.parametrize("samples", [1, 2, 255, 256])
def test_squares_of_unitary_magnitudes_sum_to_the_energy(samples: int) -> None:
    x, _ = pair(2, samples)
    energy = x.square().sum(-1)
    torch.testing.assert_close((unitary_spectrum(x).square() * counts(samples)).sum(-1), energy)
    for size in SIZES:
        frames = Frames(*size)
        cells = unitary_spectrogram(x, frames).square() * counts(frames.length)[:, None]
        torch.testing.assert_close(cells.sum((-1, -2)), energy)


def test_silence_has_no_relevance_and_no_nan() -> None:
    silence, (_, q) = torch.zeros(1000), pair(1000)
    frames = Frames(200, 80)
    for x, y in ((silence, q), (q, silence), (silence, silence)):
        assert not cross_spectrum(x, y).any() and not cross_spectrogram(x, y, frames).any()
    assert not unitary_spectrum(silence).any() and not unitary_spectrogram(silence, frames).any()


def test_relevance_lies_only_where_the_sound_has_energy() -> None:
    time = torch.arange(8000, dtype=torch.float64) / 8000
    tone, (_, q) = torch.sin(2 * torch.pi * 1000 * time), pair(8000)
    found = cross_spectrum(tone, q)
    assert found[1000] == pytest.approx(float((tone * q).sum()), rel=1e-9)
    assert float(found.abs().sum() - found[1000].abs()) < 1e-9 * float(found[1000].abs())


def test_blocks_of_frames_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x, q = pair(2, 5000)
    frames = Frames(200, 80)
    whole, magnitude = cross_spectrogram(x, q, frames), unitary_spectrogram(x, frames)
    monkeypatch.setattr("otoscope.dsp.cross_spectra._AT_ONCE", 1)
    torch.testing.assert_close(cross_spectrogram(x, q, frames), whole)
    torch.testing.assert_close(unitary_spectrogram(x, frames), magnitude)


@pytest.mark.parametrize(
    ("window", "hop", "message"),
    [
        (0.025, 0.03, r"hop is 0.03 s and window 0.025 s.*Give a hop of at most the window"),
        (0.0, 0.01, "window must be at least one sample"),
        (0.025, 1e-5, "hop must be at least one sample"),
        (float("nan"), 0.01, "window must be"),
        (0.025, float("inf"), "hop must be"),
    ],
)
def test_frames_that_leave_samples_out_are_refused(window: float, hop: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Frames.of(window, hop, 8000)
    assert Frames.of(0.025, 0.025, 8000) == Frames(200, 200)


def test_signals_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match=r"the same shape; these have \(3,\) and \(4,\)"):
        cross_spectrum(torch.zeros(3), torch.zeros(4))
    with pytest.raises(InputError, match="real samples"):
        cross_spectrum(torch.zeros(0), torch.zeros(0))
    with pytest.raises(InputError, match="real samples"):
        unitary_spectrogram(torch.zeros(3, dtype=torch.complex64), Frames(2, 1))
