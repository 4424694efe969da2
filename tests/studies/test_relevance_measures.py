"""The measures of the relevance study on signals and rows whose answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otoscope.studies.estimate import mean_over_runs_and_clips
from otoscope.studies.found import Found
from otoscope.studies.relevance import measures
from otoscope.studies.relevance.likeness import (
    against_others,
    contours_alike,
    cross_correlation,
    harmonic_contrast,
    level_per_hz,
    period,
)
from otoscope.studies.relevance.vowels import permuted
from otoscope.studies.store import Kept

RATE = 16_000
TIME = np.arange(4000) / RATE
RNG = np.random.default_rng(0)


def voice(f0: float, seed: int = 0) -> np.ndarray:
    phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, 100)
    numbers = range(1, int(4000 / f0))
    found: np.ndarray = np.sum([np.cos(2 * np.pi * f0 * k * TIME + phases[k]) / k for k in numbers], axis=0)
    return found


@pytest.mark.parametrize("moved", [-60, 0, 70])
def test_a_signal_that_is_moved_correlates_with_itself(moved: int) -> None:
    noise = RNG.standard_normal(4000)
    assert cross_correlation(noise, -2 * np.roll(noise, moved), 80) > 0.95
    assert cross_correlation(noise, np.roll(noise, 200), 80) < 0.2
    assert np.isnan(cross_correlation(noise, 0 * noise, 80))


@pytest.mark.parametrize("f0", [90.0, 160.0, 320.0])
def test_the_period_of_a_voice_is_found_whatever_its_phases(f0: float) -> None:
    lag, height = period(voice(f0, seed=3)[:800], RATE, 75, 400)
    assert lag == pytest.approx(1 / f0, rel=0.02) or lag == pytest.approx(2 / f0, rel=0.02)
    assert height > 0.8
    assert period(RNG.standard_normal(800), RATE, 75, 400)[1] < 0.6


def test_unvoiced_frames_count_as_different_and_frames_without_voice_not_at_all() -> None:
    true = np.array([100.0, 100.0, np.nan, 200.0])
    assert contours_alike(np.array([104.0, 106.0, 100.0, np.nan]), true) == pytest.approx(1 / 3)
    assert np.isnan(contours_alike(true, np.full(4, np.nan)))


def test_chance_is_the_mean_over_all_others_and_leaves_out_what_is_not_known() -> None:
    alike = lambda a, b: np.nan if b is None else float(a == b)  # noqa: E731
    own, chance = against_others(alike, ["x", "y", "x"], ["x", None, "y"])
    np.testing.assert_array_equal(own, [1, np.nan, 0])
    np.testing.assert_array_equal(chance, [0, 0.5, 1])


def test_coherence_is_at_harmonics_only_where_both_have_the_voice() -> None:
    one, other = (0.5 * RNG.standard_normal(4000) for _ in range(2))
    assert harmonic_contrast(voice(200) + one, voice(200, 1) + other, RATE, 200) > 0.4
    assert abs(harmonic_contrast(one, other, RATE, 200)) < 0.2


def test_levels_are_per_hz() -> None:
    noise = RNG.standard_normal(64_000)
    assert level_per_hz(noise, RATE, 50, 1000) == pytest.approx(level_per_hz(noise, RATE, 2000, 3500), abs=0.5)
    assert level_per_hz(10 * noise, RATE, 50, 1000) - level_per_hz(noise, RATE, 50, 1000) == pytest.approx(20)


def test_silence_is_like_nothing(recwarn: pytest.WarningsRecorder) -> None:
    """As where a network has no relevance for a sound."""
    sound, silence = voice(150), np.zeros(4000)
    assert np.isnan(level_per_hz(silence, RATE, 50, 1000)) and np.isnan(harmonic_contrast(sound, silence, RATE, 150))
    assert np.isnan(period(silence, RATE, 75, 400)).all() and np.isnan(cross_correlation(sound, silence, 80))
    assert not recwarn.list


def test_what_is_known_permuted_is_what_drawing_permutations_gives() -> None:
    known, deviation = RNG.normal(120, 20, 12), np.full(12, 15.0)
    measured = known + RNG.normal(0, 10, 12)
    measured[3] = np.nan
    own, chance = permuted(measured.tolist(), known.tolist(), deviation.tolist())
    assert own == (np.abs(measured - known) <= 15).tolist() and not own[3] and chance[3] == 0
    drawn = []
    for _ in range(4000):
        order = RNG.permutation(12)
        drawn.append(np.where(order == np.arange(12), np.nan, np.abs(measured - known[order]) <= 15))
    np.testing.assert_allclose(chance[:3], np.nanmean(drawn, 0)[:3], atol=0.05)


# -- From rows to estimates -------------------------------------------------------------------------------


def found(**tables: list[dict[str, Any]]) -> Found:
    return Found({name: [Kept(Path(), "", "", rows)] for name, rows in tables.items()})


def rows(system: str, weights: str, score: Any, data: str = "free", **more: Any) -> list[dict[str, Any]]:
    return [
        {"data": data, "system": system, "weights": weights, "seed": seed, "sound": f"s{n}", **score(seed, n), **more}
        for seed in range(3)
        for n in range(8)
    ]


def test_right_values_are_judged_above_chance_in_the_group_alone() -> None:
    score = lambda seed, n: {"F0": n % 2 == 0, "F0_chance": 0.25 + 0.01 * seed}  # noqa: E731
    other = lambda seed, n: {"F0": True, "F0_chance": 0.0}  # noqa: E731
    table = rows("phones", "trained", score, group="men") + rows("phones", "trained", other, group="women")
    one = measures.right(found(vowels=table), "F0", "men")
    assert one is not None and one.value == pytest.approx(0.5 - 0.26)
    assert one.low < one.value < one.high and one.of == "synthesised vowels, 3 runs, 8 sounds"


def test_networks_are_compared_sound_by_sound() -> None:
    score, worse = ((lambda seed, n, most=most: dict.fromkeys(("F0", "F1", "F2"), n < most)) for most in (4, 2))
    table = found(vowels=rows("phones", "trained", score) + rows("phones", "random", worse))
    one = measures.learned(table)
    assert one is not None and one.value == pytest.approx(0.25)
    assert measures.learned_from_labels(table) is None


def test_the_data_of_the_paper_goes_first_and_its_phones_stand_for_digits() -> None:
    def gain(value: float) -> Any:
        return lambda seed, n: {"gain_2000_3500": value, "gain_3500_5000": value}

    table = found(
        signals=rows("speakers", "trained", gain(9.0))
        + rows("digits", "trained", gain(0.0))
        + rows("speakers", "trained", gain(2.0), data="large")
        + rows("phones", "trained", gain(1.0), data="large")
    )
    for measure in (measures.mid_band, measures.high_band):
        one = measure(table)
        assert one is not None and one.value == pytest.approx(1) and one.of.startswith("TIMIT speakers")


def test_of_two_ways_of_listening_the_less_favourable_one_is_judged() -> None:
    heard, less = (lambda seed, n: {"heard": True}), (lambda seed, n: {"heard": False})
    high, low = (lambda seed, n: {"stoi": 0.5 + 0.01 * n}), (lambda seed, n: {"stoi": 0.49 + 0.01 * n})
    table = found(
        heard=rows("digits", "trained", heard) + rows("speakers", "trained", less),
        stoi=rows("digits", "trained", high) + rows("speakers", "trained", low),
    )
    one = measures.less_intelligible(table)
    assert one is not None and one.of.startswith("STOI") and one.value == pytest.approx(-0.01)


def test_bands_follow_the_f_ratio_by_rank() -> None:
    bands = [
        {"data": "free", "system": "speakers", "weights": "trained", "seed": seed,
         "f_ratio": n**2, "emphasis": 2 + n + seed, "input_emphasis": 1.0}
        for seed in range(3)
        for n in range(10)
    ]  # fmt: skip
    one = measures.bands_of_speakers(found(bands=bands))
    assert one is not None and one.value == pytest.approx(1)


# -- Intervals --------------------------------------------------------------------------------------------


def test_the_interval_over_runs_and_clips_holds_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(400):
        table = rng.normal(0, 1, (4, 1)) + rng.normal(0, 2, (1, 30)) + rng.normal(0, 1, (4, 30))
        one = mean_over_runs_and_clips(table, "made")
        inside += one.low <= 0 <= one.high
    assert inside / 400 > 0.92


def test_one_run_has_no_interval_and_what_is_not_known_is_left_out() -> None:
    assert mean_over_runs_and_clips([[1.0, 2.0]], "one run").interval == ""
    table = [[1.0, np.nan, 3.0], [1.0, np.nan, 3.0]]
    assert mean_over_runs_and_clips(table, "two runs").value == 2
