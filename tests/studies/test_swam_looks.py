"""What the SWAM study computes from responses and kernels, against numbers that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from otoscope.data.items import DataSet, Item
from otoscope.studies.swam.looks import by_speaker, contour, entropy, spreads

RATE = 16_000


def test_entropy_is_that_of_the_cells_that_are_filled() -> None:
    shares = np.zeros((8, 8))
    shares[:2, :2] = 0.25
    assert entropy(shares) == 2.0
    assert entropy(np.eye(1)) == 0.0


@pytest.mark.parametrize(("duration", "frequency"), [(0.001, 1000.0), (0.004, 3000.0)])
def test_a_gaussian_has_the_smallest_product_of_spreads_whatever_its_width(duration: float, frequency: float) -> None:
    time = np.arange(-800, 801) / RATE
    kernel = np.exp(-((time / (2 * duration)) ** 2)) * np.cos(2 * np.pi * frequency * time)
    in_time, in_frequency = spreads(kernel, RATE)
    assert in_time == pytest.approx(duration, rel=0.02)
    assert in_frequency == pytest.approx(1 / (4 * np.pi * duration), rel=0.05)


def test_two_tones_spread_over_their_distance() -> None:
    time = np.arange(1600) / RATE
    kernel = np.hanning(1600) * (np.cos(2 * np.pi * 1000 * time) + np.cos(2 * np.pi * 3000 * time))
    assert spreads(kernel, RATE)[1] == pytest.approx(1000, rel=0.01)


def test_the_contour_of_one_band_is_one_piece_as_high_as_the_band() -> None:
    plane = np.zeros((256, 400))
    plane[40:60] = 1
    height, pieces = contour(plane, 31.25)
    assert pieces == 1 and height == pytest.approx(20 * 31.25, abs=3 * 31.25)
    plane[150:170] = 0.9
    assert contour(plane, 31.25)[1] == 2
    assert contour(np.zeros((4, 4)), 1.0) == (0.0, 0)


def test_every_speaker_has_as_many_clips() -> None:
    items = [Item(Path(f"{s}{n}.wav"), (str(n % 2),), facts={"speaker": s}) for s in "cab" for n in range(6)]
    found = by_speaker(DataSet(tuple(items), ("0", "1")), speakers=2, clips=4)
    assert list(found) == ["a", "b"]
    assert all(sorted(item.labels[0] for item in one) == ["0", "0", "1", "1"] for one in found.values())
