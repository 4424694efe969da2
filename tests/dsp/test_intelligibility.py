"""STOI: what it is of signals whose answer is known, and of those of another implementation."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope.dsp.intelligibility import RATE, stoi
from otoscope.errors import InputError

TIME = np.arange(2 * RATE) / RATE
SPEECH = np.random.default_rng(0).standard_normal(TIME.size) * (1.05 + np.sin(2 * np.pi * 4 * TIME))
"""Noise whose level moves as that of syllables."""
NOISE = np.random.default_rng(1).standard_normal(TIME.size)


def test_a_sound_is_as_intelligible_as_itself_at_any_level() -> None:
    assert stoi(SPEECH, 1e-6 * SPEECH, RATE) == pytest.approx(1, abs=1e-6)
    assert stoi(SPEECH, -3 * SPEECH, RATE) == pytest.approx(1, abs=1e-6)


def test_noise_takes_intelligibility_away() -> None:
    found = [stoi(SPEECH, SPEECH + level * NOISE, RATE) for level in (0.1, 0.5, 2, 10)]
    assert found == sorted(found, reverse=True) and found[0] > 0.9 > 2 * found[-1]


@pytest.mark.parametrize(("level", "expected"), [(0.5, 0.9602), (2.0, 0.6473)])
def test_it_is_that_of_pystoi(level: float, expected: float) -> None:
    """pystoi 0.4.1 on the same signals."""
    assert stoi(SPEECH, SPEECH + level * NOISE, RATE) == pytest.approx(expected, abs=1e-3)


def test_the_rate_does_not_matter() -> None:
    slow = np.sin(2 * np.pi * 300 * TIME) * (1.05 + np.sin(2 * np.pi * 4 * TIME))
    fast_time = np.arange(2 * 16_000) / 16_000
    fast = np.sin(2 * np.pi * 300 * fast_time) * (1.05 + np.sin(2 * np.pi * 4 * fast_time))
    assert stoi(slow, slow**2, RATE) == pytest.approx(stoi(fast, fast**2, 16_000), abs=0.02)


def test_silence_says_nothing() -> None:
    assert np.isnan(stoi(SPEECH, 0 * SPEECH, RATE))


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ((SPEECH, SPEECH[1:]), "one length"),
        ((SPEECH, SPEECH * np.nan), "finite"),
        ((SPEECH[:3000], SPEECH[:3000]), "0.41 s of speech"),
    ],
)
def test_what_cannot_be_compared_is_named(pair: tuple[np.ndarray, np.ndarray], message: str) -> None:
    with pytest.raises(InputError, match=message):
        stoi(*pair, RATE)
