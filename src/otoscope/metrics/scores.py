"""Scores and targets as metrics take them: checked, and in order."""

from __future__ import annotations

from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike

from otoscope.errors import InputError
from otoscope.optional import needs


def ordinal(scores: np.ndarray) -> np.ndarray:
    """Ranks in place of scores, as only their order matters; this admits infinite ones (log 0)."""
    return np.unique(scores, return_inverse=True)[1]


def checked_pair(scores: ArrayLike, targets: ArrayLike, ndim: int) -> tuple[np.ndarray, np.ndarray]:
    scores, targets = checked_scores(scores, ndim), np.asarray(targets)
    if targets.shape != scores.shape:
        raise InputError(f"scores of shape {scores.shape} and targets of shape {targets.shape} do not match")
    if not np.isin(targets, (0, 1)).all():
        raise InputError("targets must be 0 or 1")
    return scores, targets.astype(bool)


def checked_scores(scores: ArrayLike, ndim: int) -> np.ndarray:
    scores = np.asarray(scores, dtype=float)
    dims = "(clip, class)" if ndim == 2 else "(clip,)"
    if scores.ndim != ndim or 0 in scores.shape:
        raise InputError(f"scores must be {dims} with at least one clip, not of shape {scores.shape}")
    if np.isnan(scores).any():
        raise InputError(f"{np.isnan(scores).sum()} of {scores.size} scores are NaN: the model or its input is broken")
    return scores


def sklearn_metrics() -> ModuleType:
    """The metrics of scikit-learn."""
    module: ModuleType = needs("sklearn.metrics", extra="train", purpose="this metric")
    return module
