"""Segments: the one asked for, the loudest against an exhaustive search, and times that cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.dsp.segment import segment
from otoscope.errors import InputError

RATE = 1000


def test_the_loudest_stretch_has_the_most_energy_of_all() -> None:
    signal = np.random.default_rng(0).standard_normal(400)
    energies = [np.sum(signal[i : i + 50] ** 2) for i in range(351)]
    found = segment(signal, RATE, duration=0.05)
    assert (found.start, found.stop) == (int(np.argmax(energies)), int(np.argmax(energies)) + 50)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e20])
def test_it_does_not_depend_on_scale(scale: float) -> None:
    signal = np.zeros(300)
    signal[120:150] = scale
    assert segment(signal, RATE, duration=0.03) == slice(120, 150)


def test_silence_and_short_signals_have_a_segment_too() -> None:
    assert segment(np.zeros(300), RATE) == slice(0, 100)
    assert segment(np.ones(30), RATE) == slice(0, 30)


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (0.1, 0.2, (100, 200)),
        (0.25, None, (250, 300)),
        (0.1, None, (100, 200)),
        (None, 0.05, (0, 50)),
        (0, 0.3, (0, 300)),
    ],
)
def test_times_that_are_given_are_kept(start: float | None, stop: float | None, expected: tuple[int, int]) -> None:
    found = segment(np.ones(300), RATE, start, stop)
    assert (found.start, found.stop) == expected


@pytest.mark.parametrize(
    ("start", "stop"), [(0.2, 0.1), (-0.1, 0.1), (0.2, 0.4), (0.3, None), (0.1, 0.1), (0.1, float("nan"))]
)
def test_times_outside_the_sound_are_refused(start: float, stop: float | None) -> None:
    with pytest.raises(InputError, match="is not within the sound, which lasts 0"):
        segment(np.ones(300), RATE, start, stop)


def test_less_than_a_sample_and_no_duration_are_refused() -> None:
    with pytest.raises(InputError, match="holds no sample at 1000 Hz"):
        segment(np.ones(300), RATE, 0.1001, 0.1002)
    with pytest.raises(InputError, match="positive number of seconds"):
        segment(np.ones(300), RATE, duration=0)
