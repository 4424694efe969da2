"""Metrics of classification: accuracy, confusion, balanced accuracy, F1."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from otoscope.errors import InputError
from otoscope.metrics.scores import checked_scores


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
    scores, labels = checked_scores(scores, 2), np.asarray(labels)
    if labels.shape != scores.shape[:1]:
        raise InputError(f"there are scores for {len(scores)} clips, but labels of shape {labels.shape}")
    if not np.isin(labels, np.arange(scores.shape[1])).all():
        raise InputError(f"labels must be class numbers from 0 to {scores.shape[1] - 1}")
    return float(np.mean(scores.argmax(1) == labels))


def confusion_matrix(predicted: ArrayLike, labels: ArrayLike, count: int) -> np.ndarray:
    """How many clips of each class were taken for each class.

    Parameters
    ----------
    predicted, labels : array_like, (clip,)
        Numbers of classes, from 0 to ``count - 1``.
    count : int
        Of classes.

    Returns
    -------
    ndarray of int, (true class, predicted class)

    Raises
    ------
    InputError
        If the lengths differ, or a number is not that of a class.

    Examples
    --------
    >>> confusion_matrix([0, 1, 0], [0, 1, 1], 2)
    array([[1, 0],
           [1, 1]])
    """
    predicted, labels = np.asarray(predicted, dtype=int), np.asarray(labels, dtype=int)
    if predicted.shape != labels.shape or predicted.ndim != 1:
        raise InputError(f"answers of shape {predicted.shape} and labels of shape {labels.shape} do not match")
    both = np.concatenate([predicted, labels])
    if both.size and not (both.min() >= 0 and both.max() < count):
        raise InputError(f"numbers of classes must be from 0 to {count - 1}")
    return np.bincount(labels * count + predicted, minlength=count * count).reshape(count, count)


def balanced_accuracy(confusion: ArrayLike) -> float:
    r"""Mean over classes of the share of their clips that is recognised, also called unweighted average recall (UAR).

    Parameters
    ----------
    confusion : array_like, (true class, predicted class)
        Counts, see :func:`confusion_matrix`.

    Returns
    -------
    float
        0 to 1; classes without clips are left out, NaN where there is no clip.

    Examples
    --------
    >>> balanced_accuracy([[9, 1], [1, 1]])
    0.7
    """
    counts = np.asarray(confusion, dtype=float)
    total = counts.sum(1)
    there = total > 0
    return float(np.mean(counts.diagonal()[there] / total[there])) if there.any() else float("nan")


def f1_score(confusion: ArrayLike) -> float:
    r"""F1 of each class, averaged over the classes (macro).

    Parameters
    ----------
    confusion : array_like, (true class, predicted class)
        Counts, see :func:`confusion_matrix`.

    Returns
    -------
    float
        0 to 1; classes that neither occur nor are answered are left out, NaN where there is no clip.

    Notes
    -----
    :math:`F_1 = 2 TP / (2 TP + FP + FN)`, the harmonic mean of precision and recall.

    Examples
    --------
    >>> round(f1_score([[9, 1], [1, 1]]), 3)
    0.7
    """
    counts = np.asarray(confusion, dtype=float)
    size = counts.sum(0) + counts.sum(1)
    there = size > 0
    return float(np.mean(2 * counts.diagonal()[there] / size[there])) if there.any() else float("nan")
