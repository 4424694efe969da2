"""Parts of a signal by segments: they sum to the whole, and no sample is in two of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from otoscope.dsp.portions import by_label, frames_within, gaps_between, sample_bounds, sums_within, with_copies
from otoscope.errors import InputError


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100])
def test_parts_sum_to_the_whole_and_no_sample_is_in_two(rate: int) -> None:
    draw = np.random.default_rng(rate)
    for _ in range(20):
        samples = int(draw.integers(2000, 9000))
        edges = np.sort(draw.uniform(0, samples / rate, 2 * draw.integers(1, 12)))
        times = list(itertools.pairwise(edges))[:: int(draw.integers(1, 3))]
        times = [one for one in times if one[1] - one[0] > 2 / rate]
        if not times:
            continue
        bounds = sample_bounds(times, rate, samples)
        counted = np.zeros(samples, int)
        for first, last in [*bounds, *gaps_between(bounds, samples)]:
            counted[first:last] += 1
        assert (counted == 1).all()
        signal = draw.standard_normal((2, samples)).astype(np.float32)
        within, outside = sums_within(signal, bounds)
        whole = signal.astype(float).sum(-1)
        np.testing.assert_allclose(within.sum(-1) + outside, whole, atol=1e-12 * np.abs(signal).sum())
        _, sums = by_label(within, ["ab"[n % 2] for n in range(len(times))])
        np.testing.assert_allclose(sums.sum(-1) + outside, whole, atol=1e-12 * np.abs(signal).sum())


def test_a_segment_shorter_than_a_sample_is_refused_and_one_beyond_the_signal_is_empty() -> None:
    with pytest.raises(InputError, match=r"from 0.1 to 0.10001 s holds no sample at 8000 Hz"):
        sample_bounds([(0.1, 0.10001)], 8000, 4000)
    assert sample_bounds([(0.4, 0.6), (0.6, 0.7)], 8000, 4000).tolist() == [[3200, 4000], [4000, 4000]]


def test_where_all_is_in_segments_nothing_is_outside() -> None:
    within, outside = sums_within(np.ones((3, 8)), np.array([[0, 4], [4, 8]]))
    assert within.tolist() == [[4, 4]] * 3 and outside.tolist() == [0, 0, 0]


def test_a_frame_belongs_to_the_segment_in_which_its_moment_lies() -> None:
    values = np.arange(8.0).reshape(2, 4)
    sums, counts = frames_within(values, np.array([-1.0, 0.0, 10.0, 20.0]), np.array([[0, 10], [10, 15]]))
    assert counts[0].tolist() == [1, 1, 2]
    assert sums.tolist() == [[1, 2, 3], [5, 6, 11]]


def test_copies_of_segments_in_a_sound_that_is_repeated() -> None:
    bounds, places = with_copies(np.array([[2, 5], [5, 9]]), period=10, samples=27)
    assert bounds.tolist() == [[2, 5], [5, 9], [12, 15], [15, 19], [22, 25], [25, 27]]
    assert places.tolist() == [0, 1, 0, 1, 0, 1]
    cut, places = with_copies(np.array([[2, 5], [5, 9]]), period=10, samples=4)  # of a sound that was cut
    assert (cut.tolist(), places.tolist()) == ([[2, 4], [4, 4]], [0, 1])
