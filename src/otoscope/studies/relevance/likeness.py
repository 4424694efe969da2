"""In what a sound and its relevance signal are alike: numbers of a pair of signals, and their chance levels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.signal import coherence, correlate

from otoscope.dsp.bands import band_energy

TOLERANCE = 0.05
"""Within which an F0 or a period is the same."""

VOICED = 0.3
"""Least height of the peak of the autocorrelation of a voiced segment."""


def cross_correlation(first: np.ndarray, second: np.ndarray, most: int) -> float:
    """The largest absolute cross-correlation of two signals (time,) within so many samples, 0 to 1.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal(1000)
    >>> round(cross_correlation(noise, -np.roll(noise, 3), 5), 2)
    1.0
    """
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    if not size:
        return float("nan")
    middle = len(second) - 1
    found = correlate(first, second, method="fft")[max(0, middle - most) : middle + most + 1]
    return float(np.abs(found).max() / size)


def period(segment: np.ndarray, sample_rate: float, floor: float, ceiling: float) -> tuple[float, float]:
    """The lag in s at which the autocorrelation of a segment is largest, and its height there.

    Parameters
    ----------
    segment : numpy.ndarray, (time,)
    sample_rate : float
        In Hz.
    floor, ceiling : float
        Range of F0 in Hz, whose periods are the lags looked at.

    Returns
    -------
    lag, height : float
        The height over that at lag 0, of which the taper of the segment is taken out; NaN of silence.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 200 * np.arange(1600) / 16_000)
    >>> lag, height = period(tone, 16_000, 75, 400)
    >>> lag, round(height, 2)
    (0.005, 1.0)
    """
    whole = correlate(segment, segment, method="fft")[len(segment) - 1 :]
    if not whole[0] > 0:
        return float("nan"), float("nan")
    lags = np.arange(int(np.ceil(sample_rate / ceiling)), min(int(sample_rate / floor) + 1, len(segment) // 2 + 1))
    heights = whole[lags] / whole[0] * len(segment) / (len(segment) - lags)
    at = int(heights.argmax())
    return float(lags[at] / sample_rate), float(heights[at])


def same(measured: np.ndarray | float, true: np.ndarray | float) -> np.ndarray:
    """Whether values lie within :data:`TOLERANCE` of others; not where one is NaN."""
    with np.errstate(invalid="ignore"):
        found: np.ndarray = np.abs(np.asarray(measured) - true) <= TOLERANCE * np.asarray(true)
    return found


def contours_alike(found: np.ndarray, true: np.ndarray) -> float:
    """Share of the voiced frames of a contour (frame,) at which another is the same, over those that both have.

    Examples
    --------
    >>> contours_alike(np.array([100, 150, np.nan, 90]), np.array([101, 100, 100, np.nan]))
    0.3333333333333333
    """
    count = min(len(found), len(true))
    voiced = ~np.isnan(true[:count])
    return float(same(found[:count], true[:count])[voiced].mean()) if voiced.any() else float("nan")


def against_others(alike: Callable[[Any, Any], float], found: Sequence[Any], true: Sequence[Any]) -> np.ndarray:
    """How alike each of `found` is to its own of `true`, and on the average to those of all others, (2, signal).

    The second is what permuting them gives in the long run.

    Examples
    --------
    >>> against_others(lambda a, b: float(a == b), [1, 2, 3], [1, 2, 2]).tolist()
    [[1.0, 1.0, 0.0], [0.0, 0.5, 0.0]]
    """
    table = np.array([[alike(a, b) for b in true] for a in found], dtype=float)
    own = np.diagonal(table).copy()
    np.fill_diagonal(table, np.nan)
    known = np.isfinite(table)
    count = known.sum(1)
    others = np.where(count, np.where(known, table, 0).sum(1) / np.maximum(count, 1), np.nan)
    return np.stack([own, others])


def harmonic_contrast(
    first: np.ndarray, second: np.ndarray, sample_rate: float, f0: float, highest: float = 4000.0
) -> float:
    """Coherence of two signals at the harmonics of F0 minus that half-way between them.

    Parameters
    ----------
    first, second : numpy.ndarray, (time,)
    sample_rate : float
        In Hz.
    f0 : float
        In Hz.
    highest : float
        Of the harmonics, in Hz.

    Returns
    -------
    float
        -1 to 1; NaN of silence. Frames are six periods long, so that neighbouring harmonics are apart.

    Examples
    --------
    >>> rng, time = np.random.default_rng(0), np.arange(4000) / 16_000
    >>> voice = sum(np.cos(2 * np.pi * 200 * k * time + k) for k in range(1, 20))
    >>> harmonic_contrast(voice + rng.standard_normal(4000), voice + rng.standard_normal(4000), 16_000, 200.0) > 0.5
    True
    """
    if not (np.any(first) and np.any(second)):
        return float("nan")
    length = min(round(6 * sample_rate / f0), len(first) // 2)
    frequency, found = coherence(
        first, second, fs=sample_rate, nperseg=length, noverlap=length // 2, nfft=max(4096, length), detrend=False
    )
    numbers = np.arange(1, int(min(highest, 0.45 * sample_rate) / f0) + 1)
    at, between = (np.interp(f0 * places, frequency, found) for places in (numbers, numbers[:-1] + 0.5))
    return float(np.nanmean(at) - np.nanmean(between))


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's, of two curves."""
    return float(np.corrcoef(first, second)[0, 1])


def level_per_hz(signal: np.ndarray, sample_rate: float, low: float, high: float) -> float:
    """The mean power of a signal (time,) per Hz between two frequencies, in dB; NaN of silence.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal(16_000)
    >>> abs(level_per_hz(noise, 16_000, 100, 1000) - level_per_hz(noise, 16_000, 1000, 4000)) < 0.5
    True
    """
    magnitude = np.abs(np.fft.rfft(signal))
    energy = float(band_energy(magnitude, np.fft.rfftfreq(len(signal), 1 / sample_rate), [low, high])[0])
    return float(10 * np.log10(energy / (high - low))) if energy > 0 else float("nan")
