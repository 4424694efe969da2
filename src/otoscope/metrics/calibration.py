"""Calibration: whether a probability is as often right as it says."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from otoscope.errors import InputError


class Reliability(NamedTuple):
    """What a reliability diagram shows, one entry a bin of probability.

    Attributes
    ----------
    low, high : ndarray, (bin,)
        Bounds of the bins.
    answers : ndarray of int, (bin,)
        How many are in it.
    probability, share : ndarray, (bin,)
        Their mean probability, and the share of them that is right; NaN where there are none.
    """

    low: np.ndarray
    high: np.ndarray
    answers: np.ndarray
    probability: np.ndarray
    share: np.ndarray


def reliability(probability: ArrayLike, right: ArrayLike, bins: int = 15) -> Reliability:
    """Mean probability and share of right answers in bins of probability of equal width.

    Parameters
    ----------
    probability : array_like, (answer,)
        That the model gave to its answer, 0 to 1.
    right : array_like of bool, (answer,)
        Whether it was right.
    bins : int

    Returns
    -------
    Reliability

    Raises
    ------
    InputError
        If there is no answer, a probability is not from 0 to 1, or there is no bin.

    Examples
    --------
    >>> found = reliability([0.9, 0.95, 0.3], [True, False, False], bins=2)
    >>> found.answers, found.share
    (array([1, 2]), array([0. , 0.5]))
    """
    probability, right = np.asarray(probability, dtype=float), np.asarray(right, dtype=bool)
    if bins < 1 or probability.shape != right.shape or probability.ndim != 1 or not probability.size:
        raise InputError("reliability needs one probability for each answer, and one bin or more")
    if not ((probability >= 0) & (probability <= 1)).all():
        raise InputError("probabilities must be from 0 to 1")
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, probability, side="left") - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(place, probability, minlength=bins) / count
        share = np.bincount(place, right, minlength=bins) / count
    return Reliability(edges[:-1], edges[1:], count, mean, share)


def expected_calibration_error(probability: ArrayLike, right: ArrayLike, bins: int = 15) -> float:
    r"""Mean distance between probability and share of right answers over bins of probability (ECE).

    Parameters
    ----------
    probability, right : array_like, (answer,)
        As of :func:`reliability`.
    bins : int
        Of equal width.

    Returns
    -------
    float
        0 to 1; 0 is perfect calibration.

    Notes
    -----
    :math:`\sum_b n_b / n\, |\mathrm{acc}_b - \mathrm{conf}_b|` with 15 bins, as
    C. Guo et al., "On calibration of modern neural networks", ICML 2017. It grows with few clips
    even where calibration is perfect.

    Examples
    --------
    >>> round(expected_calibration_error([0.9, 0.9, 0.6, 0.6], [1, 1, 1, 0]), 3)
    0.1
    """
    found = reliability(probability, right, bins)
    there = found.answers > 0
    gap = np.abs(found.share[there] - found.probability[there])
    return float(np.sum(found.answers[there] * gap) / found.answers.sum())
