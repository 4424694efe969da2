"""Where a relevance lies: the shortest interval of time and the narrowest band that each hold half of its power."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

LOWEST = 50.0
"""Frequency in Hz below which no band is looked for."""


@dataclass(frozen=True)
class Focus:
    """An interval of time and a band; NaN where a relevance has no power that could lie anywhere.

    Attributes
    ----------
    start, stop : float
        In s.
    low, high : float
        In Hz.
    """

    start: float
    stop: float
    low: float
    high: float

    @property
    def is_somewhere(self) -> bool:
        return not math.isnan(self.start) and not math.isnan(self.low)


def focus_of(
    power: np.ndarray, times: np.ndarray, frequencies: np.ndarray, duration: float, share: float = 0.5
) -> Focus:
    """The shortest interval and the narrowest band that each hold a share of a power.

    Parameters
    ----------
    power : ndarray, (frequency, time)
        Of each cell, 0 or more.
    times, frequencies : ndarray
        Of the middles of the cells, equally far apart, in s and Hz.
    duration : float
        Of the sound, in s.
    share : float
        More than 0, and less than 1.

    Examples
    --------
    >>> power = np.zeros((5, 4))
    >>> power[2, 1], power[3, 3] = 3.0, 1.0
    >>> focus_of(power, np.arange(4) * 0.01, np.arange(5) * 100.0, 0.04)
    Focus(start=0.005, stop=0.015, low=150.0, high=250.0)
    """
    return focus_of_sums(power.sum(0), power.sum(1), times, frequencies, duration, share)


def focus_of_sums(
    over_time: np.ndarray,
    over_frequency: np.ndarray,
    times: np.ndarray,
    frequencies: np.ndarray,
    duration: float,
    share: float = 0.5,
) -> Focus:
    """The same of a power that is known by its sums: of all frequencies at each time, and the other way round.

    Examples
    --------
    >>> sums = np.array([0.0, 3.0, 0.0, 1.0]), np.array([0.0, 0.0, 3.0, 1.0, 0.0])
    >>> focus_of_sums(*sums, np.arange(4) * 0.01, np.arange(5) * 100.0, 0.04)
    Focus(start=0.005, stop=0.015, low=150.0, high=250.0)
    """
    heard = audible(frequencies)
    start, stop = _edges(over_time, times, share, 0.0, duration)
    low, high = _edges(over_frequency[heard], frequencies[heard], share, 0.0, float(frequencies[-1]))
    return Focus(start, stop, low, high)


def audible(frequencies: np.ndarray) -> np.ndarray:
    """Where bands are looked for: from the lowest frequency on, or everywhere where all are below it.

    Examples
    --------
    >>> audible(np.array([0.0, 40.0, 80.0])), audible(np.array([0.0, 10.0]))
    (array([False, False,  True]), array([ True,  True]))
    """
    heard = frequencies >= LOWEST
    return heard if heard.any() else np.ones_like(heard)


def shortest(weights: np.ndarray, share: float) -> tuple[int, int] | None:
    """First and last place of the shortest run that holds a share of the weights, the first of equal ones.

    None where there is no weight.

    Examples
    --------
    >>> shortest(np.array([1.0, 0.0, 2.0, 2.0, 1.0]), 0.5), shortest(np.zeros(3), 0.5)
    ((2, 3), None)
    """
    sums = np.concatenate([[0.0], np.cumsum(weights)])
    if not sums[-1] > 0:
        return None
    wanted = share * sums[-1] * (1 - 1e-12)  # but for rounding
    stops = np.searchsorted(sums, sums[:-1] + wanted)  # the sum up to there holds it
    lengths = np.where(stops < len(sums), np.maximum(stops - np.arange(len(weights)), 1), len(sums))
    first = int(lengths.argmin())
    return first, first + int(lengths[first]) - 1


def _edges(weights: np.ndarray, middles: np.ndarray, share: float, least: float, most: float) -> tuple[float, float]:
    """The edges of the shortest run, half a step beyond the middles of its first and last cell."""
    found = shortest(weights, share)
    if found is None:
        return math.nan, math.nan
    half = float(middles[1] - middles[0]) / 2 if len(middles) > 1 else (most - least) / 2
    first, last = (float(middles[place]) for place in found)
    return max(first - half, least), min(last + half, most)
