"""Similarity of two distributions over frequency, in one number."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

_ROUNDING = 1e-9  # of the largest element


def cosine(first: ArrayLike, second: ArrayLike) -> float:
    r"""Cosine of the angle between two arrays.

    Returns
    -------
    float
        :math:`\langle a, b \rangle / (\lVert a \rVert \lVert b \rVert)`; 0 to 1 where no value is negative, as in
        magnitude spectra; NaN where one array is zero.

    Examples
    --------
    >>> cosine([3.0, 4.0], [6.0, 8.0]), cosine([1.0, 0.0], [0.0, 2.0])
    (1.0, 0.0)
    """
    a, b = (np.ravel(np.asarray(one, dtype=float)) for one in (first, second))
    peaks = [np.abs(one).max(initial=0.0) for one in (a, b)]
    if 0 in peaks:
        return float("nan")
    a, b = a / peaks[0], b / peaks[1]  # the squares of a very quiet relevance signal would underflow
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def overlap(first: ArrayLike, second: ArrayLike) -> float:
    r"""Overlap of two distributions.

    Returns
    -------
    float
        :math:`\sum_i \min(p_i, q_i)` of both, each divided by its sum: 0 where they have nothing in common, 1
        where they are equal; NaN where one is zero everywhere.

    Examples
    --------
    >>> overlap([1.0, 1.0, 0.0], [0.0, 3.0, 3.0])
    0.5
    """
    p, q = (np.ravel(np.asarray(one, dtype=float)) for one in (first, second))
    if not p.sum() > 0 or not q.sum() > 0:
        return float("nan")
    return min(1.0, float(np.minimum(p / p.sum(), q / q.sum()).sum()))  # rounding may exceed 1


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Correlation of the ranks of the elements of two arrays (Spearman 1904).

    Returns
    -------
    float
        From -1 to 1: 1 where both arrays put their elements in the same order, however large they are; equal elements
        share their mean rank. NaN where all elements of one array are equal.

    Examples
    --------
    >>> rank_correlation([1.0, 2.0, 3.0, 4.0], [0.1, 10.0, 500.0, 501.0])
    1.0
    """
    from scipy.stats import rankdata

    ranks = [rankdata(np.ravel(np.asarray(one, dtype=float))) for one in (first, second)]
    a, b = (one - one.mean() for one in ranks)
    return cosine(a, b)


def correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Pearson's correlation of the elements of two arrays.

    Returns
    -------
    float
        From -1 to 1; NaN where all elements of one array are equal, up to rounding.

    Examples
    --------
    >>> correlation([1.0, 2.0, 4.0], [3.0, 5.0, 9.0]), correlation([1.0, 1.0], [0.0, 2.0])
    (1.0, nan)
    """
    centred = []
    for one in (first, second):
        values = np.ravel(np.asarray(one, dtype=float))
        peak = np.abs(values).max(initial=0.0)
        scaled = values / peak if peak else values
        rest = scaled - scaled.mean() if values.size else scaled
        if np.abs(rest).max(initial=0.0) < _ROUNDING:
            return float("nan")
        centred.append(rest)
    return min(1.0, max(-1.0, cosine(*centred)))
