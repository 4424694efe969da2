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


def wigner_ville(kernels: Tensor, n_fft: int | None = None, step: int = 1) -> Tensor:
    r"""Wigner-Ville distribution of the analytic signals of kernels.

    Parameters
    ----------
    kernels : Tensor (..., N)
        Real samples.
    n_fft : int, optional
        Number of frequencies, N by default. With fewer the distribution is smoothed over frequency.
    step : int
        Columns are means over so many half samples, so that the distribution of a wide kernel takes less room.

    Returns
    -------
    Tensor (..., n_fft, ceil((2 * N - 1) / step))
        Real, of either sign. Row ``k`` lies at ``k / (2 * n_fft)`` cycles per sample, that is from 0 to the Nyquist
        limit; column ``j`` at ``(j * step + (step - 1) / 2) / 2`` samples. No gradient is recorded.

    Raises
    ------
    InputError
        Kernels that are empty or not real, an ``n_fft`` or a `step` below 1.

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

    Fewer frequencies than samples would fold long lags :math:`l = a - b` onto short ones. So where K is below N the
    products are weighted by :math:`\cos^2(\pi l / 2K)` and those of lags of K or more are left out, which convolves
    each column with the transform of that window. The sum over frequency stays exact, since the window is 1 at lag 0;
    the sum over time is :math:`|Z(f_k)|^2 / K` smoothed by the same. Means over `step` half samples leave the sum over
    time as it is, but for the factor.

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
    if n_fft < 1 or step < 1:
        raise InputError(f"n_fft and step have to be 1 or more, not {n_fft} and {step}")
    flat, lags, columns = z.reshape(-1, n), min(n, n_fft), -(-(2 * n - 1) // step)
    result = torch.empty(len(flat), columns, n_fft, dtype=z.real.dtype, device=z.device)
    at_once = max(1, _PRODUCTS // (2 * n * lags))
    rows = max(1, _PRODUCTS // (lags * step)) if at_once == 1 else columns
    for part, out in zip(flat.split(at_once), result.split(at_once), strict=True):
        _distribute(part, step, rows, out)
    return result.reshape(*z.shape[:-1], columns, n_fft).transpose(-1, -2)


def _distribute(z: Tensor, step: int, rows: int, out: Tensor) -> None:
    """Fill (kernel, time, frequency), so many `rows` of time at once."""
    n, n_fft, columns = z.shape[-1], out.shape[-1], out.shape[1]
    lags = min(n, n_fft)
    # With a zero between any two samples, a and b become j + d and j - d for every lag d of every half sample j.
    half_samples = z.new_zeros(len(z), columns * step)
    half_samples[:, : 2 * n - 1 : 2] = z
    windows = pad(half_samples, (lags - 1, lags - 1)).unfold(-1, lags, 1)
    window = 0.5 + 0.5 * torch.cos(torch.pi / n_fft * torch.arange(lags, dtype=z.real.dtype, device=z.device))
    for start in range(0, columns, rows):
        first, last = start * step, min(start + rows, columns) * step
        later, earlier = windows[:, first + lags - 1 : last + lags - 1], windows[:, first:last].flip(-1)
        products = later * earlier.conj()
        if step > 1:
            products = products.unflatten(1, (-1, step)).mean(2)
        if n_fft < n:
            products = products * window
        # The products at -d are the conjugates of those at d, hence the Hermitian transform.
        whole: Tensor = 2 * torch.fft.hfft(products, 2 * n_fft, norm="forward")
        out[:, start : start + rows] = whole[..., :n_fft]
