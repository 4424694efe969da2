"""Which metrics a task asks for, computed on any choice of its clips."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from otoscope.errors import InputError
from otoscope.metrics import (
    balanced_accuracy,
    confusion_matrix,
    d_prime,
    detection_cost,
    equal_error_rate,
    expected_calibration_error,
    f1_score,
    mean_auc,
    mean_average_precision,
)

ONE_CLASS = ("accuracy", "balanced_accuracy", "uar", "f1", "calibration_error")
"""Metrics of clips that have one class each."""
OVER_CLASSES = ("balanced_accuracy", "uar", "f1")
"""Those of them that are means over classes."""
DETECTION = ("equal_error_rate", "min_dcf", "auc")
"""Those that are added where there are two classes."""
SEVERAL = ("mean_average_precision", "mean_auc", "d_prime", "calibration_error")
"""Metrics of clips that have any number of classes."""


_LIKELY = 0.5


@dataclass(frozen=True)
class OneClass:
    """Clips of one class each.

    Attributes
    ----------
    scores, probabilities : ndarray, (clip, class)
    labels : ndarray of int, (clip,)
    positive : int
        The class that is detected, where there are two.
    p_target : float
        Prior probability of it, of the detection cost.
    """

    scores: np.ndarray
    probabilities: np.ndarray
    labels: np.ndarray
    positive: int = 1
    p_target: float = 0.05

    @property
    def names(self) -> tuple[str, ...]:
        return ONE_CLASS + (DETECTION if self.scores.shape[1] == 2 else ())

    @cached_property
    def answers(self) -> np.ndarray:
        likeliest: np.ndarray = self.scores.argmax(1)
        return likeliest

    @cached_property
    def sureness(self) -> np.ndarray:
        """The probability of each answer."""
        chances: np.ndarray = np.take_along_axis(self.probabilities, self.answers[:, None], 1)[:, 0].clip(0, 1)
        return chances

    @cached_property
    def evidence(self) -> np.ndarray:
        """How far a clip speaks for the class that is detected."""
        other = 1 - self.positive
        difference: np.ndarray = self.scores[:, self.positive] - self.scores[:, other]
        return difference

    @property
    def right(self) -> np.ndarray:
        """Whether each answer is the class of its clip."""
        right: np.ndarray = self.answers == self.labels
        return right

    def measured(self, chosen: np.ndarray) -> np.ndarray:
        """The metrics on some of the clips, of which one may be chosen several times; NaN where there is none."""
        counts = confusion_matrix(self.answers[chosen], self.labels[chosen], self.scores.shape[1])
        right = self.answers[chosen] == self.labels[chosen]
        recall = balanced_accuracy(counts)
        values = [right.mean(), recall, recall, f1_score(counts)]
        values.append(expected_calibration_error(self.sureness[chosen], right))
        if self.scores.shape[1] == 2:
            evidence, there = self.evidence[chosen], self.labels[chosen] == self.positive
            values.append(_or_nan(lambda: equal_error_rate(evidence, there)))
            values.append(_or_nan(lambda: detection_cost(evidence, there, p_target=self.p_target)))
            values.append(_or_nan(lambda: mean_auc(evidence[:, None], there[:, None])))
        return np.array(values)

    def several(self, chosen: np.ndarray) -> bool:
        """Whether some of the clips are of several classes."""
        return len(np.unique(self.labels[chosen])) > 1

    def of_group(self, chosen: np.ndarray) -> np.ndarray:
        """The metrics on a group of clips; where all are of one class, NaN for the means over classes."""
        values = self.measured(chosen)
        return values if self.several(chosen) else np.where(np.isin(self.names, OVER_CLASSES), np.nan, values)


@dataclass(frozen=True)
class SeveralClasses:
    """Clips that may have several classes.

    Attributes
    ----------
    scores, probabilities : ndarray, (clip, class)
    targets : ndarray of bool, (clip, class)
    """

    scores: np.ndarray
    probabilities: np.ndarray
    targets: np.ndarray
    names = SEVERAL

    @property
    def right(self) -> np.ndarray:
        """Whether each answer is a class of its clip; of one without classes, whether none is likely."""
        among = np.take_along_axis(self.targets, self.scores.argmax(1)[:, None], 1)[:, 0]
        right: np.ndarray = np.where(self.targets.any(1), among, self.probabilities.max(1) < _LIKELY)
        return right

    def measured(self, chosen: np.ndarray) -> np.ndarray:
        """The metrics on some of the clips, of which one may be chosen several times; NaN where there is none."""
        scores, targets = self.scores[chosen], self.targets[chosen]
        auc = _or_nan(lambda: mean_auc(scores, targets))
        precision = _or_nan(lambda: mean_average_precision(scores, targets))
        calibration = expected_calibration_error(self.probabilities[chosen].ravel().clip(0, 1), targets.ravel())
        return np.array([precision, auc, d_prime(auc) if not math.isnan(auc) else auc, calibration])

    def several(self, chosen: np.ndarray) -> bool:
        """Whether the metrics are those of several classes, as they always are."""
        return True

    of_group = measured


Measures = OneClass | SeveralClasses


def _or_nan(metric: Callable[[], float]) -> float:
    """A metric, NaN where the classes of the clips leave it undefined."""
    try:
        return metric()
    except InputError as error:
        if "extra" in str(error) or "pip install" in str(error):
            raise
        return math.nan
