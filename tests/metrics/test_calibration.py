"""Calibration of answers whose probabilities are known."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope import InputError
from otoscope.metrics import expected_calibration_error, reliability


def test_bins_are_counted_one_by_one() -> None:
    rng = np.random.default_rng(0)
    probability, right = rng.random(300), rng.random(300) < 0.7
    found = reliability(probability, right, bins=10)
    total = 0.0
    for low, high, count, mean, share in zip(*found, strict=True):
        inside = (probability > low) & (probability <= high)
        assert count == inside.sum() and mean == pytest.approx(probability[inside].mean())
        assert share == pytest.approx(right[inside].mean())
        total += count * abs(mean - share)
    assert expected_calibration_error(probability, right, bins=10) == pytest.approx(total / 300)


def test_answers_drawn_with_their_probability_are_calibrated() -> None:
    rng = np.random.default_rng(1)
    probability = rng.uniform(0.2, 1, 200_000)
    assert expected_calibration_error(probability, rng.random(200_000) < probability) < 0.005
    assert expected_calibration_error(np.ones(10), np.zeros(10, dtype=bool)) == 1


def test_ends_are_in_a_bin_and_the_rest_is_refused() -> None:
    assert reliability([0.0, 1.0], [False, True], bins=3).answers.tolist() == [1, 0, 1]
    with pytest.raises(InputError, match="from 0 to 1"):
        reliability([1.2], [True])
    with pytest.raises(InputError, match="one probability for each answer"):
        reliability([], [])
