"""What of a signal lies in each of its segments, and what in none, so that the parts sum to the whole."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from otoscope.errors import InputError


def sample_bounds(times: Sequence[tuple[float, float]], sample_rate: float, samples: int) -> np.ndarray:
    """The first sample of each segment and the first one after it, each bound rounded once.

    A sample is never in two segments: where one stops as the next starts, both have the same bound.

    Parameters
    ----------
    times : sequence of (float, float)
        Start and stop in s, in order and without overlap.
    sample_rate : float
        In Hz.
    samples : int
        Of the signal; what lies beyond has none.

    Returns
    -------
    ndarray of int, (segment, 2)

    Raises
    ------
    InputError
        If a segment that starts within the signal is shorter than a sample.

    Examples
    --------
    >>> sample_bounds([(0.0, 0.25), (0.25, 0.5)], sample_rate=10, samples=4).tolist()
    [[0, 3], [3, 4]]
    """
    exact = np.asarray(times, dtype=float).reshape(-1, 2)
    bounds = np.floor(exact * sample_rate + 0.5).astype(int)
    for (start, stop), (first, last) in zip(exact, bounds, strict=True):
        if first == last:
            raise InputError(
                f"a segment from {start:g} to {stop:g} s holds no sample at {sample_rate:g} Hz: make it longer"
            )
    within: np.ndarray = np.minimum(bounds, samples)
    return within


def with_copies(bounds: np.ndarray, period: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """The bounds of segments and of their copies in a signal that is repeated, and of which segment each is.

    Parameters
    ----------
    bounds : ndarray of int, (segment, 2)
        Within the first `period` samples.
    period : int
        Samples after which the signal begins again.
    samples : int
        Of the signal with its copies.

    Returns
    -------
    bounds : ndarray of int, (copy, 2)
        In order; what lies beyond the signal is left out.
    places : ndarray of int, (copy,)
        Rows of the bounds that were given.

    Examples
    --------
    >>> copies, places = with_copies(np.array([[1, 3], [3, 4]]), period=5, samples=8)
    >>> copies.tolist(), places.tolist()
    ([[1, 3], [3, 4], [6, 8]], [0, 1, 0])
    """
    turns = np.arange(0, max(samples, 1), period)
    every = np.concatenate([bounds + turn for turn in turns])
    places = np.tile(np.arange(len(bounds)), len(turns))
    within = (every[:, 0] < samples) | (np.arange(len(every)) < len(bounds))
    return np.minimum(every[within], samples), places[within]


def sums_within(values: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sum of a signal over each segment, and over what lies in none.

    Parameters
    ----------
    values : ndarray, (..., time)
    bounds : ndarray of int, (segment, 2)
        From :func:`sample_bounds`.

    Returns
    -------
    within : ndarray, (..., segment)
    outside : ndarray, (...)
        float64, as all sums here.

    Examples
    --------
    >>> within, outside = sums_within(np.arange(6), np.array([[1, 3], [3, 5]]))
    >>> within.tolist(), float(outside)
    ([3.0, 7.0], 5.0)
    """
    exact = np.asarray(values, dtype=np.float64)
    within = np.stack([exact[..., first:last].sum(-1) for first, last in bounds], axis=-1)
    gaps = gaps_between(bounds, exact.shape[-1])
    outside = np.sum([exact[..., first:last].sum(-1) for first, last in gaps], axis=0) if len(gaps) else 0.0
    return within, np.broadcast_to(outside, within.shape[:-1])


def gaps_between(bounds: np.ndarray, samples: int) -> np.ndarray:
    """The stretches (gap, 2) of a signal that lie in no segment.

    Examples
    --------
    >>> gaps_between(np.array([[1, 3], [3, 5]]), 6).tolist()
    [[0, 1], [5, 6]]
    """
    edges = np.concatenate([[0], bounds.ravel(), [samples]]).reshape(-1, 2)
    return edges[edges[:, 0] < edges[:, 1]]


def by_label(values: np.ndarray, labels: Sequence[Hashable]) -> tuple[list[Hashable], np.ndarray]:
    """Values (..., segment) summed over the segments of each label, in the order in which labels come.

    Examples
    --------
    >>> names, sums = by_label(np.array([1.0, 2.0, 4.0]), ["ah", "t", "ah"])
    >>> names, sums.tolist()
    (['ah', 't'], [5.0, 2.0])
    """
    names = list(dict.fromkeys(labels))
    place = np.array([names.index(one) for one in labels])
    return names, np.stack([values[..., place == n].sum(-1) for n in range(len(names))], axis=-1)


def frames_within(values: np.ndarray, moments: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Sums and counts of the frames whose moments lie within each of some bounds, and in none of them.

    Parameters
    ----------
    values : ndarray, (..., frame)
    moments : ndarray, (frame,)
        In samples.
    bounds : ndarray of int, (segment, 2)
        First sample, and the first one after, which is not within.

    Returns
    -------
    ndarray, (2, ..., segment + 1)
        Sums, and how many frames they are of; the last of them outside.

    Examples
    --------
    >>> sums, counts = frames_within(np.array([1.0, 3.0, 5.0]), np.array([0.0, 10.0, 20.0]), np.array([[5, 20]]))
    >>> sums.tolist(), counts.tolist()
    ([3.0, 6.0], [1.0, 2.0])
    """
    inside = np.array([(moments >= first) & (moments < last) for first, last in bounds], dtype=float)
    member = np.concatenate([inside, 1 - inside.sum(0, keepdims=True)])
    sums = np.asarray(values, dtype=np.float64) @ member.T
    return np.stack([sums, np.broadcast_to(member.sum(1), sums.shape)])
