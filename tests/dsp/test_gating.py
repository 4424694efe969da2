"""Frames that are loud enough to be measured in, and those with a voice."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.dsp.gating import loud_frames, voiced_frames
from otoscope.errors import InputError

RATE = 8000


@pytest.mark.parametrize(("level", "loud"), [(-20, True), (-29, True), (-31, False), (-60, False)])
def test_a_frame_is_loud_within_so_many_db_of_the_loudest(level: float, loud: bool) -> None:
    signal = np.concatenate([np.ones(800), np.full(800, 10 ** (level / 20))])
    assert loud_frames(signal, RATE, [0.05, 0.15], below=30).tolist() == [True, loud]


def test_the_scale_of_a_signal_does_not_matter_and_silence_is_not_loud() -> None:
    signal = np.random.default_rng(0).standard_normal(1600) * np.linspace(0, 1, 1600)
    times = np.arange(20) / 100
    expected = loud_frames(signal, RATE, times, below=20)
    assert not expected.all() and expected.any()
    np.testing.assert_array_equal(loud_frames(1e-12 * signal, RATE, times, below=20), expected)
    assert not loud_frames(np.zeros(100), RATE, [0.0], below=30).any()


def test_times_outside_of_the_sound_have_the_level_of_its_ends() -> None:
    assert loud_frames(np.ones(100), RATE, [-1.0, 5.0], below=30).all()


def test_what_is_no_gate_is_refused() -> None:
    for signal, below in (([1.0], 0.0), ([], 30.0), ([[1.0]], 30.0)):
        with pytest.raises(InputError, match="a gate needs"):
            loud_frames(signal, RATE, [0.0], below)


def test_the_nearest_frame_decides_on_the_voice() -> None:
    found = voiced_frames([100.0, np.nan, 90.0], [0.01, 0.02, 0.03], [0.0, 0.014, 0.016, 0.024, 0.026, 0.9])
    assert found.tolist() == [True, True, False, False, True, True]
    assert voiced_frames([100.0], [0.01], [0.0, 0.5]).tolist() == [True, True]
