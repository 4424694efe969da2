"""How well scores tell classes apart: accuracy, mAP, mAUC, d-prime, equal error rate.

Average precision and the ROC are scikit-learn's, which is an extra: ``pip install otoscope[train]``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike

from otoscope.errors import InputError


def accuracy(scores: ArrayLike, labels: ArrayLike) -> float:
    """Share of clips whose class has the highest score.

    Parameters
    ----------
    scores : array_like, (clip, class)
        Logits or posteriors.
    labels : array_like, (clip,)
        Number of each clip's class.

    Returns
    -------
    float
        0 to 1. Of classes that share the highest score, the first counts.

    Raises
    ------
    InputError
        If there are no clips, a score is NaN, or a label has no score.

    Examples
    --------
    >>> accuracy([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]], [0, 1, 1])
    0.666...
    """
    scores, labels = _numbers(scores, 2), np.asarray(labels)
    if labels.shape != scores.shape[:1]:
        raise InputError(f"there are {len(scores)} clips with scores, but labels of shape {labels.shape}")
    if not np.isin(labels, np.arange(scores.shape[1])).all():
        raise InputError(f"a label is none of the numbers of the {scores.shape[1]} classes that have a score")
    return float(np.mean(scores.argmax(1) == labels))


def mean_average_precision(scores: ArrayLike, targets: ArrayLike) -> float:
    r"""Average precision of each class, averaged over the classes (mAP, macro).

    Parameters
    ----------
    scores : array_like, (clip, class)
        Any that rise with the confidence that the class is there.
    targets : array_like, (clip, class)
        1 where the class is there, else 0.

    Returns
    -------
    float
        0 to 1. A class that is in no clip has no average precision and is left out.

    Raises
    ------
    InputError
        If a score is NaN, a target not 0 or 1, the shapes differ, or no class is in any clip.

    Notes
    -----
    :math:`\sum_n (R_n - R_{n-1}) P_n` with precision and recall at the n-th highest score, not interpolated.

    Examples
    --------
    >>> mean_average_precision([[0.9, 0.1], [0.8, 0.7], [0.3, 0.6]], [[1, 0], [0, 1], [1, 0]])
    0.916...
    """
    scores, targets = _pair(scores, targets, 2)
    there = targets.any(0)
    if not there.any():
        raise InputError("no class is in any clip, so there is no average precision")
    return _macro(_sklearn().average_precision_score, scores[:, there], targets[:, there])


def mean_auc(scores: ArrayLike, targets: ArrayLike) -> float:
    """Area under the ROC curve of each class, averaged over the classes (mAUC, macro).

    Parameters
    ----------
    scores : array_like, (clip, class)
        Any that rise with the confidence that the class is there.
    targets : array_like, (clip, class)
        1 where the class is there, else 0.

    Returns
    -------
    float
        0 to 1, by chance 0.5. A class that is in no clip or in all has no ROC curve and is left out.

    Raises
    ------
    InputError
        If a score is NaN, a target not 0 or 1, the shapes differ, or no class has a curve.

    Examples
    --------
    >>> mean_auc([[0.9], [0.8], [0.3], [0.1]], [[1], [0], [1], [0]])
    0.75
    """
    scores, targets = _pair(scores, targets, 2)
    both = targets.any(0) & ~targets.all(0)
    if not both.any():
        raise InputError("no class is in some clips and not in others, so there is no ROC curve")
    return _macro(_sklearn().roc_auc_score, scores[:, both], targets[:, both])


def d_prime(auc: float) -> float:
    r"""How far apart, in deviations, two normal distributions lie that have this area under the ROC curve.

    Parameters
    ----------
    auc : float
        0 to 1; of many classes the mean, see :func:`mean_auc`.

    Returns
    -------
    float
        0 by chance; infinite where nothing is confused.

    Raises
    ------
    InputError
        If `auc` is not within 0 and 1.

    Notes
    -----
    :math:`d' = \sqrt2\, \Phi^{-1}(\mathrm{AUC})` with the normal distribution function. That it is taken of the mean
    over classes is how the tables 4.2 to 4.4 of the thesis on sonification (2022) agree with themselves.

    Examples
    --------
    >>> round(d_prime(0.935), 2)
    2.14
    """
    from scipy.special import ndtri

    if not 0 <= auc <= 1:
        raise InputError(f"an area under the ROC curve is within 0 and 1, not {auc}")
    return math.sqrt(2) * float(ndtri(auc))


def equal_error_rate(scores: ArrayLike, targets: ArrayLike) -> float:
    """Error rate at the threshold where as large a share of one class is missed as of the other let in (EER).

    Parameters
    ----------
    scores : array_like, (clip,)
        Any that rise with the confidence that the class is there.
    targets : array_like, (clip,)
        1 where the class is there (such as genuine speech), else 0.

    Returns
    -------
    float
        0 to 1, by chance 0.5.

    Raises
    ------
    InputError
        If a score is NaN, a target not 0 or 1, the lengths differ, or all clips are of one class.

    Notes
    -----
    Between two thresholds that no score lies between, the ROC curve is a straight line, on which the two errors meet
    in one point. Other programs take the nearest threshold, and differ by less than one clip's share.

    Examples
    --------
    >>> round(equal_error_rate([0.9, 0.8, 0.4, 0.6, 0.2, 0.1], [1, 1, 1, 0, 0, 0]), 3)
    0.333
    """
    scores, targets = _pair(scores, targets, 1)
    if targets.all() or not targets.any():
        raise InputError("all clips are of one class, so there is no equal error rate")
    false_alarms, hits, _ = _sklearn().roc_curve(targets, _ordinal(scores), drop_intermediate=False)
    # Less strict by one score, more false alarms or fewer misses: the difference only rises.
    return float(np.interp(0.0, false_alarms - (1 - hits), false_alarms))


def _macro(score: Callable[..., float], scores: np.ndarray, targets: np.ndarray) -> float:
    columns = zip(scores.T, targets.T, strict=True)
    return float(np.mean([score(target, _ordinal(column)) for column, target in columns]))


def _ordinal(scores: np.ndarray) -> np.ndarray:
    """Ranks in place of scores, for only their order counts: so infinite ones (log 0) are welcome as well."""
    return np.unique(scores, return_inverse=True)[1]


def _pair(scores: ArrayLike, targets: ArrayLike, ndim: int) -> tuple[np.ndarray, np.ndarray]:
    scores, targets = _numbers(scores, ndim), np.asarray(targets)
    if targets.shape != scores.shape:
        raise InputError(f"scores of shape {scores.shape} and targets of shape {targets.shape} do not belong together")
    if not np.isin(targets, (0, 1)).all():
        raise InputError("targets have to be 0 or 1")
    return scores, targets.astype(bool)


def _numbers(scores: ArrayLike, ndim: int) -> np.ndarray:
    scores = np.asarray(scores, dtype=float)
    dims = "(clip, class)" if ndim == 2 else "(clip,)"
    if scores.ndim != ndim or 0 in scores.shape:
        raise InputError(f"scores has to be {dims} with at least one clip, not of shape {scores.shape}")
    if np.isnan(scores).any():
        raise InputError(f"{np.isnan(scores).sum()} of {scores.size} scores are NaN: the model or its input is broken")
    return scores


def _sklearn() -> ModuleType:
    try:
        import sklearn.metrics
    except ImportError:
        raise InputError("this metric is computed by scikit-learn: pip install otoscope[train]") from None
    return sklearn.metrics
