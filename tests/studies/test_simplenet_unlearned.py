"""What the study of SimpleNet measures without training, on signals whose answers are known."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from otoscope.studies.inputs import Folder
from otoscope.studies.simplenet.sounds import highest_of
from otoscope.studies.simplenet.unlearned import growth, level_range, moved, split_in_halves
from otoscope.studies.step import Step, Work

TIME = torch.arange(4000, dtype=torch.double) / 4000
LOW, HIGH = torch.sin(2 * math.pi * 600 * TIME), torch.sin(2 * math.pi * 1600 * TIME)  # of a rate of 4000 Hz


def test_halves_add_up_to_the_signal_without_its_mean() -> None:
    low, high = split_in_halves(3 + LOW + 0.5 * HIGH)
    assert torch.allclose(low, LOW, atol=1e-9) and torch.allclose(high, 0.5 * HIGH, atol=1e-9)


def test_the_decimation_moves_what_was_in_the_high_half() -> None:
    assert moved(LOW, 0.5 * HIGH, None)["moved"] == pytest.approx(0.2)
    assert moved(LOW, 0 * HIGH, None)["moved"] == 0


def test_relu_moves_harmonics_up_and_nothing_of_a_linear_step() -> None:
    """Half-wave rectified, a sine of amplitude 1 has 1/2 at its frequency and 2/(3 pi) at twice it."""
    assert moved(LOW, HIGH, lambda signal: 2 * signal)["moved"] < 1e-12
    found = moved(LOW, 0 * HIGH, torch.relu)
    second, fourth = 2 / (3 * math.pi), 2 / (15 * math.pi)
    moving = 1 / 4 - 1 / math.pi**2  # mean square without the mean
    at_1200 = second**2 / 2 / moving
    assert found["down"] == 0 and found["up"] == pytest.approx(at_1200, rel=0.3) and found["up"] > 0.9 * at_1200
    assert fourth < second


def test_the_maximum_moves_a_high_tone_down() -> None:
    found = moved(0 * LOW, HIGH, highest_of)
    assert found["up"] == 0 and found["down"] > 0.3


def test_a_range_of_levels() -> None:
    assert level_range([1.0, 1000.0]) == pytest.approx(30) and math.isnan(level_range([0.0, 1.0]))


def test_more_input_bands_reach_an_output_band_after_each_pooling(tmp_path: object) -> None:
    rows = growth(Work(Step("growth", growth, {"tones": 8, "samples": 2**15, "seed": 0}), Folder(), None)).rows  # type: ignore[arg-type]
    means = [
        [sum(r["bands"] for r in rows if (r["model"], r["pooling"]) == (name, n)) / channels[n - 1] for n in of]
        for name, of, channels in (("wavernn", range(1, 9), [40] * 8), ("soundnet", range(1, 4), [16, 32, 256]))
    ]
    for mean in means:
        assert all(a < b for a, b in pairwise(mean))
    assert means[0][0] <= 8  # of a pooling by 2, at most all input bands, which are half as wide as the output's
