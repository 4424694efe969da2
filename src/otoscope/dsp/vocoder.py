"""Sounds made again from magnitudes alone, as a text-to-speech system makes them."""

from __future__ import annotations

import torch
from torch import Tensor

from otoscope.dsp.interventions import at_level_of
from otoscope.dsp.kernels import mel_bands
from otoscope.errors import InputError


def griffin_lim(magnitude: Tensor, hop: int, samples: int, *, iterations: int = 32, seed: int = 0) -> Tensor:
    r"""A signal whose short-time spectrum has magnitudes near the given ones.

    Parameters
    ----------
    magnitude : Tensor (F, T)
        Of frames of ``2 * (F - 1)`` samples under a Hann window, centred every `hop` samples from the first one on.
    hop : int
        Samples from one frame to the next.
    samples : int
        Of the signal.
    iterations : int
        At least 1.
    seed : int
        Of the random phases that it begins with.

    Returns
    -------
    Tensor (samples,)

    Raises
    ------
    InputError
        If the magnitudes are not of frames of such a signal, or a number is out of range.

    Notes
    -----
    D. Griffin, J. Lim, "Signal estimation from modified short-time Fourier transform", IEEE Transactions on Acoustics,
    Speech, and Signal Processing 32, 236-243, 1984: in turn the signal of the magnitudes with the phases that are
    known, by weighted overlap-add, and the phases of that signal's spectrum. No iteration moves the magnitudes away
    from the given ones; how near they come depends on the phases at the start.

    Examples
    --------
    >>> tone = torch.sin(2 * torch.pi * 0.1 * torch.arange(1024))
    >>> window = torch.hann_window(128)
    >>> magnitude = torch.stft(tone, 128, 32, window=window, return_complex=True).abs()
    >>> made = griffin_lim(magnitude, 32, 1024)
    >>> int(torch.fft.rfft(made).abs().argmax()) == round(0.1 * 1024)
    True
    """
    n_fft = 2 * (magnitude.shape[0] - 1) if magnitude.ndim == 2 else 0
    if n_fft < 2 or not 0 < hop <= n_fft // 2 or samples <= n_fft // 2 or iterations < 1:
        raise InputError(
            f"magnitudes have to be (frequency, frame), the hop at most half a frame, the signal longer than that and "
            f"the iterations 1 or more; got {tuple(magnitude.shape)}, {hop}, {samples} and {iterations}"
        )
    if magnitude.shape[1] != samples // hop + 1:
        raise InputError(f"{samples} samples have {samples // hop + 1} frames, not {magnitude.shape[1]}")
    window = torch.hann_window(n_fft, dtype=magnitude.dtype)
    turns = torch.rand(magnitude.shape, generator=torch.Generator().manual_seed(seed), dtype=magnitude.dtype)
    phase = torch.polar(torch.ones_like(magnitude), 2 * torch.pi * turns)
    for _ in range(iterations):
        signal = torch.istft(magnitude * phase, n_fft, hop, window=window, length=samples)
        spectrum = torch.stft(signal, n_fft, hop, window=window, return_complex=True)
        phase = spectrum / spectrum.abs().clamp(min=torch.finfo(magnitude.dtype).tiny)
    return torch.istft(magnitude * phase, n_fft, hop, window=window, length=samples)


def mel_vocoded(
    signal: Tensor, sample_rate: float, *, n_bands: int = 40, window: float = 0.032, iterations: int = 32, seed: int = 0
) -> Tensor:
    """A sound made again from its magnitudes in bands of the mel scale, as the vocoder of a text-to-speech system does.

    Parameters
    ----------
    signal : Tensor (N,)
        Longer than half a window.
    sample_rate : float
        In Hz.
    n_bands : int
        Bands from 0 Hz to half the rate, in each of which the root mean square of a frame is kept and no more.
    window : float
        Of the frames, in s; they stand a quarter of it apart.
    iterations, seed
        As of :func:`griffin_lim`.

    Returns
    -------
    Tensor (N,)
        At the root mean square of the signal.

    Raises
    ------
    InputError
        If the signal is no single one or too short, or a number is out of range.

    Examples
    --------
    >>> noise = torch.randn(2000, generator=torch.Generator().manual_seed(0))
    >>> made = mel_vocoded(noise, 8000)
    >>> made.shape, round(float(made.square().mean() / noise.square().mean()), 3)
    (torch.Size([2000]), 1.0)
    """
    n_fft = 2 * round(window * sample_rate / 2)
    if signal.ndim != 1 or n_fft < 8 or len(signal) <= n_fft // 2:
        raise InputError(
            f"the signal has to be (time,) and longer than half a window of {n_fft} samples, 8 or more; it is "
            f"{tuple(signal.shape)}"
        )
    hop = n_fft // 4
    taper = torch.hann_window(n_fft, dtype=signal.dtype)
    power = torch.stft(signal, n_fft, hop, window=taper, return_complex=True).abs().square()
    frequency = torch.arange(len(power), dtype=torch.double) * sample_rate / n_fft
    number = torch.searchsorted(mel_bands(n_bands, sample_rate)[:-1, 1].contiguous(), frequency, right=True)
    sums = power.new_zeros(n_bands, power.shape[1]).index_add(0, number, power)
    counts = power.new_zeros(n_bands).index_add(0, number, torch.ones_like(power[:, 0]))
    flat = (sums / counts.clamp(min=1)[:, None])[number].sqrt()
    return at_level_of(griffin_lim(flat, hop, len(signal), iterations=iterations, seed=seed), signal)
