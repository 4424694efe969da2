"""Metrics of detection: the curve of errors, equal error rate, detection cost."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from otoscope.errors import InputError
from otoscope.metrics.scores import checked_pair, ordinal, sklearn_metrics


def error_curve(scores: ArrayLike, targets: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """False-alarm and miss rate at every threshold, from the highest score to the lowest.

    Parameters
    ----------
    scores : array_like, (clip,)
        Any that increase with the confidence that the class is present.
    targets : array_like, (clip,)
        1 where the class is present (such as genuine speech), else 0.

    Returns
    -------
    false_alarms, misses : ndarray, (threshold,)
        Shares of the clips without and with the class: 0 and 1 at a threshold above all scores, 1 and 0 at the lowest
        score. The ROC curve is ``1 - misses`` over `false_alarms`; a DET curve has the errors on scales of normal
        deviates.
    thresholds : ndarray, (threshold,)
        A clip is detected where its score is at least that; the first is infinite.

    Raises
    ------
    InputError
        If a score is NaN, a target not 0 or 1, the lengths differ, or all clips are of one class.

    Examples
    --------
    >>> error_curve([0.9, 0.4, 0.6, 0.1], [1, 1, 0, 0])[1]
    array([1. , 0.5, 0.5, 0. , 0. ])
    """
    scores, targets = checked_pair(scores, targets, 1)
    if targets.all() or not targets.any():
        raise InputError("all clips are of one class, so there is no curve of errors")
    curve = sklearn_metrics().roc_curve(targets, ordinal(scores), drop_intermediate=False)
    false_alarms, hits = curve[0], curve[1]
    return false_alarms, 1 - hits, np.concatenate([[np.inf], np.unique(scores)[::-1]])


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
        As of :func:`error_curve`.

    Notes
    -----
    The curve of errors is interpolated linearly between thresholds, so that the two rates meet in one point. Other
    programs use the nearest threshold, and differ by less than the share of one clip.

    Examples
    --------
    >>> round(equal_error_rate([0.9, 0.8, 0.4, 0.6, 0.2, 0.1], [1, 1, 1, 0, 0, 0]), 3)
    0.333
    """
    false_alarms, misses, _ = error_curve(scores, targets)
    # With a lower threshold false alarms increase or misses decrease, so the difference is monotonic.
    return float(np.interp(0.0, false_alarms - misses, false_alarms))


def detection_cost(
    scores: ArrayLike,
    targets: ArrayLike,
    *,
    p_target: float = 0.05,
    miss_cost: float = 1.0,
    false_alarm_cost: float = 1.0,
) -> float:
    r"""Smallest normalised detection cost over all thresholds (minDCF).

    Parameters
    ----------
    scores, targets : array_like, (clip,)
        As of :func:`error_curve`.
    p_target : float
        Prior probability of the class, above 0 and below 1.
    miss_cost, false_alarm_cost : float
        Of one error of each kind, positive.

    Returns
    -------
    float
        0 to 1; 1 is what accepting all or rejecting all would cost.

    Raises
    ------
    InputError
        As of :func:`error_curve`, or if a cost or the prior is out of range.

    Notes
    -----
    :math:`\min_\theta (C_m P_m(\theta) \pi + C_{fa} P_{fa}(\theta) (1 - \pi)) / \min(C_m \pi, C_{fa} (1 - \pi))`, as in
    the speaker recognition evaluations of NIST; 0.05 is the prior of the VoxCeleb challenges.

    Examples
    --------
    >>> detection_cost([0.9, 0.4, 0.6, 0.1], [1, 1, 0, 0])
    0.5
    """
    if not 0 < p_target < 1 or miss_cost <= 0 or false_alarm_cost <= 0:
        raise InputError("p_target has to lie between 0 and 1, and costs have to be above 0")
    false_alarms, misses, _ = error_curve(scores, targets)
    miss, alarm = miss_cost * p_target, false_alarm_cost * (1 - p_target)
    return float(np.min(miss * misses + alarm * false_alarms) / min(miss, alarm))
