"""Confusion, balanced accuracy and F1 against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope import InputError
from otoscope.metrics import balanced_accuracy, confusion_matrix, f1_score

metrics = pytest.importorskip("sklearn.metrics")


@pytest.mark.parametrize("seed", range(3))
def test_they_are_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, predicted = rng.integers(5, size=(2, 80))
    counts = confusion_matrix(predicted, labels, 5)
    assert (counts == metrics.confusion_matrix(labels, predicted)).all()
    assert balanced_accuracy(counts) == pytest.approx(metrics.balanced_accuracy_score(labels, predicted))
    assert balanced_accuracy(counts) == pytest.approx(metrics.recall_score(labels, predicted, average="macro"))
    assert f1_score(counts) == pytest.approx(metrics.f1_score(labels, predicted, average="macro"))


def test_a_class_without_clips_or_answers_does_not_count() -> None:
    counts = np.zeros((4, 4), dtype=int)
    counts[:2, :2] = [[3, 1], [0, 4]]
    assert balanced_accuracy(counts) == pytest.approx((0.75 + 1) / 2)
    assert f1_score(counts) == pytest.approx((6 / 7 + 8 / 9) / 2)
    assert np.isnan(balanced_accuracy(np.zeros((2, 2)))) and np.isnan(f1_score(np.zeros((2, 2))))


def test_numbers_that_are_no_classes_are_refused() -> None:
    with pytest.raises(InputError, match="from 0 to 1"):
        confusion_matrix([0, 2], [0, 1], 2)
    with pytest.raises(InputError, match="do not match"):
        confusion_matrix([0], [0, 1], 2)
