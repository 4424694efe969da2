"""Metrics of classification: accuracy, mAP, mAUC, d-prime, equal error rate.

Average precision and ROC curves are computed by scikit-learn, an extra: ``pip install otoscope[train]``.
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
        0 to 1. If several classes share the highest score, the first is the prediction.

    Raises
    ------
    InputError
        If there are no clips, a score is NaN, or a label is not one of the classes.

    Examples
    --------
    >>> accuracy([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]], [0, 1, 1])
    0.666...
    """
    scores, labels = _numbers(scores, 2), np.asarray(labels)
    if labels.shape != scores.shape[:1]:
        raise InputError(f"there are scores for {len(scores)} clips, but labels of shape {labels.shape}")
    if not np.isin(labels, np.arange(scores.shape[1])).all():
        raise InputError(f"labels must be class numbers from 0 to {scores.shape[1] - 1}")
    return float(np.mean(scores.argmax(1) == labels))


def mean_average_precision(scores: ArrayLike, targets: ArrayLike) -> float:
    r"""Average precision of each class, averaged over the classes (mAP, macro).

    Parameters
    ----------
    scores : array_like, (clip, class)
        Any that increase with the confidence that the class is present.
    targets : array_like, (clip, class)
        1 where the class is present, else 0.

    Returns
    -------
    float
        0 to 1. Classes without clips have no average precision and are left out.

    Raises
    ------
    InputError
        If a score is NaN, a target not 0 or 1, the shapes differ, or no class has a clip.

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
        raise InputError("no class has a clip, so there is no average precision")
    return _macro(_sklearn().average_precision_score, scores[:, there], targets[:, there])


def mean_auc(scores: ArrayLike, targets: ArrayLike) -> float:
    """Area under the ROC curve of each class, averaged over the classes (mAUC, macro).

    Parameters
    ----------
    scores : array_like, (clip, class)
        Any that increase with the confidence that the class is present.
    targets : array_like, (clip, class)
        1 where the class is present, else 0.

    Returns
    -------
    float
        0 to 1; 0.5 is chance. Classes present in no clip or in all have no ROC curve and are left out.

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
        raise InputError("no class is present in some clips and absent in others, so there is no ROC curve")
    return _macro(_sklearn().roc_auc_score, scores[:, both], targets[:, both])


def d_prime(auc: float) -> float:
    r"""Distance of two unit-variance normal distributions with this area under the ROC curve, in standard deviations.

    Parameters
    ----------
    auc : float
        0 to 1; of many classes the mean, see :func:`mean_auc`.

    Returns
    -------
    float
        0 is chance; infinite if the classes are separated perfectly.

    Raises
    ------
    InputError
        If `auc` is not between 0 and 1.

    Notes
    -----
    :math:`d' = \sqrt2\, \Phi^{-1}(\mathrm{AUC})` with the normal distribution function. Taken of the mean area over
    classes, it reproduces Tables 4.2 to 4.4 of the thesis on sonification (2022).

    Examples
    --------
    >>> round(d_prime(0.935), 2)
    2.14
    """
    from scipy.special import ndtri

    if not 0 <= auc <= 1:
        raise InputError(f"auc must be between 0 and 1, not {auc}")
    return math.sqrt(2) * float(ndtri(auc))


def equal_error_rate(scores: ArrayLike, targets: ArrayLike) -> float:
    """Error rate at the threshold where the false-negative and the false-positive rate are equal (EER).

    Parameters
    ----------
    scores : array_like, (clip,)
        Any that increase with the confidence that the class is present.
    targets : array_like, (clip,)
        1 where the class is present (such as genuine speech), else 0.

    Returns
    -------
    float
        0 to 1; 0.5 is chance.

    Raises
    ------
    InputError
        If a score is NaN, a target not 0 or 1, the lengths differ, or all clips are of one class.

    Notes
    -----
    The ROC curve is interpolated linearly between thresholds, so that the two rates meet in one point. Other programs
    use the nearest threshold, and differ by less than the share of one clip.

    Examples
    --------
    >>> round(equal_error_rate([0.9, 0.8, 0.4, 0.6, 0.2, 0.1], [1, 1, 1, 0, 0, 0]), 3)
    0.333
    """
    scores, targets = _pair(scores, targets, 1)
    if targets.all() or not targets.any():
        raise InputError("all clips are of one class, so there is no equal error rate")
    false_alarms, hits, _ = _sklearn().roc_curve(targets, _ordinal(scores), drop_intermediate=False)
    # With a lower threshold false positives increase or false negatives decrease, so the difference is monotonic.
    return float(np.interp(0.0, false_alarms - (1 - hits), false_alarms))


def _macro(score: Callable[..., float], scores: np.ndarray, targets: np.ndarray) -> float:
    columns = zip(scores.T, targets.T, strict=True)
    return float(np.mean([score(target, _ordinal(column)) for column, target in columns]))


def _ordinal(scores: np.ndarray) -> np.ndarray:
    """Ranks in place of scores, as only their order matters; this admits infinite ones (log 0)."""
    return np.unique(scores, return_inverse=True)[1]


def _pair(scores: ArrayLike, targets: ArrayLike, ndim: int) -> tuple[np.ndarray, np.ndarray]:
    scores, targets = _numbers(scores, ndim), np.asarray(targets)
    if targets.shape != scores.shape:
        raise InputError(f"scores of shape {scores.shape} and targets of shape {targets.shape} do not match")
    if not np.isin(targets, (0, 1)).all():
        raise InputError("targets must be 0 or 1")
    return scores, targets.astype(bool)


def _numbers(scores: ArrayLike, ndim: int) -> np.ndarray:
    scores = np.asarray(scores, dtype=float)
    dims = "(clip, class)" if ndim == 2 else "(clip,)"
    if scores.ndim != ndim or 0 in scores.shape:
        raise InputError(f"scores must be {dims} with at least one clip, not of shape {scores.shape}")
    if np.isnan(scores).any():
        raise InputError(f"{np.isnan(scores).sum()} of {scores.size} scores are NaN: the model or its input is broken")
    return scores


def _sklearn() -> ModuleType:
    try:
        import sklearn.metrics
    except ImportError:
        raise InputError("this metric needs scikit-learn: pip install 'otoscope[train]'") from None
    module: ModuleType = sklearn.metrics
    return module
