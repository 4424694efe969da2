"""The curve of errors and the detection cost against their definitions written out."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope import InputError
from otoscope.metrics import detection_cost, equal_error_rate, error_curve

pytest.importorskip("sklearn.metrics")


def trials(seed: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = (rng.random(70) < 0.3).astype(int)
    scores = rng.normal(size=70) + targets
    return (scores.round() if ties else scores), targets


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_rates_are_counted_at_each_threshold(seed: int, ties: bool) -> None:
    scores, targets = trials(seed, ties)
    false_alarms, misses, thresholds = error_curve(scores, targets)
    for alarm, miss, threshold in zip(false_alarms, misses, thresholds, strict=True):
        assert alarm == pytest.approx(np.mean(scores[targets == 0] >= threshold))
        assert miss == pytest.approx(np.mean(scores[targets == 1] < threshold))


@pytest.mark.parametrize(("p_target", "miss", "alarm"), [(0.05, 1, 1), (0.01, 10, 1), (0.9, 1, 3)])
def test_cost_is_the_smallest_over_thresholds(p_target: float, miss: float, alarm: float) -> None:
    scores, targets = trials(0, False)
    costs = []
    for threshold in [*scores, np.inf]:
        misses, alarms = np.mean(scores[targets == 1] < threshold), np.mean(scores[targets == 0] >= threshold)
        costs.append(miss * p_target * misses + alarm * (1 - p_target) * alarms)
    expected = min(costs) / min(miss * p_target, alarm * (1 - p_target))
    found = detection_cost(scores, targets, p_target=p_target, miss_cost=miss, false_alarm_cost=alarm)
    assert found == pytest.approx(expected) and found <= 1


def test_perfect_scores_cost_nothing_and_useless_ones_all() -> None:
    assert detection_cost([2, 1, -1], [1, 1, 0]) == 0 and equal_error_rate([2, 1, -1], [1, 1, 0]) == 0
    assert detection_cost([0, 0, 0], [1, 1, 0]) == 1


def test_what_has_no_curve_is_refused() -> None:
    with pytest.raises(InputError, match="all clips are of one class"):
        error_curve([1, 2], [1, 1])
    with pytest.raises(InputError, match="p_target"):
        detection_cost([1, 2], [1, 0], p_target=0)
