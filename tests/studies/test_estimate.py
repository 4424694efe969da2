"""Intervals against scipy, and verdicts on every side of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from otoscope.errors import InputError
from otoscope.studies.claim import Claim, Direction, Verdict
from otoscope.studies.estimate import Estimate, difference, mean_of, resampled, share


def test_intervals_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 1, 9), rng.normal(0, 3, 6)
    low, high = stats.ttest_1samp(a, 0).confidence_interval()
    assert (mean_of(a, "").low, mean_of(a, "").high) == pytest.approx((low, high))
    low, high = stats.ttest_ind(a, b, equal_var=False).confidence_interval()
    assert (difference(a, b, "").low, difference(a, b, "").high) == pytest.approx((low, high))
    low, high = stats.binomtest(7, 20).proportion_ci(method="wilson")
    assert (share(7, 20, "").low, share(7, 20, "").high) == pytest.approx((low, high))
    found = resampled(lambda drawn: float(a[drawn].mean()), len(a), "")
    assert found.low < a.mean() < found.high


def test_one_run_has_no_interval_and_none_no_mean() -> None:
    assert math.isnan(mean_of([1.0], "").low) and mean_of([1.0], "").interval == ""
    assert math.isnan(difference([1.0], [0.0, 0.1], "").high)
    assert mean_of([1.0, math.nan, 2.0], "").value == 1.5
    with pytest.raises(InputError, match="nothing"):
        mean_of([math.nan], "")
    with pytest.raises(InputError, match="nothing"):
        difference([1.0], [], "")


def test_groups_without_spread_differ_by_a_number() -> None:
    found = difference([1.0, 1.0], [0.5, 0.5], "")
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("direction", "low", "high", "verdict"),
    [
        ("greater", 0.6, 0.8, "holds"),
        ("greater", 0.4, 0.8, "undecided"),
        ("greater", 0.5, 0.8, "undecided"),
        ("greater", 0.1, 0.4, "fails"),
        ("greater", math.nan, math.nan, "undecided"),
        ("less", 0.1, 0.4, "holds"),
        ("less", 0.4, 0.8, "undecided"),
        ("less", 0.6, 0.8, "fails"),
        ("within", 0.45, 0.55, "holds"),
        ("within", 0.45, 0.7, "undecided"),
        ("within", 0.1, 0.9, "undecided"),
        ("within", 0.61, 0.7, "fails"),
        ("within", 0.1, 0.39, "fails"),
    ],
)
def test_a_claim_holds_only_where_the_whole_interval_says_so(
    direction: Direction, low: float, high: float, verdict: Verdict
) -> None:
    claim = Claim("a-1", "swam", "", "", direction=direction, null=0.5, margin=0.1)
    assert claim.verdict(Estimate((low + high) / 2, low, high)) == verdict


def test_a_count_is_right_or_wrong_without_an_interval() -> None:
    claim = Claim("a-1", "swam", "", "", direction="exactly", null=25)
    assert claim.verdict(Estimate(25.0)) == "holds" and claim.verdict(Estimate(24.0)) == "fails"
    assert claim.verdict(None) == "not run here"
