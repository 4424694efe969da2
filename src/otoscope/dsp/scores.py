"""Confidence intervals of scores over a set of clips."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from otoscope.errors import InputError


def share_interval(hits: ArrayLike, count: ArrayLike, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    r"""Confidence interval of a share, such as an accuracy.

    Parameters
    ----------
    hits : array_like
        Number of `count` independent trials that succeeded.
    count : array_like
        At least 1; one for all or one for each.
    level : float
        Of confidence, 0 to 1.

    Returns
    -------
    low, high : ndarray
        Of the shape of `hits`; within 0 and 1, with a width above 0 also where all or none succeeded.

    Notes
    -----
    The score interval of Wilson (1927): the shares p with :math:`|\hat{p} - p| \le z \sqrt{p (1 - p) / n}`.

    Examples
    --------
    >>> low, high = share_interval(9, 10)
    >>> round(float(low), 3), round(float(high), 3)
    (0.596, 0.982)
    """
    from scipy.stats import norm

    z = float(norm.ppf((1 + level) / 2))
    count = np.asarray(count, dtype=float)
    share = np.asarray(hits, dtype=float) / count
    centre = share + z**2 / (2 * count)
    half = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    scale = 1 + z**2 / count
    # At the ends the bounds are 0 and 1, which rounding misses.
    low = np.where(share == 0, 0, np.clip((centre - half) / scale, 0, 1))
    high = np.where(share == 1, 1, np.clip((centre + half) / scale, 0, 1))
    return low, high


def bootstrap_interval(
    score: Callable[[np.ndarray], ArrayLike],
    count: int,
    level: float = 0.95,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Confidence interval of any score by the bootstrap: clips are resampled with replacement.

    Parameters
    ----------
    score : callable
        From the numbers of the clips drawn (count,), some of them several times, to the score or an array of scores.
        Return a difference of scores to compare them on the same draws.
    count : int
        Of clips.
    level : float
        Of confidence, 0 to 1.
    resamples : int
    seed : int

    Returns
    -------
    low, high : ndarray
        Percentiles (Efron 1979), of the shape of the score; NaN for a single clip, which says nothing about the spread.

    Raises
    ------
    InputError
        If there is no draw, or no such seed.

    Examples
    --------
    >>> right = np.array([1.0, 1.0, 0.0, 1.0])
    >>> low, high = bootstrap_interval(lambda drawn: right[drawn].mean(), 4)
    >>> float(low) < 0.75 <= float(high)
    True
    """
    draws = bootstrap_draws(score, count, resamples=resamples, seed=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice")  # a score that is not defined for any draw stays so
        low, high = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def bootstrap_draws(
    score: Callable[[np.ndarray], ArrayLike], count: int, *, resamples: int = 1000, seed: int = 0
) -> np.ndarray:
    """Any score of clips that are drawn with replacement, again and again.

    Parameters
    ----------
    score, count, resamples, seed
        As in :func:`bootstrap_interval`.

    Returns
    -------
    ndarray, (resample, ...)
        NaN for a single clip, which says nothing about the spread.

    Raises
    ------
    InputError
        If there is no draw, or no such seed.

    Examples
    --------
    >>> right = np.array([1.0, 1.0, 0.0, 1.0])
    >>> bootstrap_draws(lambda drawn: right[drawn].mean(), 4, resamples=20).shape
    (20,)
    """
    if resamples < 1 or not 0 <= seed < 2**32:
        raise InputError(
            f"the bootstrap takes 1 resample or more and a seed of 0 to 2**32 - 1, not resamples={resamples!r} and "
            f"seed={seed!r}"
        )
    rng = np.random.default_rng(seed)
    if count < 2:
        return np.full_like(np.asarray(score(np.arange(count)), dtype=float), math.nan)[None]
    return np.stack([np.asarray(score(rng.integers(count, size=count)), dtype=float) for _ in range(resamples)])
