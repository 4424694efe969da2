"""Confidence intervals of means."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def mean_interval(values: ArrayLike, level: float = 0.95) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""Mean over the first axis and its confidence interval by Student's t.

    Parameters
    ----------
    values : array_like, (observation, ...)
        NaN is left out.
    level : float
        Of confidence, 0 to 1.

    Returns
    -------
    mean, low, high : ndarray, (...)
        The bounds of a single observation are NaN: it says nothing about the spread.

    Notes
    -----
    :math:`\bar{x} \pm t_{n-1} s / \sqrt{n}` with the sample deviation s and the quantile t of Student's
    distribution with :math:`n - 1` degrees of freedom.

    Examples
    --------
    >>> mean, low, high = mean_interval([1.0, 2.0, 3.0])
    >>> round(float(mean), 3), round(float(low), 3), round(float(high), 3)
    (2.0, -0.484, 4.484)
    """
    from scipy.stats import t

    values = np.asarray(values, dtype=float)
    count = np.sum(~np.isnan(values), axis=0)
    total = np.nansum(values, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        deviation = np.sqrt(np.nansum((values - mean) ** 2, axis=0) / (count - 1))
        half = t.ppf((1 + level) / 2, count - 1) * deviation / np.sqrt(count)
    half = np.where(count > 1, half, np.nan)
    return mean, mean - half, mean + half
