"""Facts of sounds that are known since they were made so."""

from __future__ import annotations

import math

import numpy as np
import pytest

from otoscope.dsp.sound_facts import quantities, sound_facts
from otoscope.errors import InputError

RATE = 8000
TIME = np.arange(RATE) / RATE


def harmonic(f0: float) -> np.ndarray:
    return sum(np.cos(2 * np.pi * f0 * k * TIME) / k for k in range(1, 8))  # type: ignore[return-value]


def test_every_fact_is_named_and_every_named_one_measured() -> None:
    assert sound_facts(harmonic(120), RATE, voice=False).keys() == quantities(RATE).keys()
    assert [name for name in quantities(16_000) if name.startswith("band_")] == [
        f"band_{centre}" for centre in (125, 250, 500, 1000, 2000, 4000, 8000)
    ]


def test_level_is_that_of_a_sine_and_moves_alone() -> None:
    loud = sound_facts(np.sin(2 * np.pi * 500 * TIME), RATE, voice=False)
    soft = sound_facts(0.1 * np.sin(2 * np.pi * 500 * TIME), RATE, voice=False)
    assert loud["level"] == pytest.approx(-3.01, abs=0.01) and soft["level"] == pytest.approx(-23.01, abs=0.01)
    for name in loud.keys() - {"level"}:
        assert soft[name] == pytest.approx(loud[name], rel=1e-6, abs=1e-6, nan_ok=True), name


def test_f0_is_that_of_the_sound_and_noise_has_none() -> None:
    pytest.importorskip("parselmouth")
    assert sound_facts(harmonic(173), RATE)["f0"] == pytest.approx(173, rel=0.01)
    assert sound_facts(harmonic(173), RATE)["voiced"] > 0.9
    noise = sound_facts(np.random.default_rng(0).normal(size=RATE), RATE)
    assert math.isnan(noise["f0"]) or noise["voiced"] < 0.2


def test_the_spectrum_of_two_sines_has_their_mean_and_spread() -> None:
    facts = sound_facts(np.sin(2 * np.pi * 500 * TIME) + np.sin(2 * np.pi * 1500 * TIME), RATE, voice=False)
    assert facts["centroid"] == pytest.approx(1000, abs=1) and facts["spread"] == pytest.approx(500, abs=1)
    assert facts["band_500"] == pytest.approx(-3.01, abs=0.01) and facts["band_250"] < -60
    noise = sound_facts(np.random.default_rng(0).normal(size=RATE), RATE, voice=False)
    assert noise["flatness"] == pytest.approx(-2.5, abs=0.3)  # e to the minus of Euler's constant
    assert facts["flatness"] < -60


def test_the_rate_of_modulation_is_that_of_the_envelope() -> None:
    carrier = np.random.default_rng(0).normal(size=4 * RATE)
    time = np.arange(4 * RATE) / RATE
    for rate in (4, 16):
        facts = sound_facts((1 + 0.9 * np.sin(2 * np.pi * rate * time)) * carrier, RATE, voice=False)
        assert facts["modulation_rate"] == pytest.approx(rate, rel=0.35)
        assert facts["modulation_depth"] > 0.3
    assert sound_facts(carrier, RATE, voice=False)["modulation_depth"] < 0.15


def test_a_click_is_more_of_an_onset_than_a_slow_rise() -> None:
    noise = np.random.default_rng(0).normal(size=RATE)
    sudden, slow = noise * (TIME > 0.5), noise * 10 ** (4 * (TIME - 1))
    assert sound_facts(sudden, RATE, voice=False)["onset"] > 2 * sound_facts(slow, RATE, voice=False)["onset"]


def test_silence_has_a_duration_alone_and_short_sounds_no_f0() -> None:
    facts = sound_facts(np.zeros(400), RATE)
    assert facts.pop("duration") == 0.05 and all(math.isnan(one) for one in facts.values())
    short = sound_facts(np.ones(1), RATE)
    assert short["level"] == 0 and math.isnan(short["f0"]) and math.isnan(short["centroid"])


@pytest.mark.parametrize("wrong", [np.zeros((2, 3)), np.zeros(0), np.array([1.0, np.nan])])
def test_what_is_no_sound_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(InputError, match="finite samples"):
        sound_facts(wrong, RATE)
