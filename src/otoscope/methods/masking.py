"""Relevance by random masks: RISE (Petsiuk et al. 2018) and FreqRISE (Brüsch et al. 2024)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from otoscope.errors import InputError
from otoscope.methods.attribution import Score

_N_FFT, _HOP = 0.025, 0.010  # of the transform that FreqRISE masks, in s


def rise(
    score: Score,
    clip: Tensor,
    sample_rate: float,
    *,
    masks: int = 500,
    cell: float = 0.05,
    keep: float = 0.5,
    seed: int = 0,
    batch_size: int = 8,
) -> tuple[Tensor, Tensor]:
    r"""What the score is where a moment of the clip is kept, on average over random masks.

    Parameters
    ----------
    score : callable
    clip : Tensor, (1, ..., time)
    sample_rate : float
        In Hz.
    masks : int
        How many are drawn.
    cell : float
        From one point of a mask to the next, in s; straight lines lie between, and each mask is shifted at random.
    keep : float
        Probability of a point to be kept.
    seed : int
        Of the masks.
    batch_size : int
        Waveforms in one pass of the model.

    Returns
    -------
    signal : Tensor, (1, ..., time)
        The clip weighted by the relevance.
    relevance : Tensor, (1, time)

    Notes
    -----
    With masks :math:`M_i` and scores :math:`s_i = y(x M_i)`, whose mean is :math:`\bar s`,

    .. math:: a[n] = \frac{\sum_i s_i M_i[n]}{\sum_i M_i[n]} - \bar s

    which is the mean of masks weighted by scores (Petsiuk et al. 2018, eq. 6), less what is the same everywhere: their
    scores are probabilities, these may be logits.
    """
    draw, cells = _drawn(masks, keep, seed, batch_size), _cells(cell, sample_rate)
    samples = clip.shape[-1]
    points = math.ceil(samples / cells) + 2

    def mask(count: int) -> Tensor:
        grid = (torch.rand(count, 1, points, generator=draw) < keep).float()
        fine = F.interpolate(grid, (points - 1) * cells + 1, mode="linear", align_corners=True)[:, 0]
        shifts = torch.randint(cells, (count,), generator=draw)
        return torch.stack([one[shift : shift + samples] for one, shift in zip(fine, shifts.tolist(), strict=True)])

    def heard(drawn: Tensor) -> Tensor:
        return clip * drawn.reshape(-1, *[1] * (clip.ndim - 2), samples)

    found = _weighted(score, mask, heard, clip, masks, batch_size)
    return clip * found, found[None]


def freqrise(
    score: Score,
    clip: Tensor,
    sample_rate: float,
    *,
    masks: int = 500,
    cell: float = 0.05,
    keep: float = 0.5,
    seed: int = 0,
    batch_size: int = 8,
) -> tuple[Tensor, None]:
    r"""The same of cells of a short-time Fourier transform, of 25 ms Hann windows every 10 ms.

    Parameters
    ----------
    score, clip, sample_rate, masks, keep, seed, batch_size
        As of :func:`rise`.
    cell : float
        From one point of a mask to the next in time, in s; in frequency as many Hz as make cells of area 10.

    Returns
    -------
    signal : Tensor, (1, ..., time)
        The inverse transform of that of the clip, weighted by the relevance of each cell.
    None
    """
    draw = _drawn(masks, keep, seed, batch_size)
    _cells(cell, sample_rate)
    size, hop = round(_N_FFT * sample_rate), round(_HOP * sample_rate)
    window = torch.hann_window(size, device=clip.device)
    wide = clip.to(torch.promote_types(clip.dtype, torch.float32))
    flat = wide.reshape(-1, clip.shape[-1])
    if clip.shape[-1] <= size // 2:
        raise InputError(f"freqrise needs a sound of more than {size // 2 / sample_rate:g} s")
    spectrum = torch.stft(flat, size, hop, window=window, return_complex=True)  # (channel, frequency, frame)
    rows, frames = spectrum.shape[-2:]
    high = min(rows, max(2, round(sample_rate / 2 * cell / 10) + 1))
    across = min(frames, max(2, math.ceil(frames * _HOP / cell) + 1))

    def mask(count: int) -> Tensor:
        grid = (torch.rand(count, 1, high, across, generator=draw) < keep).float()
        return F.interpolate(grid, (rows, frames), mode="bilinear", align_corners=True)[:, 0]

    def heard(drawn: Tensor) -> Tensor:
        masked = (spectrum * drawn[:, None].to(spectrum.device)).flatten(0, 1)
        sound = torch.istft(masked, size, hop, window=window, length=clip.shape[-1])
        return sound.reshape(len(drawn), *clip.shape[1:]).to(clip)

    found = _weighted(score, mask, heard, wide, masks, batch_size)
    signal = torch.istft(spectrum * found, size, hop, window=window, length=clip.shape[-1])
    return signal.reshape(clip.shape).to(clip), None


def _weighted(
    score: Score,
    mask: Callable[[int], Tensor],
    heard: Callable[[Tensor], Tensor],
    like: Tensor,
    masks: int,
    batch_size: int,
) -> Tensor:
    """The mean score where an element is kept, less the mean score."""
    sums = weights = torch.zeros((), dtype=torch.float64)
    total = 0.0
    with torch.no_grad():
        for start in range(0, masks, batch_size):
            drawn = mask(min(batch_size, masks - start)).to(like)
            scores = score(heard(drawn)).to(torch.float64)
            sums = sums + torch.tensordot(scores, drawn.double(), 1)
            weights, total = weights + drawn.double().sum(0), total + float(scores.sum())
    found = torch.where(weights > 0, sums / weights.clamp(min=1e-12) - total / masks, 0.0)
    return found.to(like)


def _drawn(masks: int, keep: float, seed: int, batch_size: int) -> torch.Generator:
    for name, count in (("masks", masks), ("batch_size", batch_size)):
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
            raise InputError(f"{name} has to be a whole number of 1 or more, got {count!r}")
    if not isinstance(keep, (int, float)) or not 0 < keep < 1:
        raise InputError(f"keep has to be a probability between 0 and 1, got {keep!r}")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**63:
        raise InputError(f"seed has to be a whole number of 0 or more, below 2**63; got {seed!r}")
    return torch.Generator().manual_seed(int(seed))


def _cells(cell: float, sample_rate: float) -> int:
    if not isinstance(cell, (int, float)) or not math.isfinite(cell) or round(cell * sample_rate) < 1:
        raise InputError(f"cell has to be a length in s of one sample ({1 / sample_rate:g} s) or more, got {cell!r}")
    return round(cell * sample_rate)
