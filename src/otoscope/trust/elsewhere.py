"""Places elsewhere, as large as one that is given: of equal width, or with as much energy of the sound in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from otoscope.trust.focus import LOWEST

Part = tuple[float, float]
"""Of a sound: from one moment or frequency to another, in s or Hz."""


@dataclass(frozen=True)
class Axis:
    """A scale on which what is taken away has a size.

    Attributes
    ----------
    least, most : float
        The ends of the sound, in s or Hz.
    to, back : callable
        From s or Hz to the scale, and back.
    """

    least: float
    most: float
    to: Callable[[ArrayLike], np.ndarray]
    back: Callable[[ArrayLike], np.ndarray]

    def places(self, span: Part, count: int, overlap: float) -> list[Part]:
        """Spans elsewhere that are as large on this scale, evenly over all of it; none where there is no room.

        Parameters
        ----------
        span : tuple of two floats
            Of what is taken away, in s or Hz.
        count : int
        overlap : float
            Which share of one may lie in that span at most.
        """
        low, high, start, stop = (float(one) for one in self.to([self.least, self.most, *span]))
        starts = starts_elsewhere(low, high, start, stop - start, count, overlap)
        edges = self.back(np.stack([starts, starts + (stop - start)], axis=-1))
        return [(float(one), float(other)) for one, other in edges if other > one]


def time_axis(duration: float) -> Axis:
    """Seconds."""
    return Axis(0.0, duration, _array, _array)


def mel_axis(least: float, most: float) -> Axis:
    """Hz on the mel scale, on which bands of equal width are about equally wide to the ear (O'Shaughnessy 1987).

    Examples
    --------
    >>> [(round(low), round(high)) for low, high in mel_axis(50, 4000).places((380, 620), 2, 0.5)]
    [(50, 217), (3145, 4000)]
    """

    def to(frequency: ArrayLike) -> np.ndarray:
        return np.asarray(2595 * np.log10(1 + _array(frequency) / 700))

    def back(mel: ArrayLike) -> np.ndarray:
        return np.asarray(700 * (10 ** (_array(mel) / 2595) - 1))

    return Axis(least, most, to, back)


def energy_axis(energy: np.ndarray, edges: np.ndarray) -> Axis:
    """The share of the energy of a sound up to there.

    Parameters
    ----------
    energy : ndarray, (cell,)
        Of the sound in cells of time or frequency, not all 0.
    edges : ndarray, (cell + 1,)
        Of the cells, in s or Hz.

    Examples
    --------
    >>> energy_axis(np.array([1.0, 1.0, 2.0]), np.arange(4.0)).places((2.0, 2.5), 3, 0.5)
    [(0.0, 1.0), (1.0, 2.0), (2.5, 3.0)]
    """
    sums = np.concatenate([[0.0], np.cumsum(energy)])
    share = sums / sums[-1]
    return Axis(
        float(edges[0]),
        float(edges[-1]),
        lambda place: np.asarray(np.interp(_array(place), edges, share)),
        lambda value: np.asarray(np.interp(_array(value), share, edges)),
    )


def starts_elsewhere(low: float, high: float, start: float, width: float, count: int, overlap: float) -> np.ndarray:
    """Starts of spans within limits that lie elsewhere than one that is given, evenly over what there is.

    Examples
    --------
    >>> starts_elsewhere(0, 10, 4, 2, 4, 0.0).tolist(), starts_elsewhere(0, 10, 2, 7, 4, 0.5).tolist()
    ([0.0, 1.333..., 6.666..., 8.0], [])
    """
    if not width > 0:
        return np.zeros(0)
    apart = (1 - overlap) * width
    before, after = max(0.0, start - apart - low), max(0.0, high - width - start - apart)
    if not before + after > 0:
        return np.zeros(0)
    steps = np.linspace(0, before + after, count)
    return np.where((steps <= before) & (before > 0), low + steps, start + apart + steps - before)


def energy_in_time(signal: np.ndarray, sample_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Energy of each sample of a sound (channel, time), and the edges of the samples in s."""
    return (signal.astype(float) ** 2).sum(0), np.arange(signal.shape[-1] + 1) / sample_rate


def energy_in_frequency(signal: np.ndarray, sample_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Energy of a sound (channel, time) at each frequency from 50 Hz up, and the edges between them in Hz."""
    samples = signal.shape[-1]
    energy = (np.abs(np.fft.rfft(signal.astype(float))) ** 2).sum(0)
    frequency, step = np.fft.rfftfreq(samples, 1 / sample_rate), sample_rate / samples
    heard = frequency >= LOWEST
    edges = np.append(frequency[heard] - step / 2, frequency[-1] + step / 2).clip(0, sample_rate / 2)
    return energy[heard], edges


def _array(values: ArrayLike) -> np.ndarray:
    return np.asarray(values, dtype=float)
