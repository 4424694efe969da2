"""Magnitude-squared coherence of two signals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from otoscope.errors import InputError

Window = Literal["hann", "hamming", "blackman", "rectangular"]
Detrend = Literal["constant", "linear", False]

_WINDOWS: dict[str, Callable[..., Tensor]] = {
    "hann": torch.hann_window,
    "hamming": torch.hamming_window,
    "blackman": torch.blackman_window,
    "rectangular": torch.ones,
}
_BLOCK = 2**18  # samples of windowed segments at a time, so that they and their spectra stay in the caches


def coherence(
    x: Tensor,
    y: Tensor,
    sample_rate: float,
    *,
    window: Window | Tensor = "hann",
    nperseg: int = 256,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Detrend = "constant",
) -> tuple[Tensor, Tensor]:
    r"""Magnitude-squared coherence of two signals by Welch's method.

    Parameters
    ----------
    x, y : Tensor (..., N)
        Real signals of one length. Their leading dimensions are broadcast against each other after each signal is
        transformed: one input against the sounds of all maps costs one spectrum of the input.
    sample_rate : float
        In Hz.
    window : {"hann", "hamming", "blackman", "rectangular"} or Tensor (nperseg,)
        What segments are multiplied by (periodic windows).
    nperseg : int
        Samples of a segment; all of a signal that is shorter.
    noverlap : int, optional
        Samples that neighbouring segments share; half a segment by default.
    nfft : int, optional
        Length of the DFT, at least that of the segment, which is padded with zeros; the segment by default.
    detrend : {"constant", "linear", False}
        What is subtracted from each segment: its mean, its linear trend, or nothing.

    Returns
    -------
    coherence : Tensor (..., nfft // 2 + 1)
        0 to 1, and 0 where one of the signals has no power beyond rounding. With a single segment it is 1 wherever
        both have power, whatever they are: at least two segments are needed.
    frequencies : Tensor (nfft // 2 + 1,)
        In Hz, float64.

    Raises
    ------
    InputError
        Signals that are empty, not real or of different lengths; shapes that do not broadcast; an unknown window or
        one of another length than the segment; numbers of samples that do not fit together.

    Notes
    -----
    .. math:: C_{xy}(f) = \frac{|P_{xy}(f)|^2}{P_{xx}(f) \, P_{yy}(f)}

    (sonification, eq. 6.1), where the densities P are means over overlapping windowed segments (Welch 1967). The
    values are those of ``scipy.signal.coherence`` with the same arguments, except at frequencies where a signal has
    nothing but rounding errors: they count as silent, where scipy's value may be anything. Both signals are first
    divided by their peaks, which does not change the coherence but keeps the squares of very quiet signals from
    underflowing.

    Examples
    --------
    >>> import torch
    >>> noise = torch.randn(2, 8000, generator=torch.Generator().manual_seed(0))
    >>> same, frequencies = coherence(noise[0], 3 * noise[0], sample_rate=8000)
    >>> other, _ = coherence(noise[0], noise[1], sample_rate=8000)
    >>> round(same.mean().item(), 3), bool(other.mean() < 0.1), frequencies[-1].item()
    (1.0, True, 4000.0)
    """
    x, y = _signals(x, y)
    nperseg = min(nperseg, x.shape[-1])
    hop, nfft = _lengths(nperseg, noverlap, nfft)
    taper = _taper(window, nperseg, x)
    windows_x, windows_y = ((one / _peak(one)).unfold(-1, nperseg, hop) for one in (x, y))
    shared = _of_windows(windows_x, windows_y, taper, nfft, detrend)
    frequencies = torch.arange(nfft // 2 + 1, dtype=torch.float64) * (sample_rate / nfft)
    return shared, frequencies


def coherence_within(
    x: Tensor,
    y: Tensor,
    bounds: Sequence[tuple[int, int]],
    *,
    window: Window | Tensor = "hann",
    nperseg: int = 256,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Detrend = "constant",
) -> tuple[Tensor, int]:
    """The coherence of two signals within stretches of them, from the windows that lie wholly in one.

    Parameters
    ----------
    x, y : Tensor (..., N)
        As for :func:`coherence`.
    bounds : sequence of (int, int)
        First sample of each stretch, and the first one after it; its first window begins where it does.
    window, nperseg, noverlap, nfft, detrend
        As for :func:`coherence`.

    Returns
    -------
    coherence : Tensor (..., nfft // 2 + 1)
        NaN where there are fewer than two windows: of one it is 1 whatever the signals are.
    count : int
        How many windows there are.

    Raises
    ------
    InputError
        As :func:`coherence`.

    Examples
    --------
    >>> noise = torch.randn(4000, generator=torch.Generator().manual_seed(0))
    >>> shared, count = coherence_within(noise, 2 * noise, [(0, 384), (1000, 1300)])
    >>> round(shared.mean().item(), 3), count
    (1.0, 3)
    """
    x, y = _signals(x, y)
    hop, nfft = _lengths(nperseg, noverlap, nfft)
    long = [(first, last) for first, last in bounds if last - first >= nperseg]
    count = sum((last - first - nperseg) // hop + 1 for first, last in long)
    if count < 2:
        shape = torch.broadcast_shapes(x.shape, y.shape)[:-1]
        return x.new_full((*shape, nfft // 2 + 1), torch.nan), count
    windows_x, windows_y = (
        torch.cat([(one / _peak(one))[..., first:last].unfold(-1, nperseg, hop) for first, last in long], dim=-2)
        for one in (x, y)
    )
    return _of_windows(windows_x, windows_y, _taper(window, nperseg, x), nfft, detrend), count


def _of_windows(x: Tensor, y: Tensor, taper: Tensor, nfft: int, detrend: Detrend) -> Tensor:
    """The coherence (..., frequency) of windows (..., window, sample) of two signals."""
    segments = (x, y)
    rows = max(one[..., 0, 0].numel() for one in segments)
    step = max(1, _BLOCK // (rows * len(taper)))
    power_x = power_y = cross = x.new_zeros(())
    for start in range(0, x.shape[-2], step):
        # Squares are summed over the segments of a block first, and over real and imaginary parts at the end: then
        # both sums run along contiguous memory.
        spectrum_x, spectrum_y = (
            torch.fft.rfft(_detrended(one[..., start : start + step, :], detrend) * taper, nfft) for one in segments
        )
        power_x = power_x + torch.view_as_real(spectrum_x).square().sum(-3)
        power_y = power_y + torch.view_as_real(spectrum_y).square().sum(-3)
        cross = cross + (spectrum_x.conj() * spectrum_y).sum(-2)
    power_x, power_y = power_x.sum(-1), power_y.sum(-1)
    shared = cross.abs().square() / _or_one(power_x) / _or_one(power_y)
    shared = shared.where(_above_rounding(power_x) & _above_rounding(power_y), 0)
    return shared.clamp(max=1)


def mean_top(coherence: Tensor, n_frequencies: int = 5) -> Tensor:
    """Mean over the frequencies at which the coherence is highest: the similarity of two sounds in one number.

    Parameters
    ----------
    coherence : Tensor (..., frequency)
    n_frequencies : int
        Number of frequencies.

    Returns
    -------
    Tensor (...)
        0 to 1.

    Raises
    ------
    InputError
        If `n_frequencies` is below 1 or above the number of frequencies there are.

    Notes
    -----
    The inner mean of eq. 6.2 of Yadav (2022), which takes the top five.

    Examples
    --------
    >>> mean_top(torch.tensor([0.0, 0.9, 0.1, 0.7]), 2)
    tensor(0.8000)
    """
    if not 1 <= n_frequencies <= coherence.shape[-1]:
        raise InputError(
            f"n_frequencies has to be from 1 to the {coherence.shape[-1]} frequencies there are, not {n_frequencies}"
        )
    return coherence.topk(n_frequencies).values.mean(-1)


def _signals(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    for signal in (x, y):
        if signal.ndim == 0 or signal.shape[-1] == 0 or signal.is_complex():
            raise InputError(
                "coherence takes real samples along the last dimension, not "
                f"{signal.dtype} of shape {tuple(signal.shape)}"
            )
    if x.shape[-1] != y.shape[-1]:
        raise InputError(f"the signals have {x.shape[-1]} and {y.shape[-1]} samples: cut them to one length")
    try:
        torch.broadcast_shapes(x.shape, y.shape)
    except RuntimeError:
        raise InputError(
            f"signals of shapes {tuple(x.shape)} and {tuple(y.shape)} cannot be broadcast: all dimensions but the last "
            "have to be equal or 1"
        ) from None
    dtype = torch.promote_types(torch.promote_types(x.dtype, y.dtype), torch.float32)
    return x.to(dtype), y.to(dtype)


def _lengths(nperseg: int, noverlap: int | None, nfft: int | None) -> tuple[int, int]:
    """Samples from one segment to the next, and of the DFT."""
    noverlap = nperseg // 2 if noverlap is None else noverlap
    nfft = nperseg if nfft is None else nfft
    if nperseg < 1:
        raise InputError(f"nperseg has to be 1 sample or more, not {nperseg}")
    if not 0 <= noverlap < nperseg:
        raise InputError(f"noverlap has to be less than the segment of {nperseg} samples and not negative: {noverlap}")
    if nfft < nperseg:
        raise InputError(f"nfft is {nfft} but a segment has {nperseg} samples; use nfft >= {nperseg}")
    return nperseg - noverlap, nfft


def _taper(window: Window | Tensor, length: int, like: Tensor) -> Tensor:
    if isinstance(window, Tensor):
        if window.shape != (length,):
            raise InputError(f"the window has the shape {tuple(window.shape)} and a segment {length} samples")
        return window.to(like)
    if window not in _WINDOWS:
        raise InputError(f"unknown window {window!r}; the windows are {', '.join(_WINDOWS)}")
    return _WINDOWS[window](length, dtype=like.dtype, device=like.device)


def _detrended(segments: Tensor, kind: Detrend) -> Tensor:
    if kind is False:
        return segments
    if kind not in ("constant", "linear"):
        raise InputError(f"detrend has to be 'constant', 'linear' or False, not {kind!r}")
    segments = segments - segments.mean(-1, keepdim=True)
    if kind == "linear" and segments.shape[-1] > 1:
        length = segments.shape[-1]
        ramp = torch.arange(length, dtype=segments.dtype, device=segments.device) - (length - 1) / 2
        ramp = ramp / ramp.norm()
        segments = segments - (segments @ ramp)[..., None] * ramp
    return segments


def _peak(signal: Tensor) -> Tensor:
    return _or_one(signal.abs().amax(-1, keepdim=True))


def _above_rounding(power: Tensor) -> Tensor:
    """Where a spectrum (..., frequency) of this power is above its rounding errors."""
    floor = (4 * torch.finfo(power.dtype).eps) ** 2 * power.sum(-1, keepdim=True)
    return power > floor


def _or_one(divisor: Tensor) -> Tensor:
    """A divisor with 1 in place of 0, so that 0 / 0 becomes 0."""
    return torch.where(divisor > 0, divisor, 1)
