"""Mean average precision against scikit-learn's, and of clips that count several times."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.dsp.precision import mean_average_precision_of
from otoscope.errors import InputError
from otoscope.metrics.ranking import mean_average_precision


@pytest.mark.parametrize("levels", [3, 1000])
def test_it_is_that_of_scikit_learn_with_and_without_ties(levels: int) -> None:
    rng = np.random.default_rng(levels)
    scores, targets = rng.integers(levels, size=(60, 5)) / levels, rng.random((60, 5)) < 0.2
    targets[:, 3] = False  # a class without clips
    assert mean_average_precision_of(scores, targets) == pytest.approx(mean_average_precision(scores, targets))


def test_a_clip_that_counts_twice_is_as_two_clips() -> None:
    rng = np.random.default_rng(1)
    scores, targets = rng.random((40, 4)), rng.random((40, 4)) < 0.3
    drawn = rng.integers(40, size=40)
    weights = np.bincount(drawn, minlength=40)
    assert mean_average_precision_of(scores, targets, weights) == pytest.approx(
        mean_average_precision(scores[drawn], targets[drawn])
    )


def test_what_does_not_fit_is_an_error_and_no_class_at_all_is_nan() -> None:
    with pytest.raises(InputError, match="do not match"):
        mean_average_precision_of([[0.1]], [[1, 0]])
    with pytest.raises(InputError, match="NaN"):
        mean_average_precision_of([[np.nan]], [[1]])
    assert np.isnan(mean_average_precision_of([[0.1, 0.2]], [[0, 0]]))
