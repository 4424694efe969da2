"""Wigner-Ville distribution: the energy of short signals, such as kernels, over time and frequency at once."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from otoscope.errors import InputError

# Lag products in a block: they stay in the cache until they are transformed.
_PRODUCTS = 2**18


def analytic_signal(signal: Tensor) -> Tensor:
    """Real signals without their negative frequencies.

    Parameters
    ----------
    signal : Tensor (..., N)
        Real samples.

    Returns
    -------
    Tensor (..., N), complex
        Its real part is the signal, its imaginary part the Hilbert transform.

    Raises
    ------
    InputError
        A signal that is empty or not real.

    Notes
    -----
    By the DFT of the N samples: the positive frequencies are doubled and the negative ones set to zero, as by
    :func:`scipy.signal.hilbert`.

    Examples
    --------
    >>> import torch
    >>> cosine = torch.cos(2 * torch.pi * 3 / 16 * torch.arange(16))
    >>> torch.allclose(analytic_signal(cosine).abs(), torch.ones(16))
    True
    """
    if signal.ndim == 0 or signal.numel() == 0 or signal.is_complex():
        raise InputError(
            f"signal must hold real samples in its last dimension, got {signal.dtype} of shape {tuple(signal.shape)}"
        )
    signal = signal.to(torch.promote_types(signal.dtype, torch.float32))
    n = signal.shape[-1]
    spectrum = torch.fft.fft(signal)
    spectrum[..., 1 : (n + 1) // 2] *= 2
    spectrum[..., n // 2 + 1 :] = 0
    analytic: Tensor = torch.fft.ifft(spectrum)
    return analytic


def wigner_ville(kernels: Tensor, n_fft: int | None = None) -> Tensor:
    r"""Wigner-Ville distribution of the analytic signals of kernels.

    Parameters
    ----------
    kernels : Tensor (..., N)
        Real samples.
    n_fft : int, optional
        Number of frequencies, at least N, which it is by default.

    Returns
    -------
    Tensor (..., n_fft, 2 * N - 1)
        Real, of either sign. Row ``k`` lies at ``k / (2 * n_fft)`` cycles per sample, that is from 0 to the Nyquist
        limit; column ``j`` at ``j / 2`` samples. No gradient is recorded.

    Raises
    ------
    InputError
        Kernels that are empty or not real, an ``n_fft`` below N.

    Notes
    -----
    With z the analytic signal (Ville 1948) and zeros outside of it,

    .. math:: W[k, j] = \frac{1}{K} \sum_{a + b = j} z[a]\, z^*[b]\, e^{-i \pi k (a - b) / K}, \quad K = n_\mathrm{fft}

    Sampling doubles the frequencies of a Wigner distribution, which then repeats at half the sample rate: a
    real signal would be folded onto itself. The analytic signal fills only the half from 0 to the Nyquist
    limit, so that nothing is folded, and taking all pairs ``a + b = j``, odd sums too, gives every half
    sample. Then both marginals are exact for any z, however short: the sum over frequency at sample ``n`` is
    :math:`|z[n]|^2` (column ``2 n``), and the sum over time is :math:`|Z(f_k)|^2 / K` at the frequency of each row,
    Z being the Fourier transform. A distribution therefore sums to twice the energy of z, since it has two
    columns per sample, up to the small part of a short z at negative frequencies, which appears at the opposite
    end of the frequency axis with a sign that alternates from column to column.

    Examples
    --------
    A linear chirp is a straight line: halfway in time it is halfway in frequency.

    >>> import torch
    >>> n = torch.arange(201)
    >>> chirp = torch.cos(2 * torch.pi * (0.05 * n + 0.4 / 400 * n**2)) * torch.hann_window(201)
    >>> distribution = wigner_ville(chirp)
    >>> distribution.shape
    torch.Size([201, 401])
    >>> distribution[:, 200].argmax().item() / (2 * 201)
    0.25...
    """
    z = analytic_signal(kernels.detach())
    n = z.shape[-1]
    n_fft = n if n_fft is None else n_fft
    if n_fft < n:
        raise InputError(f"n_fft is {n_fft} but the kernels have {n} samples; use n_fft >= {n}")
    flat = z.reshape(-1, n)
    result = torch.empty(len(flat), 2 * n - 1, n_fft, dtype=z.real.dtype, device=z.device)
    at_once = max(1, _PRODUCTS // (2 * n * n))
    for part, out in zip(flat.split(at_once), result.split(at_once), strict=True):
        out.copy_(_distribution(part, n_fft))
    return result.reshape(*z.shape[:-1], 2 * n - 1, n_fft).transpose(-1, -2)


def _distribution(z: Tensor, n_fft: int) -> Tensor:
    """(kernel, time, frequency)"""
    n = z.shape[-1]
    # With a zero between any two samples, a and b become j + d and j - d for every lag d of every half sample j.
    half_samples = z.new_zeros(len(z), 2 * n - 1)
    half_samples[:, ::2] = z
    windows = pad(half_samples, (n - 1, n - 1)).unfold(-1, n, 1)
    later, earlier = windows[:, n - 1 :], windows[:, : 2 * n - 1].flip(-1)
    # The products at -d are the conjugates of those at d, hence the Hermitian transform.
    whole: Tensor = 2 * torch.fft.hfft(later * earlier.conj(), 2 * n_fft, norm="forward")
    return whole[..., :n_fft]
