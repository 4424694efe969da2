"""How alike two distributions are: by their definitions, by scipy, and where there is nothing to compare."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import distance
from scipy.stats import spearmanr

from otoscope.dsp.similarity import cosine, overlap, rank_correlation

RNG = np.random.default_rng(0)
PAIRS = [(RNG.uniform(size=30), RNG.uniform(size=30)) for _ in range(5)]


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_agree_with_scipy(a: np.ndarray, b: np.ndarray) -> None:
    assert cosine(a, b) == pytest.approx(1 - distance.cosine(a, b))
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic)
    # The overlap of two distributions is 1 less half of their distance in the city-block metric.
    assert overlap(a, b) == pytest.approx(1 - distance.cityblock(a / a.sum(), b / b.sum()) / 2)


def test_ties_share_their_rank() -> None:
    a, b = np.array([1.0, 2.0, 2.0, 3.0]), np.array([5.0, 1.0, 7.0, 7.0])
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic)


@pytest.mark.parametrize("measure", [cosine, overlap, rank_correlation])
def test_the_same_is_1_at_any_scale_and_the_order_of_both_does_not_matter(measure: object) -> None:
    a, b = PAIRS[0]
    assert callable(measure)
    assert measure(a, a) == pytest.approx(1)
    assert measure(1e-30 * a, 1e30 * a) == pytest.approx(1)
    assert measure(a, b) == pytest.approx(measure(b, a))


@pytest.mark.parametrize("measure", [cosine, overlap, rank_correlation])
def test_nothing_can_be_said_of_silence(measure: object) -> None:
    assert callable(measure)
    assert np.isnan(measure(np.zeros(4), np.arange(4.0)))


def test_nothing_in_common_is_0() -> None:
    a, b = np.array([1.0, 2.0, 0.0, 0.0]), np.array([0.0, 0.0, 3.0, 1.0])
    assert overlap(a, b) == 0
    assert cosine(a, b) == 0
