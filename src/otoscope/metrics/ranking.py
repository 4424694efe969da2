"""Metrics of rankings: average precision, area under the ROC curve, d-prime.

Average precision and ROC curves are computed by scikit-learn, an extra: ``pip install otoscope[train]``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from otoscope.errors import InputError
from otoscope.metrics.scores import checked_pair, ordinal, sklearn_metrics


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
    scores, targets = checked_pair(scores, targets, 2)
    there = targets.any(0)
    if not there.any():
        raise InputError("no class has a clip, so there is no average precision")
    return _macro(sklearn_metrics().average_precision_score, scores[:, there], targets[:, there])


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
    scores, targets = checked_pair(scores, targets, 2)
    both = targets.any(0) & ~targets.all(0)
    if not both.any():
        raise InputError("no class is present in some clips and absent in others, so there is no ROC curve")
    return _macro(sklearn_metrics().roc_auc_score, scores[:, both], targets[:, both])


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


def _macro(score: Callable[..., float], scores: np.ndarray, targets: np.ndarray) -> float:
    columns = zip(scores.T, targets.T, strict=True)
    return float(np.mean([score(target, ordinal(column)) for column, target in columns]))
