"""Places elsewhere, as large as one that is given: of equal width, or with as much energy of the sound in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import ArrayLike

from otoscope.dsp.interventions import BAND_EDGE, GAP_EDGE, band_stop
from otoscope.trust.focus import LOWEST

_STARTS = 256  # places that are tried at most, evenly over a sound
_CLOSE = 0.01  # of the energy that is taken away, by which another part may differ
_TRIES = 6  # to come so close

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


@dataclass(frozen=True)
class Removal:
    """How much energy of a sound is taken away with a part of it, by raised-cosine edges about both of its ends.

    Attributes
    ----------
    energy : ndarray, (cell,)
        Of the sound in cells of time or frequency.
    at : ndarray, (cell,)
        Where they are, in s or Hz.
    least, most : float
        Between which parts may lie.
    edge : float
        Length of an edge, and the least size of a part.
    measured : callable, optional
        The energy that a part really takes off the sound, where the cells tell it only about; by the cells by default.
    """

    energy: np.ndarray
    at: np.ndarray
    least: float
    most: float
    edge: float
    measured: Callable[[Part], float] | None = None

    def of(self, part: Part) -> float:
        """The energy of what a part takes off the sound, by its cells.

        Examples
        --------
        >>> Removal(np.ones(100), np.arange(100.0), 0, 100, 4).of((20.5, 30.5))
        9.0
        """
        low, high, half = *part, self.edge / 2
        first, inner, outer, last = np.searchsorted(self.at, [low - half, low + half, high - half, high + half])
        if inner >= outer:
            return self._tapered(part, first, last)
        inside = float(self._sums[outer] - self._sums[inner])
        return self._tapered(part, first, inner) + inside + self._tapered(part, outer, last)

    @cached_property
    def _sums(self) -> np.ndarray:
        return np.concatenate([[0.0], np.cumsum(self.energy)])

    def _tapered(self, part: Part, first: int, last: int) -> float:
        """The energy that is taken off some cells, about the edges of a part."""
        at = self.at[first:last]
        outside = np.clip(np.maximum(part[0] - at, at - part[1]) / self.edge + 0.5, 0, 1)
        return float(self.energy[first:last] @ (0.5 + 0.5 * np.cos(np.pi * outside)) ** 2)

    def places(self, span: Part, count: int, overlap: float) -> list[Part]:
        """Parts elsewhere that take as much energy away, evenly over all there are; fewer where there are fewer.

        Parameters
        ----------
        span : tuple of two floats
            What is taken away, in s or Hz.
        count : int
        overlap : float
            Which share of the energy of one may lie in that span at most.

        Examples
        --------
        >>> removal = Removal(np.ones(100), np.arange(100.0), 0, 100, 4)
        >>> removal.places((40.0, 50.0), 2, 0.5)
        [(0.0, 10.02...), (88.0, 98.0)]
        """
        wanted = self.of(span)
        if not wanted > 0:
            return []
        step = max(self.edge / 2, (self.most - self.least) / _STARTS)
        found = [self.starting(start, wanted) for start in np.arange(self.least, self.most - self.edge, step).tolist()]
        there = [part for part in found if part is not None and self._share(part, span) <= overlap]
        chosen = np.linspace(0, len(there) - 1, min(count, len(there))).round().astype(int)
        if self.measured is None:
            return [there[one] for one in chosen]
        own = self.measured(span)
        matched = [_matched(self, self.measured, there[one], own) for one in chosen]
        return [part for part in matched if part is not None and self._share(part, span) <= overlap]

    def starting(self, start: float, wanted: float) -> Part | None:
        """The part from there that takes so much away; None where the least takes more, or the whole rest less."""
        low, high = start + self.edge, self.most
        if self.of((start, low)) > wanted or self.of((start, high)) < wanted:
            return None
        while high - low > self.edge * 1e-6:
            middle = (low + high) / 2
            low, high = (middle, high) if self.of((start, middle)) < wanted else (low, middle)
        return start, high

    def _share(self, part: Part, span: Part) -> float:
        """The share of the energy of a part, without edges, that lies in a span."""
        both = max(part[0], span[0]), max(part[0], span[0], min(part[1], span[1]))
        whole, shared = (float(np.diff(self._sums[np.searchsorted(self.at, one)])[0]) for one in (part, both))
        return shared / whole if whole else 1.0


def _matched(removal: Removal, measured: Callable[[Part], float], part: Part, wanted: float) -> Part | None:
    """A part from the same start that takes so much away by its measure, too; None where none comes close.

    Nearby parts differ from their cells by about the same factor, which gives the next one to try.
    """
    found: Part | None = part
    for _ in range(_TRIES):
        taken = 0.0 if found is None else measured(found)
        if found is None or not taken > 0:
            return None
        if abs(taken - wanted) <= _CLOSE * wanted:
            return found
        found = removal.starting(part[0], removal.of(found) * wanted / taken)
    return None


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


def removal_in_time(signal: np.ndarray, sample_rate: float) -> Removal:
    """What silent gaps take off a sound (channel, time)."""
    samples = signal.shape[-1]
    energy = (signal.astype(float) ** 2).sum(0)
    return Removal(energy, np.arange(samples) / sample_rate, 0.0, samples / sample_rate, GAP_EDGE)


def removal_in_frequency(signal: np.ndarray, sample_rate: float) -> Removal:
    """What bands from 50 Hz up that are filtered out take off a sound (channel, time), with zeros behind it.

    What is filtered out is cut to the length of the sound, so that its energy is not quite that of its spectrum.
    """
    samples, sound = 2 * signal.shape[-1], torch.from_numpy(np.ascontiguousarray(signal, dtype=float))
    energy = (np.abs(np.fft.rfft(sound.numpy(), samples)) ** 2).sum(0)

    def measured(part: Part) -> float:
        return float((sound - band_stop(sound, sample_rate, *part)).square().sum())

    at = np.fft.rfftfreq(samples, 1 / sample_rate)
    return Removal(energy, at, LOWEST, sample_rate / 2, BAND_EDGE, measured)


def _array(values: ArrayLike) -> np.ndarray:
    return np.asarray(values, dtype=float)
