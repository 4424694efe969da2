"""Intervals of scores against scipy, and what must hold of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from otoscope.dsp.scores import bootstrap_interval, share_interval


@pytest.mark.parametrize(("hits", "count"), [(0, 12), (12, 12), (37, 50), (1, 1), (499, 3000)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_shares_have_the_interval_of_wilson(hits: int, count: int, level: float) -> None:
    expected = stats.binomtest(hits, count).proportion_ci(level, method="wilson")
    np.testing.assert_allclose(share_interval(hits, count, level), (expected.low, expected.high), atol=1e-12)


def test_the_bootstrap_of_a_mean_is_that_of_scipy() -> None:
    values = np.random.default_rng(5).gamma(2, size=200)
    found = bootstrap_interval(lambda drawn: values[drawn].mean(), 200, resamples=4000)
    peer = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", random_state=1)
    np.testing.assert_allclose(found, peer.confidence_interval, rtol=0.01)


def test_paired_scores_vary_less_than_unpaired_ones() -> None:
    """Two scores that differ by a constant on every clip differ by it in every resample."""
    rng = np.random.default_rng(0)
    one = rng.random(100)
    low, high = bootstrap_interval(lambda drawn: (one[drawn] - 0.25).mean() - one[drawn].mean(), 100)
    np.testing.assert_allclose([low, high], -0.25)


def test_it_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    covered = []
    for trial in range(150):
        sample = rng.normal(2.0, 1.0, 60)
        low, high = bootstrap_interval(lambda drawn, s=sample: s[drawn].mean(), 60, resamples=300, seed=trial)
        covered.append(low <= 2.0 <= high)
    assert 0.88 <= np.mean(covered) <= 0.99


def test_a_seed_fixes_it_and_arrays_keep_their_shape() -> None:
    values = np.random.default_rng(1).random((30, 4))
    first, second = (bootstrap_interval(lambda drawn: values[drawn].mean(0), 30, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first[0].shape == (4,) and (first[0] < values.mean(0)).all() and (values.mean(0) < first[1]).all()


def test_a_single_clip_says_nothing_of_others() -> None:
    assert np.isnan(bootstrap_interval(lambda drawn: np.ones(3)[drawn[:1]].repeat(2), 1)).all()


def test_bounds_at_the_ends_are_exact() -> None:
    low, high = share_interval([0, 3, 0, 7], [3, 3, 7, 7])
    assert low[[0, 2]].tolist() == [0, 0] and high[[1, 3]].tolist() == [1, 1]
