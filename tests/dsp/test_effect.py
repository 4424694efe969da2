"""Effect sizes against scipy and against their definitions, written slowly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from otoscope.dsp.effect import (
    bootstrap_interval,
    bootstrap_weights,
    chance_level,
    cohens_d,
    eta_squared,
    f_ratio,
    moments,
)
from otoscope.errors import InputError


@pytest.fixture
def sample() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    classes = np.repeat([0, 1, 2], [7, 5, 9])
    return draw.normal(size=(21, 4)) + 100 + classes[:, None] * [0, 0.5, 1, 3], classes


def slow_f_ratio(x: np.ndarray, classes: np.ndarray) -> float:
    means = [x[classes == one].mean() for one in sorted(set(classes))]
    within = [((x[classes == one] - mean) ** 2).mean() for one, mean in zip(sorted(set(classes)), means, strict=True)]
    return float(np.mean((np.array(means) - np.mean(means)) ** 2) / np.mean(within))


def test_f_ratio_is_its_definition(sample: tuple[np.ndarray, np.ndarray]) -> None:
    x, classes = sample
    np.testing.assert_allclose(f_ratio(x, classes), [slow_f_ratio(one, classes) for one in x.T], rtol=1e-10)


def test_f_ratio_goes_with_that_of_the_analysis_of_variance() -> None:
    """Of classes of one size n: F of scipy is n (n - 1) M / ((M - 1) n) times the ratio of variances, so n - 1 ... ."""
    draw = np.random.default_rng(1)
    groups = draw.normal(size=(3, 6)) + np.arange(3)[:, None]
    anova = stats.f_oneway(*groups).statistic
    ours = float(f_ratio(groups.ravel(), np.repeat(range(3), 6)))
    assert ours * 3 / 2 * 5 == pytest.approx(anova)  # between: M / (M - 1) * n; within: n / (n - 1)


def test_cohens_d_goes_with_the_t_test(sample: tuple[np.ndarray, np.ndarray]) -> None:
    x, classes = sample
    here = classes < 2
    t = stats.ttest_ind(x[classes == 1], x[classes == 0]).statistic
    np.testing.assert_allclose(cohens_d(x[here], classes[here]), t * np.sqrt(1 / 7 + 1 / 5), rtol=1e-10)


def test_eta_squared_is_the_share_of_the_analysis_of_variance(sample: tuple[np.ndarray, np.ndarray]) -> None:
    x, classes = sample
    f = stats.f_oneway(*(x[classes == one] for one in range(3))).statistic
    np.testing.assert_allclose(eta_squared(x, classes), f * 2 / (f * 2 + 18), rtol=1e-10)


@pytest.mark.parametrize("size", [f_ratio, eta_squared])
def test_weights_are_repetitions(sample: tuple[np.ndarray, np.ndarray], size: object) -> None:
    x, classes = sample
    weights = bootstrap_weights(21, 1, seed=3)[0]
    drawn = np.repeat(np.arange(21), weights)
    np.testing.assert_allclose(size(x, classes, weights), size(x[drawn], classes[drawn]), rtol=1e-9)


def test_a_bootstrap_draws_as_many_as_there_are() -> None:
    weights = bootstrap_weights(10, 200, seed=0)
    assert weights.shape == (200, 10) and (weights.sum(1) == 10).all()
    assert (weights == bootstrap_weights(10, 200, seed=0)).all()
    assert weights.mean() == pytest.approx(1)


def test_a_large_common_mean_does_not_swallow_the_variance() -> None:
    x = np.array([1e8, 1e8 + 1, 1e8 + 2, 1e8 + 3])
    means, variances, sizes = moments(x, np.array([0, 0, 1, 1]))
    assert variances.tolist() == [0.25, 0.25] and means.tolist() == [1e8 + 0.5, 1e8 + 2.5] and sizes.tolist() == [2, 2]


def test_one_class_has_no_ratio() -> None:
    with pytest.raises(InputError, match="two classes"):
        f_ratio([1.0, 2.0], [0, 0])


@pytest.mark.parametrize(("classes", "clips"), [(12, 2), (10, 6), (10, 30), (2, 24)])
@pytest.mark.parametrize("size", [f_ratio, eta_squared])
def test_bounds_of_noise_hold_the_estimate(size: Callable[..., np.ndarray], classes: int, clips: int) -> None:
    """Percentiles of the draws lie above it for half of all quantities where classes have two clips."""
    x, numbers = np.random.default_rng(0).normal(size=(classes * clips, 100)), np.repeat(np.arange(classes), clips)
    draws = [size(x, numbers, weights) for weights in bootstrap_weights(len(x), 200, 0)]
    estimate = size(x, numbers)
    low, high = bootstrap_interval(estimate, draws, ratio=size is f_ratio)
    assert (low <= estimate).all() and (estimate <= high).all()


def test_noise_stays_below_the_level_of_chance_in_nineteen_of_twenty() -> None:
    draw, numbers = np.random.default_rng(0), np.repeat(np.arange(4), 6)
    above = 0
    for seed in range(200):
        noise = draw.normal(size=(24, 5))
        above += eta_squared(noise, numbers).max() > chance_level(eta_squared, noise, numbers, 100, seed)
    assert stats.binomtest(above, 200, 0.05).pvalue > 1e-3
