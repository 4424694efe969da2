"""Average precision, of clips that may count several times, as in a bootstrap."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from otoscope.errors import InputError


def mean_average_precision_of(scores: ArrayLike, targets: ArrayLike, weights: ArrayLike | None = None) -> float:
    r"""Average precision of each class, averaged over the classes (mAP, macro).

    Parameters
    ----------
    scores : array_like, (clip, class)
        Any that increase with the confidence that the class is present.
    targets : array_like, (clip, class)
        1 where the class is present, else 0.
    weights : array_like, (clip,), optional
        How many times each clip counts; once by default.

    Returns
    -------
    float
        0 to 1; NaN where no class has a clip. Classes without clips are left out.

    Raises
    ------
    InputError
        If the shapes do not match, or a score is NaN.

    Notes
    -----
    :math:`\sum_n (R_n - R_{n-1}) P_n` over the thresholds between different scores, not interpolated, as scikit-learn
    and :func:`otoscope.metrics.mean_average_precision` have it; it needs no scikit-learn.

    Examples
    --------
    >>> mean_average_precision_of([[0.9, 0.1], [0.8, 0.7], [0.3, 0.6]], [[1, 0], [0, 1], [1, 0]])
    0.916...
    """
    scores, there = np.asarray(scores, dtype=float), np.asarray(targets, dtype=bool)
    if scores.ndim != 2 or scores.shape != there.shape:
        raise InputError(f"scores of shape {scores.shape} and targets of shape {there.shape} do not match")
    if np.isnan(scores).any():
        raise InputError("a score is NaN: the model or its input is broken")
    times = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=float)
    found = [_of_class(scores[:, n], there[:, n], times) for n in range(scores.shape[1]) if times[there[:, n]].any()]
    return float(np.mean(found)) if found else float("nan")


def _of_class(scores: np.ndarray, there: np.ndarray, times: np.ndarray) -> float:
    order = np.argsort(-scores, kind="stable")
    sorted_scores, count = scores[order], times[order]
    hits, all_above = np.cumsum(count * there[order]), np.cumsum(count)
    last = np.append(sorted_scores[1:] != sorted_scores[:-1], True)  # of those that no threshold tells apart
    hits, all_above = hits[last], all_above[last]
    precision = np.divide(hits, all_above, out=np.zeros_like(hits), where=all_above > 0)
    return float((np.diff(hits, prepend=0.0) * precision).sum() / hits[-1])
