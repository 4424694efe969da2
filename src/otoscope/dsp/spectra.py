"""Spectra and autocorrelation of signals, sounds as well as relevance."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pad

from otoscope.errors import InputError

Taper = Literal["hann", "hamming", "rectangular"]


def spectral_relevance(signal: Tensor) -> Tensor:
    """Relevance of each frequency, from the relevance of each sample.

    Parameters
    ----------
    signal : Tensor (..., N)
        Relevance signal f, the derivative of an output with respect to every sample.

    Returns
    -------
    Tensor (..., N // 2 + 1), complex
        g, the derivative with respect to the DFT bins ``k / N`` cycles per sample of the input, 0 to
        the Nyquist limit; the other bins are their complex conjugates.

    Raises
    ------
    InputError
        A signal that is empty or not real.

    Notes
    -----
    Equations 3 and 4 of Muckenhirn et al., "Understanding and visualizing raw waveform-based CNNs"
    (2019): ``g[k] = 1 / N sum_n f[n] exp(+2 pi i k n / N)``, the inverse DFT. A change ``dX`` of the
    spectrum then changes the output by ``sum_k g[k] dX[k]`` over all N bins.

    Examples
    --------
    >>> import torch
    >>> relevance = torch.cos(2 * torch.pi * 3 / 16 * torch.arange(16))
    >>> spectral_relevance(relevance).abs().argmax().item()
    3
    """
    derivative: Tensor = torch.fft.ihfft(_real_signal(signal))
    return derivative.resolve_conj()  # numpy does not know lazy conjugates


def short_time_spectrum(
    signal: Tensor,
    sample_rate: float,
    window: float = 0.025,
    hop: float = 0.010,
    *,
    n_fft: int | None = None,
    taper: Taper = "hann",
) -> tuple[Tensor, Tensor, Tensor]:
    """Magnitude of the short-time Fourier transform.

    Parameters
    ----------
    signal : Tensor (..., N)
        Samples; zeros are assumed outside, so a clip may be shorter than the window.
    sample_rate : float
        Samples per second, in Hz.
    window, hop : float
        Length of the window and distance of frames in seconds, rounded to samples.
    n_fft : int, optional
        Length of the DFT, at least that of the window; frames are padded with zeros. The window by default.
    taper : {"hann", "hamming", "rectangular"}
        Shape of the window.

    Returns
    -------
    magnitude : Tensor (..., F, T)
        Unscaled; frame ``j`` is centred on sample ``j * hop``, ``T = ceil(N / hop)``.
    frequencies : Tensor (F,)
        Hz, float64.
    times : Tensor (T,)
        Centres of the frames in seconds, float64.

    Raises
    ------
    InputError
        A signal that is empty or not real; a rate, window or hop that is not positive or is less than
        one sample; an ``n_fft`` below the window.

    Examples
    --------
    >>> import torch
    >>> tone = torch.sin(2 * torch.pi * 1000 * torch.arange(8000) / 8000)
    >>> magnitude, frequencies, times = short_time_spectrum(tone, sample_rate=8000)
    >>> magnitude.shape, frequencies[magnitude[:, 50].argmax()].item(), times[50].item()
    (torch.Size([101, 100]), 1000.0, 0.5)
    """
    signal = _real_signal(signal)
    if not 0 < sample_rate < float("inf"):
        raise InputError(f"sample_rate must be a positive number of Hz, got {sample_rate!r}")
    length = _in_samples(window, sample_rate, "window")
    step = _in_samples(hop, sample_rate, "hop")
    n_fft = length if n_fft is None else n_fft
    if n_fft < length:
        raise InputError(f"n_fft is {n_fft} but the window has {length} samples; use n_fft >= {length}")
    padded = pad(signal, (length // 2, length - 1 - length // 2))
    frames = padded.unfold(-1, length, step) * _taper(taper, length, signal)
    magnitude = torch.fft.rfft(frames, n_fft).abs().transpose(-1, -2)
    frequencies = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * (sample_rate / n_fft)
    times = torch.arange(magnitude.shape[-1], dtype=torch.float64) * (step / sample_rate)
    return magnitude, frequencies, times


def amplitude_spectrum(signal: Tensor) -> Tensor:
    r"""Amplitudes of the sines of which a signal is the sum.

    Parameters
    ----------
    signal : Tensor (..., N)

    Returns
    -------
    Tensor (..., N // 2 + 1)
        :math:`\frac{2}{N} |X_k|`, and half of that at 0 and at half the rate, which have no conjugate.

    Raises
    ------
    InputError
        A signal that is empty or not real.

    Examples
    --------
    >>> import torch
    >>> tone = 3 * torch.cos(2 * torch.pi * 4 / 16 * torch.arange(16)) - 1
    >>> amplitude_spectrum(tone).round(decimals=3)
    tensor([1., 0., 0., 0., 3., 0., 0., 0., 0.])
    """
    signal = _real_signal(signal)
    amplitudes: Tensor = torch.fft.rfft(signal).abs() / signal.shape[-1]
    amplitudes[..., 1 : (signal.shape[-1] + 1) // 2] *= 2
    return amplitudes


def autocorrelation(signal: Tensor) -> Tensor:
    """Autocorrelation at all lags, normalised to 1 at lag 0.

    Parameters
    ----------
    signal : Tensor (..., N)
        Samples; their mean is not subtracted.

    Returns
    -------
    Tensor (..., N)
        ``r[m] / r[0]`` with ``r[m] = sum_n x[n] x[n + m]``, at lags 0 to N - 1 samples. Zeros, not NaN,
        for silence.

    Raises
    ------
    InputError
        A signal that is empty or not real.

    Notes
    -----
    Used in Muckenhirn et al. (2019), Fig. 3c, to compare the periodicity of an input and of its
    relevance. Computed by the Wiener-Khinchin theorem on the zero-padded signal.

    Examples
    --------
    >>> import torch
    >>> autocorrelation(torch.tensor([1.0, 0.0, 1.0, 0.0]))
    tensor([1.0000, 0.0000, 0.5000, 0.0000])
    """
    signal = _real_signal(signal)
    n = signal.shape[-1]
    peak = signal.abs().amax(-1, keepdim=True)
    silent = peak == 0
    # Scaled first, since the squares of a very quiet relevance signal would underflow.
    spectrum = torch.fft.rfft(signal / peak.where(~silent, 1), 2 * n)
    lags: Tensor = torch.fft.irfft(spectrum.abs().square(), 2 * n)[..., :n]
    return (lags / lags[..., :1].where(~silent, 1)).where(~silent, 0)


def _real_signal(signal: Tensor) -> Tensor:
    """The signal in float32 or float64."""
    if signal.ndim == 0 or signal.shape[-1] == 0 or signal.is_complex():
        raise InputError(
            f"signal must hold real samples in its last dimension, got {signal.dtype} of shape {tuple(signal.shape)}"
        )
    return signal.to(torch.promote_types(signal.dtype, torch.float32))


def _in_samples(seconds: float, sample_rate: float, name: str) -> int:
    if not 0 < seconds < float("inf") or round(seconds * sample_rate) < 1:
        raise InputError(f"{name} must be at least one sample ({1 / sample_rate:g} s at this rate), got {seconds!r} s")
    return round(seconds * sample_rate)


def _taper(shape: Taper, length: int, like: Tensor) -> Tensor:
    if shape == "hann":
        return torch.hann_window(length, dtype=like.dtype, device=like.device)
    if shape == "hamming":
        return torch.hamming_window(length, dtype=like.dtype, device=like.device)
    if shape == "rectangular":
        return like.new_ones(length)
    raise InputError(f"taper must be 'hann', 'hamming' or 'rectangular', got {shape!r}")
