"""Metrics against their definitions written out, scikit-learn, and published pairs."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from otoscope import InputError
from otoscope.metrics import accuracy, d_prime, equal_error_rate, mean_auc, mean_average_precision


@pytest.fixture
def sklearn() -> object:
    return pytest.importorskip("sklearn.metrics")


def multi_label(seed: int = 0, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = (rng.random((60, 5)) < [0.1, 0.3, 0.5, 0.7, 0.9]).astype(int)
    targets[0], targets[1] = 0, 1
    scores = rng.normal(size=targets.shape) + targets
    return (scores.round() if ties else scores), targets


def precision_by_definition(scores: np.ndarray, targets: np.ndarray) -> float:
    """The sum over thresholds, each score that occurs being one."""
    total, recall_before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        found = targets[scores >= threshold]
        recall = found.sum() / targets.sum()
        total += (recall - recall_before) * found.mean()
        recall_before = recall
    return total


def auc_by_definition(scores: np.ndarray, targets: np.ndarray) -> float:
    """How often a positive scores above a negative, a tie counting half."""
    above = scores[targets == 1][:, None] - scores[targets == 0]
    return float(np.mean((above > 0) + 0.5 * (above == 0)))


def eer_by_definition(scores: np.ndarray, targets: np.ndarray) -> float:
    """Where the ROC polygon, drawn point by point, crosses the line of equal errors."""
    thresholds = [np.inf, *sorted(set(scores), reverse=True)]
    alarms = [np.mean(scores[targets == 0] >= one) for one in thresholds]
    hits = [np.mean(scores[targets == 1] >= one) for one in thresholds]
    along = np.arange(len(thresholds))
    crossing = brentq(lambda at: np.interp(at, along, alarms) - 1 + np.interp(at, along, hits), 0, along[-1])
    return float(np.interp(crossing, along, alarms))


@pytest.mark.parametrize("ties", [False, True])
def test_average_precision_is_the_definition_and_that_of_scikit_learn(sklearn: object, ties: bool) -> None:
    scores, targets = multi_label(ties=ties)
    ours = mean_average_precision(scores, targets)
    by_class = [precision_by_definition(*pair) for pair in zip(scores.T, targets.T, strict=True)]
    assert ours == pytest.approx(np.mean(by_class), rel=1e-12)
    assert ours == pytest.approx(sklearn.average_precision_score(targets, scores, average="macro"), rel=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_auc_is_the_definition_and_that_of_scikit_learn(sklearn: object, ties: bool) -> None:
    scores, targets = multi_label(1, ties)
    ours = mean_auc(scores, targets)
    by_class = [auc_by_definition(*pair) for pair in zip(scores.T, targets.T, strict=True)]
    assert ours == pytest.approx(np.mean(by_class), rel=1e-12)
    assert ours == pytest.approx(sklearn.roc_auc_score(targets, scores, average="macro"), rel=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_equal_error_rate_is_where_the_curve_crosses(sklearn: object, seed: int, ties: bool) -> None:
    scores, targets = (each[:, 1] for each in multi_label(seed, ties))
    ours = equal_error_rate(scores, targets)
    assert ours == pytest.approx(eer_by_definition(scores, targets), rel=1e-9)
    # The nearest threshold of scikit-learn's curve is within one step of it.
    alarms, hits, _ = sklearn.roc_curve(targets, scores)
    at = np.argmin(np.abs(alarms - (1 - hits)))
    low, high = sorted((alarms[at], 1 - hits[at]))
    assert low - 1e-9 <= ours <= high + 1e-9


def test_accuracy_is_that_of_scikit_learn(sklearn: object) -> None:
    rng = np.random.default_rng(2)
    scores, labels = rng.normal(size=(50, 4)), rng.integers(4, size=50)
    assert accuracy(scores, labels) == pytest.approx(sklearn.accuracy_score(labels, scores.argmax(1)))


@pytest.mark.parametrize("distance", [0.5, 1.5, 3.0])
def test_two_normal_distributions_have_their_d_prime(sklearn: object, distance: float) -> None:
    at = norm.ppf((np.arange(1000) + 0.5) / 1000)
    scores = np.concatenate([at, at + distance])
    targets = np.repeat([0, 1], 1000)
    assert d_prime(mean_auc(scores[:, None], targets[:, None])) == pytest.approx(distance, rel=0.005)
    assert equal_error_rate(scores, targets) == pytest.approx(norm.cdf(-distance / 2), abs=0.001)


@pytest.mark.parametrize(
    ("auc", "published"),
    [(0.909, 1.889), (0.873, 1.611), (0.935, 2.144), (0.924, 2.024), (0.869, 1.584), (0.973, 2.732), (0.970, 2.654)],
)
def test_published_pairs(auc: float, published: float) -> None:
    """Tables 4.3 and 4.4 of the thesis on sonification; the areas are rounded to three digits."""
    assert d_prime(auc - 0.0006) <= published <= d_prime(auc + 0.0006)


def test_d_prime_at_its_ends() -> None:
    assert d_prime(0.5) == 0
    assert d_prime(1.0) == np.inf and d_prime(0.0) == -np.inf
    with pytest.raises(InputError, match="between 0 and 1"):
        d_prime(float("nan"))


def test_scores_that_are_all_the_same_are_chance(sklearn: object) -> None:
    _, targets = multi_label()
    scores = np.full(targets.shape, 0.3)
    assert mean_auc(scores, targets) == 0.5
    assert mean_average_precision(scores, targets) == pytest.approx(targets.mean())
    assert equal_error_rate(scores[:, 2], targets[:, 2]) == pytest.approx(0.5)
    assert accuracy(scores, [0] * 30 + [1] * 30) == 0.5


def test_perfect_and_inverted_scores(sklearn: object) -> None:
    _, targets = multi_label()
    scores = targets * 2.0
    assert mean_average_precision(scores, targets) == mean_auc(scores, targets) == 1
    assert equal_error_rate(scores[:, 0], targets[:, 0]) == 0
    assert mean_auc(-scores, targets) == 0
    assert equal_error_rate(-scores[:, 0], targets[:, 0]) == 1


def test_only_the_order_of_scores_counts_even_where_it_is_infinite(sklearn: object) -> None:
    scores, targets = multi_label(3)
    scores[5] = scores.min(0)
    with np.errstate(over="ignore"):
        steep = np.where(scores == scores.min(0), -np.inf, np.where(scores == scores.max(0), np.inf, np.exp(scores)))
    for metric in (mean_average_precision, mean_auc):
        assert metric(steep, targets) == pytest.approx(metric(scores, targets), rel=1e-12)
    assert equal_error_rate(steep[:, 1], targets[:, 1]) == pytest.approx(equal_error_rate(scores[:, 1], targets[:, 1]))


def test_a_class_that_is_missing_is_left_out(sklearn: object) -> None:
    scores, targets = multi_label(4)
    noise = np.random.default_rng(5).normal(size=(60, 1))
    nowhere = (np.hstack([scores, noise]), np.hstack([targets, np.zeros((60, 1), int)]))
    assert mean_average_precision(*nowhere) == pytest.approx(mean_average_precision(scores, targets))
    assert mean_auc(*nowhere) == pytest.approx(mean_auc(scores, targets))
    everywhere = (np.hstack([scores, noise]), np.hstack([targets, np.ones((60, 1), int)]))
    assert mean_auc(*everywhere) == pytest.approx(mean_auc(scores, targets))
    assert mean_average_precision(*everywhere) == pytest.approx((5 * mean_average_precision(scores, targets) + 1) / 6)
    for metric, message in ((mean_average_precision, "no class has a clip"), (mean_auc, "no ROC curve")):
        with pytest.raises(InputError, match=message):
            metric(scores, np.zeros_like(targets))
    for one in (0, 1):
        with pytest.raises(InputError, match="of one class"):
            equal_error_rate(scores[:, 0], np.full(60, one))


def test_what_cannot_be_is_said() -> None:
    scores, targets = multi_label()
    broken = scores.copy()
    broken[3, 2] = np.nan
    for metric in (mean_average_precision, mean_auc):
        with pytest.raises(InputError, match="1 of 300 scores are NaN"):
            metric(broken, targets)
        with pytest.raises(InputError, match="do not match"):
            metric(scores, targets[:, :3])
        with pytest.raises(InputError, match="0 or 1"):
            metric(scores, targets + 1)
        with pytest.raises(InputError, match=r"\(clip, class\)"):
            metric(scores[:, 0], targets[:, 0])
        with pytest.raises(InputError, match="at least one clip"):
            metric(scores[:0], targets[:0])
    with pytest.raises(InputError, match="NaN"):
        equal_error_rate(broken[:, 2], targets[:, 2])
    with pytest.raises(InputError, match="NaN"):
        accuracy(broken, targets[:, 0])
    with pytest.raises(InputError, match="for 60 clips"):
        accuracy(scores, targets[:5, 0])
    with pytest.raises(InputError, match="from 0 to 4"):
        accuracy(scores, np.full(60, 5))


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(InputError, match=r"pip install 'otoscope\[train\]'"):
        mean_auc(*multi_label())
