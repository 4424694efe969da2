"""Response spectra of the first layer, short-time and cumulative.

Both need the trained kernels alone. Every kernel responds to a frame of sound with one number, and the
spectra of the kernels, weighted by their responses, add up to the spectrum that the layer passes on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv1d, pad

from otoscope.dsp.kernels import as_banks, magnitude_response
from otoscope.errors import InputError

Alignment = Literal["centre", "start"]

# Frames in a block: its product stays in the cache until its magnitude is computed, and the memory for a
# long clip is little more than its result.
_FRAMES = 800


def centred_bank(kernels: Tensor | Sequence[Tensor], alignment: Alignment = "centre") -> Tensor:
    """Pad kernels of several widths with zeros to the widest.

    Parameters
    ----------
    kernels : Tensor (K, w), or a sequence of them with different widths
        Kernels of a one-channel convolution, one tensor or more for each width.
    alignment : {"centre", "start"}
        ``"centre"`` puts sample ``w // 2`` of every kernel on sample ``W // 2`` of the bank;
        ``"start"`` puts all first samples together.

    Returns
    -------
    Tensor (sum of K, W)
        At least float32; W is the largest width.

    Raises
    ------
    InputError
        No kernels, kernels that are not (K, w), or an unknown alignment.

    Notes
    -----
    The centre of a kernel of w samples is (w - 1) / 2 in the paper on response spectra (see :func:`strs`), which is a
    whole number for odd widths only. A kernel of even width is centred at w // 2, half a sample later, so that it and a
    kernel of odd width differ in time by half a sample, which no shift by whole samples can remove.

    Examples
    --------
    >>> import torch
    >>> centred_bank([torch.ones(1, 5), 2 * torch.ones(1, 3)])
    tensor([[1., 1., 1., 1., 1.],
            [0., 2., 2., 2., 0.]])
    """
    _check_alignment(alignment)
    banks = as_banks(kernels)
    widest = max(bank.shape[1] for bank in banks)
    padded = []
    for bank in banks:
        left = _before(widest, alignment) - _before(bank.shape[1], alignment)
        padded.append(pad(bank, (left, widest - left - bank.shape[1])))
    return torch.cat(padded)


def strs(
    waveform: Tensor,
    kernels: Tensor | Sequence[Tensor],
    hop: int,
    n_fft: int = 1024,
    alignment: Alignment = "centre",
    *,
    frequencies: Tensor | None = None,
) -> Tensor:
    """Short-time response spectra (STRS) of a sound through first-layer kernels.

    Parameters
    ----------
    waveform : Tensor (..., N)
        Samples.
    kernels : Tensor (K, w), or a sequence of them with different widths
        First-layer kernels, as the convolution applies them (cross-correlation, not flipped).
    hop : int
        Stride of the layer in samples, at least 1.
    n_fft : int
        Length of the DFT of the kernels, at least the widest kernel.
    alignment : {"centre", "start"}
        ``"centre"``: frame ``j`` is centred on sample ``j * hop`` and zeros lie on both sides of the
        signal; even widths are centred at ``w // 2``, as :func:`centred_bank` says. ``"start"``: frame ``j``
        starts at sample ``j * hop`` and all zeros lie after the signal, the convention of the script published
        with the paper.
    frequencies : Tensor (F,), optional
        Frequencies in cycles per sample, 0 to 0.5, at which the spectra of the kernels are taken
        instead of the DFT bins; logarithmically spaced ones give a constant-Q-like axis. ``n_fft`` is
        then not used.

    Returns
    -------
    Tensor (..., n_fft // 2 + 1, ceil(N / hop))
        Magnitude; bin ``i`` lies at ``i / n_fft`` cycles per sample, frame ``j`` at ``j * hop`` samples.
        The dtype is that of waveform and kernels together, at least float32. No gradient is recorded.

    Raises
    ------
    InputError
        An empty waveform, a hop below 1, an ``n_fft`` shorter than the widest kernel, bad kernels.

    Notes
    -----
    Equation 1 of SWAM (Gupta and Abrol, "Time-frequency and geometric analysis of task-dependent
    learning in raw waveform based acoustic models")::

        STRS[i, j] = | sum_k F_k[i] R_k[j] |

    with F_k the DFT of the zero-padded kernel k (no conjugate) and R_k its response at the stride.
    Kernels of different widths are at the same place in F_k and in R_k, so that their phases add up;
    what is left is one linear phase common to all, which the magnitude drops. When the kernels are an
    orthonormal basis, the STRS is the magnitude DFT of the frame.

    Examples
    --------
    A basis of unit impulses passes everything: a sine of 8 cycles in 64 samples is in bin 8.

    >>> import torch
    >>> sine = torch.sin(2 * torch.pi * 8 / 64 * torch.arange(640))
    >>> spectra = strs(sine, torch.eye(64), hop=64, n_fft=64)
    >>> spectra.shape
    torch.Size([33, 10])
    >>> spectra[:, 5].argmax().item()
    8
    """
    bank, padded = _bank_and_signal(waveform, kernels, hop, alignment)
    transform = _transform(bank, n_fft, frequencies)
    frames = padded.reshape(-1, padded.shape[-1]).unfold(-1, bank.shape[1], hop)
    spectra = bank.new_empty(len(frames), len(transform) // 2, frames.shape[1])
    for clip_frames, clip_spectra in zip(frames, spectra, strict=True):
        _magnitudes(clip_frames, bank, transform, clip_spectra)
    return spectra.reshape(*padded.shape[:-1], *spectra.shape[1:])


def crs(strs: Tensor) -> Tensor:
    """Cumulative response spectrum (CRS): the mean of the STRS over time.

    Parameters
    ----------
    strs : Tensor (..., F, T)
        Short-time response spectra, from :func:`strs`.

    Returns
    -------
    Tensor (..., F)

    Raises
    ------
    InputError
        No frames.

    Notes
    -----
    Equation 2 of SWAM: ``CRS[i] = 1 / T sum_j STRS[i, j]``.

    Examples
    --------
    >>> import torch
    >>> crs(torch.tensor([[1.0, 3.0], [0.0, 4.0]]))
    tensor([2., 2.])
    """
    if strs.ndim < 2 or strs.shape[-1] == 0:
        raise InputError(f"strs must be of shape (..., frequency, time) with frames, got {tuple(strs.shape)}")
    return strs.mean(-1)


def strs_stream(
    blocks: Iterable[np.ndarray | Tensor],
    kernels: Tensor | Sequence[Tensor],
    hop: int,
    n_fft: int = 1024,
    alignment: Alignment = "centre",
    *,
    frequencies: Tensor | None = None,
) -> Iterator[Tensor]:
    """STRS of audio of any length, block by block, in flat memory.

    Parameters
    ----------
    blocks : iterable of arrays or tensors (n,)
        Consecutive pieces of one signal, of any lengths, as from :func:`otoscope.audio.stream_audio`.
    kernels, hop, n_fft, alignment, frequencies
        As in :func:`strs`.

    Yields
    ------
    Tensor (n_fft // 2 + 1, m)
        Consecutive pieces of the STRS, in the dtype and on the device of the kernels. Together they
        equal :func:`strs` of the whole signal. No gradient is recorded.

    Raises
    ------
    InputError
        As :func:`strs`, at the call; a block that is not one-dimensional, or no samples at all, when
        it is read.

    Notes
    -----
    The end of each block that later frames still need is carried over to the next.

    Examples
    --------
    >>> import torch
    >>> signal, kernels = torch.randn(1000), torch.randn(4, 30)
    >>> pieces = list(strs_stream(signal.split(128), kernels, hop=10, n_fft=64))
    >>> torch.allclose(torch.cat(pieces, -1), strs(signal, kernels, hop=10, n_fft=64), atol=1e-4)
    True
    """
    bank = centred_bank(kernels, alignment).detach()
    _check_hop(hop)
    transform = _transform(bank, n_fft, frequencies)
    framed = _framed(blocks, bank, hop, _before(bank.shape[1], alignment))
    return (_magnitudes(frames, bank, transform) for frames in framed)


def crs_stream(
    blocks: Iterable[np.ndarray | Tensor],
    kernels: Tensor | Sequence[Tensor],
    hop: int,
    n_fft: int = 1024,
    alignment: Alignment = "centre",
    *,
    frequencies: Tensor | None = None,
) -> Tensor:
    """CRS of audio of any length in flat memory.

    Parameters
    ----------
    blocks : iterable of arrays or tensors (n,)
        Consecutive pieces of one signal, of any lengths, as from :func:`otoscope.audio.stream_audio`.
    kernels, hop, n_fft, alignment, frequencies
        As in :func:`strs`.

    Returns
    -------
    Tensor (n_fft // 2 + 1,)
        Equal to ``crs(strs(whole signal))``; summed in float64.

    Raises
    ------
    InputError
        As :func:`strs_stream`.

    Examples
    --------
    >>> import torch
    >>> signal, kernels = torch.randn(1000), torch.randn(4, 30)
    >>> whole = crs(strs(signal, kernels, hop=10))
    >>> torch.allclose(crs_stream(signal.split(128), kernels, hop=10), whole, rtol=1e-4)
    True
    """
    pieces = strs_stream(blocks, kernels, hop, n_fft, alignment, frequencies=frequencies)
    first = next(pieces)  # there is one: a signal without samples raises
    total, count = first.sum(-1, dtype=torch.float64), first.shape[-1]
    for piece in pieces:
        total += piece.sum(-1, dtype=torch.float64)
        count += piece.shape[-1]
    return (total / count).to(first.dtype)


def cumulative_frequency_response(kernels: Tensor | Sequence[Tensor], n_fft: int = 1024) -> Tensor:
    """Cumulative frequency response of a layer: the sum of the normalised magnitude responses of its kernels.

    Parameters
    ----------
    kernels : Tensor (K, w), or a sequence of them with different widths
        First-layer kernels.
    n_fft : int
        Length of the DFT of the kernels, at least the widest kernel.

    Returns
    -------
    Tensor (n_fft // 2 + 1,)
        Bin ``i`` lies at ``i / n_fft`` cycles per sample. A kernel of zeros contributes nothing.

    Raises
    ------
    InputError
        Bad kernels, or an ``n_fft`` shorter than the widest.

    Notes
    -----
    Equation 1 of Muckenhirn et al. (2019) and 2.2 of Yadav (2022): ``F_cum = sum_k F_k / ||F_k||_2`` with
    F_k the magnitude response of kernel k on the bins returned, which its norm is taken over.

    Examples
    --------
    Unit impulses pass every frequency alike.

    >>> import torch
    >>> cumulative_frequency_response(torch.eye(4), n_fft=6)
    tensor([2., 2., 2., 2.])
    """
    magnitude = magnitude_response(kernels, n_fft)
    norm: Tensor = magnitude.norm(dim=1, keepdim=True)
    return (magnitude / norm.where(norm > 0, 1)).sum(0)


def dictionary_response(
    frames: Tensor, kernels: Tensor | Sequence[Tensor], n_fft: int = 1024, alignment: Alignment = "centre"
) -> Tensor:
    """Spectrum of one frame, with the kernels as a dictionary of spectra.

    Parameters
    ----------
    frames : Tensor (..., W)
        Samples, as many as the widest kernel has.
    kernels : Tensor (K, w), or a sequence of them with different widths
        First-layer kernels.
    n_fft : int
        Length of the DFT of the kernels, at least the widest kernel.
    alignment : {"centre", "start"}
        Where in the frame kernels of several widths are.

    Returns
    -------
    Tensor (..., n_fft // 2 + 1)
        Magnitude; bin ``i`` lies at ``i / n_fft`` cycles per sample. No gradient is recorded.

    Raises
    ------
    InputError
        Frames of another length than the widest kernel, bad kernels, a short ``n_fft``.

    Notes
    -----
    Equation 2 of Muckenhirn et al. (2019): ``s = | sum_k <x, f_k> DFT[f_k] |``. It is one column of
    :func:`strs`.

    Examples
    --------
    >>> import torch
    >>> frame = torch.cos(2 * torch.pi * 3 / 16 * torch.arange(16))
    >>> dictionary_response(frame, torch.eye(16), n_fft=16).argmax().item()
    3
    """
    bank, frames = centred_bank(kernels, alignment).detach(), frames.detach()
    if frames.ndim == 0 or frames.shape[-1] != bank.shape[1] or frames.is_complex():
        raise InputError(
            f"a frame has to be as long as the widest kernel, {bank.shape[1]} real samples; got {frames.dtype} of "
            f"shape {tuple(frames.shape)}"
        )
    bank = bank.to(torch.promote_types(bank.dtype, frames.dtype))
    spectra = _magnitudes(frames.to(bank).reshape(-1, bank.shape[1]), bank, _transform(bank, n_fft, None))
    return spectra.T.reshape(*frames.shape[:-1], -1)


def responses(
    waveform: Tensor, kernels: Tensor | Sequence[Tensor], hop: int, alignment: Alignment = "centre"
) -> Tensor:
    """Response R_k of every kernel to every frame, as in :func:`strs`.

    Parameters
    ----------
    waveform, kernels, hop, alignment
        As in :func:`strs`.

    Returns
    -------
    Tensor (..., sum of K, ceil(N / hop))
        Correlations of kernels and frames, without bias. No gradient is recorded.

    Raises
    ------
    InputError
        As :func:`strs`.

    Examples
    --------
    >>> import torch
    >>> responses(torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([[0.0, 1.0, 0.0]]), hop=2)
    tensor([[1., 3.]])
    """
    bank, padded = _bank_and_signal(waveform, kernels, hop, alignment)
    found = conv1d(padded.reshape(-1, 1, padded.shape[-1]), bank[:, None], stride=hop)
    return found.reshape(*padded.shape[:-1], *found.shape[1:])


def firing_counts(responses: Tensor) -> Tensor:
    """How often each filter fires, that is, has the strongest response of all.

    Parameters
    ----------
    responses : Tensor (..., K, T)
        Of K filters at T times.

    Returns
    -------
    Tensor (..., K), int64
        Number of times at which the magnitude of its response is the largest. In silence, none fires.

    Notes
    -----
    The sources of :func:`f_vowel` do not define when a filter is triggered. Magnitudes are compared, since the
    responses of a kernel and of its negative differ in sign only.

    Examples
    --------
    >>> import torch
    >>> firing_counts(torch.tensor([[1.0, 0.0, -3.0, 0.0], [0.5, 2.0, 1.0, 0.0]]))
    tensor([2, 1])
    """
    if responses.ndim < 2 or 0 in responses.shape[-2:]:
        raise InputError(f"responses must be of shape (..., filter, time), got {tuple(responses.shape)}")
    strongest, winner = responses.abs().max(-2)
    counts = torch.zeros(responses.shape[:-1], dtype=torch.int64, device=responses.device)
    return counts.scatter_add_(-1, winner, (strongest > 0).long())


def f_vowel(counts: Tensor, spectra: Tensor, n_filters: int = 5) -> Tensor:
    """Mean frequency response of the filters that fire most on a sound.

    Parameters
    ----------
    counts : Tensor (..., K)
        How often each filter fires, from :func:`firing_counts`.
    spectra : Tensor (K, F)
        Magnitude responses of the filters.
    n_filters : int
        Number of filters in the mean, those that fire most.

    Returns
    -------
    Tensor (..., F)
        Zeros where no filter fires.

    Raises
    ------
    InputError
        Shapes that do not fit, or an `n_filters` below 1.

    Notes
    -----
    Equation 2.1 of Yadav (2022), after Palaz et al. (2015): ``f_vowel = sum_i n_i / sum_j n_j F_i`` over the
    five filters of largest n, by default. The weights add up to 1 over these filters.

    Examples
    --------
    >>> import torch
    >>> f_vowel(torch.tensor([3, 1, 0]), torch.eye(3))
    tensor([0.7500, 0.2500, 0.0000])
    """
    if spectra.ndim != 2 or counts.ndim < 1 or counts.shape[-1] != len(spectra):
        raise InputError(
            f"counts (..., filter) and spectra (filter, frequency) are of shapes {tuple(counts.shape)} and "
            f"{tuple(spectra.shape)}, which do not fit"
        )
    if n_filters < 1:
        raise InputError(f"n_filters has to be 1 or more, not {n_filters}")
    highest, filters = counts.topk(min(n_filters, len(spectra)), dim=-1)
    weights = torch.zeros_like(counts, dtype=spectra.dtype).scatter_(-1, filters, highest.to(spectra.dtype))
    total = weights.sum(-1, keepdim=True)
    return weights / total.where(total > 0, 1) @ spectra


def log_frequencies(sample_rate: float, minimum_frequency: float = 32.7, bins_per_octave: int = 36) -> Tensor:
    """Frequencies in a geometric series up to the Nyquist limit, as a constant-Q transform has them.

    Parameters
    ----------
    sample_rate : float
        In Hz.
    minimum_frequency : float
        The first of them in Hz; 32.7 Hz is the note C1.
    bins_per_octave : int
        Number of frequencies from one to its double.

    Returns
    -------
    Tensor (F,)
        In Hz, float64.

    Raises
    ------
    InputError
        A minimum that is not between 0 and the Nyquist limit, or bins per octave that are not 1 to 1200.

    Notes
    -----
    ``f_k = f_min 2^(k / b)`` (Brown 1991). Kernels analysed on this axis keep their widths and with them their
    resolution in Hz; only the axis is that of the constant-Q transform.

    Examples
    --------
    >>> log_frequencies(8000, minimum_frequency=500, bins_per_octave=1)
    tensor([ 500., 1000., 2000., 4000.], dtype=torch.float64)
    """
    if not 0 < minimum_frequency < sample_rate / 2:
        raise InputError(
            f"minimum_frequency must lie between 0 and {sample_rate / 2:g} Hz, half the sample rate, got "
            f"{minimum_frequency!r}"
        )
    if isinstance(bins_per_octave, bool) or not isinstance(bins_per_octave, int) or not 1 <= bins_per_octave <= 1200:
        raise InputError(f"bins_per_octave must be a whole number from 1 to 1200, one a cent, got {bins_per_octave!r}")
    octaves = math.log2(sample_rate / 2 / minimum_frequency)
    steps = torch.arange(math.floor(octaves * bins_per_octave + 1e-9) + 1, dtype=torch.float64)
    return (minimum_frequency * 2 ** (steps / bins_per_octave)).clamp(max=sample_rate / 2)


def _bank_and_signal(
    waveform: Tensor, kernels: Tensor | Sequence[Tensor], hop: int, alignment: Alignment
) -> tuple[Tensor, Tensor]:
    """The bank (K, W) and the signal with the zeros that its frames need, in one dtype."""
    bank, waveform = centred_bank(kernels, alignment).detach(), waveform.detach()
    _check_hop(hop)
    if waveform.ndim == 0 or waveform.shape[-1] == 0 or waveform.is_complex():
        raise InputError(
            "waveform must hold real samples in its last dimension, "
            f"got {waveform.dtype} of shape {tuple(waveform.shape)}"
        )
    bank = bank.to(torch.promote_types(bank.dtype, waveform.dtype))
    width, before = bank.shape[1], _before(bank.shape[1], alignment)
    return bank, pad(waveform.to(bank), (before, width - 1 - before))


def _before(width: int, alignment: Alignment) -> int:
    """Samples of a kernel of this width before sample ``j * hop`` of frame ``j``."""
    return width // 2 if alignment == "centre" else 0


def _transform(bank: Tensor, n_fft: int, frequencies: Tensor | None) -> Tensor:
    """Spectra of the kernels, (2 F, K): real parts over imaginary ones, for one real product."""
    width = bank.shape[1]
    if frequencies is not None:
        inside = (frequencies >= 0) & (frequencies <= 0.5)
        if frequencies.ndim != 1 or not len(frequencies) or not inside.all():
            raise InputError("frequencies must be one-dimensional, in cycles per sample from 0 to 0.5")
        samples = torch.arange(width, device=bank.device, dtype=torch.float64)  # large phases need the precision
        phase = 2 * torch.pi * torch.outer(frequencies.to(samples), samples)
        return torch.cat((phase.cos(), -phase.sin())).to(bank.dtype) @ bank.T
    if n_fft < width:
        raise InputError(f"n_fft is {n_fft} but the widest kernel has {width} samples; use n_fft >= {width}")
    spectrum = torch.fft.rfft(bank, n_fft).T
    return torch.cat((spectrum.real, spectrum.imag))


def _magnitudes(frames: Tensor, bank: Tensor, transform: Tensor, out: Tensor | None = None) -> Tensor:
    """Magnitudes |transform @ bank @ frames^T|, (F, T), of frames (T, W).

    The STRS is the magnitude of a product of three matrices: the spectra of the kernels (2 F, K), real parts over
    imaginary ones, the bank (K, W), and the frames (W, T). It is associative, so the cheaper order is taken:

        transform @ (bank @ frames): K W T multiplications for the responses, 2 F K T for the spectra
        (transform @ bank) @ frames: 2 F K W once, 2 F W T for the spectra

    The first is cheaper where K (W T + 2 F T) < 2 F W (K + T): for long clips (T >> K), where K (W + 2 F) < 2 F W, that
    is, 1 / K > 1 / W + 1 / (2 F): few wide kernels. For many narrow kernels, K > W, the second is cheaper: it merges
    all kernels into one matrix from samples to spectrum. With real and imaginary parts as rows, all products are
    real.
    """
    (count, width), half = frames.shape, len(transform) // 2
    out = frames.new_empty(half, count) if out is None else out
    if len(bank) * (count * width + len(transform) * count) < width * len(transform) * (len(bank) + count):
        frames = frames @ bank.T
    else:
        transform = transform @ bank
    spectrum = frames.new_empty(len(transform), min(count, _FRAMES))
    for start in range(0, count, _FRAMES):
        part = frames[start : start + _FRAMES]
        product = torch.mm(transform, part.T, out=spectrum[:, : len(part)])
        torch.hypot(product[:half], product[half:], out=out[:, start : start + len(part)])
    return out


def _framed(blocks: Iterable[np.ndarray | Tensor], bank: Tensor, hop: int, before: int) -> Iterator[Tensor]:
    """Frames (T, W) of the padded signal, each as soon as it is complete."""
    width = bank.shape[1]
    span = max(width, hop)  # a frame and the gap behind it, so that there are always hop samples to drop
    rest = bank.new_zeros(before)
    samples = 0
    for block in blocks:
        piece = torch.as_tensor(block).to(bank)
        if piece.ndim != 1:
            raise InputError(f"blocks of a stream must be one-dimensional, got shape {tuple(piece.shape)}")
        samples += len(piece)
        rest = torch.cat((rest, piece))
        if len(rest) >= span:
            frames = rest.unfold(0, span, hop)[:, :width]
            yield frames
            rest = rest[len(frames) * hop :]
    if not samples:
        raise InputError("the stream holds no samples")
    rest = torch.cat((rest, rest.new_zeros(span - 1 - before)))
    if len(rest) >= span:
        yield rest.unfold(0, span, hop)[:, :width]


def _check_hop(hop: int) -> None:
    if isinstance(hop, bool) or not isinstance(hop, int) or hop < 1:
        raise InputError(f"hop must be a whole number of samples, at least 1, got {hop!r}")


def _check_alignment(alignment: str) -> None:
    if alignment not in ("centre", "start"):
        raise InputError(f"alignment must be 'centre' or 'start', got {alignment!r}")
