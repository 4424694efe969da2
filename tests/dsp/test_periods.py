"""The longest pitch period of a voice."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.dsp.periods import longest_period
from otoscope.errors import InputError


def test_it_is_that_of_the_lowest_f0_but_for_single_frames() -> None:
    f0 = np.full(100, 125.0)
    f0[:30] = 100
    f0[0] = 50  # an octave too low
    f0[90:] = np.nan
    assert longest_period(f0) == pytest.approx(0.01)
    assert longest_period([0.0, 200.0]) == pytest.approx(0.005)


def test_a_sound_without_a_voice_has_none() -> None:
    for f0 in ([], [np.nan], [0.0]):
        with pytest.raises(InputError, match="no voice in the sound"):
            longest_period(f0)
