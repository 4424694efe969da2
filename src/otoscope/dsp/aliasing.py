"""Aliasing: where the frequencies of a signal go when it is decimated."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

_AT_ONCE = 2**24  # values transformed together


class Energies(NamedTuple):
    """Energy of a signal in three parts: of its mean, at or below a limit, and above it; their sum is its energy."""

    mean: Tensor
    below: Tensor
    above: Tensor


def band_energies(signals: Tensor, limit: float) -> Energies:
    r"""Energy of real signals on either side of a frequency.

    Parameters
    ----------
    signals : Tensor, (..., time)
    limit : float
        In cycles per sample, 0 to 0.5. Decimation by s folds what is above ``0.5 / s``.

    Returns
    -------
    Energies
        Three tensors (...); the mean is counted separately and not in `below`.

    Notes
    -----
    By Parseval's theorem :math:`\sum_n x_n^2 = \frac{1}{N} \sum_k |X_k|^2`, the sum on the right taken band by
    band. The transform is that of the whole signal without a window, so that the energies add up exactly.

    Examples
    --------
    A sine, and one of twice its frequency with a third of its energy:

    >>> n = torch.arange(1000)
    >>> x = torch.sin(2 * torch.pi * 0.2 * n) + 3**-0.5 * torch.sin(2 * torch.pi * 0.4 * n)
    >>> [round(float(energy)) for energy in band_energies(x, limit=0.25)]
    [0, 500, 167]
    """
    length = signals.shape[-1]
    bins = torch.arange(1, length // 2 + 1, dtype=torch.float64)
    kept = int((bins <= limit * length * (1 + 1e-9)).sum())
    rows = signals.reshape(-1, length)
    parts = []
    for some in rows.split(max(1, _AT_ONCE // max(length, 1))):
        power = _power(torch.fft.rfft(some)) / length
        power[:, 1 : (length + 1) // 2] *= 2  # each stands for its conjugate as well
        mean, rest = power[:, 0], power[:, 1:]
        parts.append(torch.stack([mean, rest[:, :kept].sum(-1), rest[:, kept:].sum(-1)]))
    sums = torch.cat(parts, 1) if parts else signals.new_zeros(3, 0)
    return Energies(*sums.reshape(3, *signals.shape[:-1]))


def _power(spectrum: Tensor) -> Tensor:
    """Squared magnitude, without the root of it that would be squared again."""
    return spectrum.real.square().add_(spectrum.imag.square())


def folded_frequency(frequency: Tensor, sample_rate: float) -> Tensor:
    r"""Frequencies of sines after sampling, by folding at half the sample rate.

    Parameters
    ----------
    frequency : Tensor
        In Hz.
    sample_rate : float
        In Hz.

    Returns
    -------
    Tensor
        :math:`|f - r \lfloor f / r \rceil|`, 0 to half the rate, in Hz.

    Notes
    -----
    Decimating again by a whole number folds to the same frequency as decimating at once.

    Examples
    --------
    >>> folded_frequency(torch.tensor([100.0, 3000.0, 5000.0]), sample_rate=4000)
    tensor([ 100., 1000., 1000.])
    """
    return (frequency - sample_rate * torch.round(frequency / sample_rate)).abs()


def spectrum_in_cells(signals: Tensor, cells: int) -> Tensor:
    """Power of signals in equal cells of frequency from 0 to half their rate, whatever their length.

    Parameters
    ----------
    signals : Tensor, (..., time)
        Their mean is subtracted, and they are weighted with a Hann window.
    cells : int

    Returns
    -------
    Tensor, (..., cells)
        Cell k reaches from ``k / cells`` to ``(k + 1) / cells`` of half the rate.

    Examples
    --------
    >>> tone = torch.sin(2 * torch.pi * 0.33 * torch.arange(500))
    >>> int(spectrum_in_cells(tone, 10).argmax())
    6
    """
    length = signals.shape[-1]
    centred = signals - signals.mean(-1, keepdim=True)
    window = torch.hann_window(length + 2, periodic=False, dtype=signals.dtype, device=signals.device)[1:-1]
    width = -(-length // (2 * cells))  # bins in a cell
    power = _power(torch.fft.rfft(centred * window, n=2 * cells * width))
    return torch.unflatten(power[..., :-1], -1, (cells, width)).sum(-1)
