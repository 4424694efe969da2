"""Frequency responses of single kernels, their bands and centre frequencies, and the design of banks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from otoscope.errors import InputError


def magnitude_response(kernels: Tensor | Sequence[Tensor], n_fft: int = 1024) -> Tensor:
    """Magnitude of the Fourier transform of every kernel.

    Parameters
    ----------
    kernels : Tensor (K, w), or a sequence of them with different widths
        Kernels of a one-channel convolution, one tensor or more for each width.
    n_fft : int
        Length of the DFT, at least the widest kernel; kernels are padded with zeros.

    Returns
    -------
    Tensor (sum of K, n_fft // 2 + 1)
        At least float32; bin ``i`` lies at ``i / n_fft`` cycles per sample.

    Raises
    ------
    InputError
        No kernels, kernels that are not (K, w), or an ``n_fft`` shorter than one of them.

    Examples
    --------
    >>> import torch
    >>> magnitude_response(torch.tensor([[1.0, 1.0], [1.0, -1.0]]), n_fft=4)[:, [0, 2]]
    tensor([[2., 0.],
            [0., 2.]])
    """
    banks = as_banks(kernels)
    widest = max(bank.shape[1] for bank in banks)
    if n_fft < widest:
        raise InputError(f"n_fft is {n_fft} but the widest kernel has {widest} samples; use n_fft >= {widest}")
    return torch.cat([torch.fft.rfft(bank, n_fft).abs() for bank in banks])


def half_power_band(kernels: Tensor | Sequence[Tensor], sample_rate: float = 1.0) -> Tensor:
    """Half-power band of every kernel: the band around its peak with at least half the power of the peak.

    Parameters
    ----------
    kernels : Tensor (K, w), or a sequence of them with different widths
        Kernels of a one-channel convolution.
    sample_rate : float
        In Hz; the default of 1 gives cycles per sample.

    Returns
    -------
    Tensor (sum of K, 2)
        Lower and upper edge in the unit of `sample_rate`, at most 0 and the Nyquist limit. NaN for a kernel of
        zeros.

    Raises
    ------
    InputError
        No kernels, or kernels that are not (K, w).

    Notes
    -----
    The edges are the -3 dB points next to the highest peak of the magnitude response; other passbands of the
    kernel do not count. They are found on a DFT at least eight times as long as the
    widest kernel, by linear interpolation of the power between its bins.

    Examples
    --------
    >>> import torch
    >>> half_power_band(torch.tensor([[0.5, 0.5]]), sample_rate=8000).round()  # |cos(pi f / 8000)|
    tensor([[   0., 2000.]])
    """
    banks = as_banks(kernels)
    n_fft = max(4096, 1 << math.ceil(math.log2(8 * max(bank.shape[1] for bank in banks))))
    power = magnitude_response(banks, n_fft).square()
    highest, peak = power.max(1, keepdim=True)
    power = power / highest  # NaN for a dead kernel, and so are its edges
    bins = torch.arange(power.shape[1], device=power.device)
    below = power < 0.5
    lower = torch.where(below & (bins < peak), bins, -1).amax(1)
    upper = torch.where(below & (bins > peak), bins, len(bins)).amin(1)
    low = lower + _crossing(power, lower, lower + 1)
    high = upper - _crossing(power, upper, upper - 1)
    edges = torch.stack((low.clamp(min=0), high.clamp(max=len(bins) - 1)), 1) / n_fft * sample_rate
    return edges.where(highest > 0, torch.nan)


def centre_frequency(kernels: Tensor | Sequence[Tensor], sample_rate: float = 1.0) -> Tensor:
    """Centre frequency of every kernel: the middle of its half-power band.

    Parameters
    ----------
    kernels, sample_rate
        As in :func:`half_power_band`.

    Returns
    -------
    Tensor (sum of K,)
        In the unit of `sample_rate`; NaN for a kernel of zeros.

    Notes
    -----
    Sorting learnt filters by centre frequency goes back to Golik et al. (2015), who estimate it from the
    magnitude response. The frequency of the peak alone is arbitrary where the passband is flat, and the
    centroid of the power is biased by whatever a kernel passes elsewhere. The middle between the
    -3 dB points next to the peak is the centre of a Gabor kernel, and the mean of the two edges of an
    ideal band-pass such as SincNet's.

    Examples
    --------
    >>> import torch
    >>> n = torch.arange(-50, 51)
    >>> gabor = torch.exp(-(n / 20) ** 2) * torch.cos(2 * torch.pi * 1000 / 8000 * n)
    >>> centre_frequency(gabor[None], sample_rate=8000).round()
    tensor([1000.])
    """
    return half_power_band(kernels, sample_rate).mean(1)


def bandwidth(kernels: Tensor | Sequence[Tensor], sample_rate: float = 1.0) -> Tensor:
    """Half-power bandwidth of every kernel: the distance of its -3 dB points.

    Parameters
    ----------
    kernels, sample_rate
        As in :func:`half_power_band`.

    Returns
    -------
    Tensor (sum of K,)
        In the unit of `sample_rate`; NaN for a kernel of zeros.

    Examples
    --------
    A Gaussian of deviation s samples is one of deviation 1 / (2 pi s) in frequency, its power half at
    sqrt(ln 2) of that on either side.

    >>> import torch
    >>> n = torch.arange(-50, 51)
    >>> gabor = torch.exp(-((n / 10) ** 2) / 2) * torch.cos(2 * torch.pi * 0.2 * n)
    >>> bandwidth(gabor[None]), 2 * torch.log(torch.tensor(2.0)).sqrt() / (2 * torch.pi * 10)
    (tensor([0.0265]), tensor(0.0265))
    """
    return half_power_band(kernels, sample_rate).diff(dim=1)[:, 0]


def bandpass_bank(bands: Tensor | Sequence[Sequence[float]], width: int, sample_rate: float) -> Tensor:
    """Band-pass kernels with given edges, by the window method.

    Parameters
    ----------
    bands : Tensor (K, 2) or sequence of pairs
        Lower and upper edge of each band in Hz, 0 to half the sample rate.
    width : int
        Samples of every kernel. The transition at each edge is about ``3.3 / width`` of the sample rate
        wide; narrower bands become as wide.
    sample_rate : float
        In Hz.

    Returns
    -------
    Tensor (K, width)
        Symmetric in time, float32; a gain of about 1 in the band.

    Raises
    ------
    InputError
        Bands that are not pairs of rising frequencies within 0 and the Nyquist limit; a width below 1.

    Notes
    -----
    The ideal response ``2 f_2 sinc(2 f_2 n) - 2 f_1 sinc(2 f_1 n)`` under a Hamming window. A kernel of even width
    and even symmetry has no response at the Nyquist limit.

    Examples
    --------
    >>> bank = bandpass_bank([(0, 1000), (1000, 2000)], width=101, sample_rate=8000)
    >>> centre_frequency(bank, 8000).round(decimals=-1)
    tensor([ 480., 1500.])
    """
    edges = torch.as_tensor(bands, dtype=torch.float64)
    rising = edges.ndim == 2 and edges.shape[1] == 2 and len(edges) > 0 and bool((edges[:, 0] < edges[:, 1]).all())
    if not rising or edges.min() < 0 or edges.max() > sample_rate / 2:
        raise InputError(
            f"bands must be pairs (lower, upper) of rising frequencies from 0 to {sample_rate / 2:g} Hz, half the "
            "sample rate"
        )
    if isinstance(width, bool) or not isinstance(width, int) or width < 1:
        raise InputError(f"width must be a whole number of samples, at least 1, got {width!r}")
    samples = torch.arange(width, dtype=torch.float64) - (width - 1) / 2
    low, high = (2 * edges / sample_rate).T[:, :, None]
    kernels = high * torch.sinc(high * samples) - low * torch.sinc(low * samples)
    windowed: Tensor = kernels * torch.hamming_window(width, periodic=False, dtype=torch.float64)
    return windowed.float()


def even_bank(
    count: int,
    width: int,
    sample_rate: float,
    minimum_frequency: float = 0.0,
    maximum_frequency: float | None = None,
) -> Tensor:
    """Band-pass kernels that divide a range of frequencies into equal bands.

    Parameters
    ----------
    count, width : int
        Number of kernels, and samples of each.
    sample_rate : float
        In Hz.
    minimum_frequency, maximum_frequency : float
        The range in Hz; from 0 to half the sample rate by default.

    Returns
    -------
    Tensor (count, width)
        Adjacent bands, without overlap; lowest first.

    Raises
    ------
    InputError
        As :func:`bandpass_bank`, or if `count` is below 1.

    Notes
    -----
    The first initialiser of SimpleNet (section 3; in its section 4 with 64 kernels of 256 samples from 0 to
    8000 Hz).

    Examples
    --------
    >>> bank = even_bank(4, width=256, sample_rate=16_000)
    >>> centre_frequency(bank, 16_000)[1:3].round(decimals=-1)
    tensor([3000., 5000.])
    """
    highest = sample_rate / 2 if maximum_frequency is None else maximum_frequency
    edges = torch.linspace(minimum_frequency, highest, _bands(count) + 1, dtype=torch.float64)
    return bandpass_bank(torch.stack((edges[:-1], edges[1:]), 1), width, sample_rate)


def mel_bank(
    count: int,
    width: int,
    sample_rate: float,
    minimum_frequency: float = 0.0,
    maximum_frequency: float | None = None,
) -> Tensor:
    """Band-pass kernels that divide a range of frequencies into bands equal on the mel scale.

    Parameters
    ----------
    count, width, sample_rate, minimum_frequency, maximum_frequency
        As in :func:`even_bank`.

    Returns
    -------
    Tensor (count, width)
        Adjacent bands, without overlap, as at the start of SincNet; lowest first.

    Raises
    ------
    InputError
        As :func:`even_bank`.

    Notes
    -----
    ``mel(f) = 2595 log10(1 + f / 700)`` (O'Shaughnessy 1987). The second initialiser of SimpleNet
    (section 3).

    Examples
    --------
    >>> bank = mel_bank(4, width=1001, sample_rate=16_000)
    >>> centre_frequency(bank, 16_000)[1:].round(decimals=-1)
    tensor([1190., 2850., 5970.])
    """
    return bandpass_bank(mel_bands(count, sample_rate, minimum_frequency, maximum_frequency), width, sample_rate)


def mel_bands(
    count: int, sample_rate: float, minimum_frequency: float = 0.0, maximum_frequency: float | None = None
) -> Tensor:
    """Divide a range of frequencies into bands that are equal on the mel scale.

    Parameters
    ----------
    count, sample_rate, minimum_frequency, maximum_frequency
        As in :func:`even_bank`.

    Returns
    -------
    Tensor (count, 2)
        Lower and upper edge of each in Hz, float64; lowest first.

    Raises
    ------
    InputError
        If `count` is below 1.

    Examples
    --------
    >>> mel_bands(3, sample_rate=16_000).round()
    tensor([[   0.,  921.],
            [ 921., 3056.],
            [3056., 8000.]], dtype=torch.float64)
    """
    highest = sample_rate / 2 if maximum_frequency is None else maximum_frequency
    ends = 2595 * torch.log10(1 + torch.tensor([minimum_frequency, highest], dtype=torch.float64) / 700)
    mels = torch.linspace(float(ends[0]), float(ends[1]), _bands(count) + 1, dtype=torch.float64)
    edges = (700 * (10 ** (mels / 2595) - 1)).clamp(minimum_frequency, highest)
    return torch.stack((edges[:-1], edges[1:]), 1)


def as_banks(kernels: Tensor | Sequence[Tensor]) -> list[Tensor]:
    """Kernels of one or several widths as checked tensors (K, w) of one dtype, at least float32."""
    banks = [kernels] if isinstance(kernels, Tensor) else list(kernels)
    if not banks:
        raise InputError("no kernels were given; pass at least one tensor of shape (kernels, width)")
    for bank in banks:
        if bank.ndim != 2 or 0 in bank.shape or bank.is_complex():
            raise InputError(
                "kernels must be real and of shape (kernels, width), "
                f"got {bank.dtype} of {tuple(bank.shape)}; of a one-channel convolution pass weight[:, 0]"
            )
    dtype = torch.float32
    for bank in banks:
        dtype = torch.promote_types(dtype, bank.dtype)
    return [bank.to(dtype) for bank in banks]


def _crossing(power: Tensor, outside: Tensor, inside: Tensor) -> Tensor:
    """How far from bin `outside` towards its neighbour `inside` the power reaches one half, 0 to 1."""
    last = power.shape[1] - 1
    rows = torch.arange(len(power), device=power.device)
    below, above = power[rows, outside.clamp(0, last)], power[rows, inside.clamp(0, last)]
    rise = above - below
    return (0.5 - below) / rise.where(rise > 0, 1)


def _bands(count: int) -> int:
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InputError(f"count must be a whole number of kernels, at least 1, got {count!r}")
    return count
