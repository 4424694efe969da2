"""Where a power lies, against every run there is; places elsewhere; sentences at their thresholds."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from otoscope.dsp.interventions import band_stop, silent_gap
from otoscope.trust.elsewhere import mel_axis, removal_in_frequency, removal_in_time, starts_elsewhere, time_axis
from otoscope.trust.focus import focus_of, shortest
from otoscope.trust.verdict import summed_up, verdict_of_control, verdict_of_fall, verdict_of_test


@pytest.mark.parametrize("seed", range(20))
def test_the_shortest_run_is_that_of_all_runs(seed: int) -> None:
    draw = np.random.default_rng(seed)
    weights, share = draw.random(17) ** 4, draw.uniform(0.05, 0.95)
    runs = [(j - i, i, j) for i in range(17) for j in range(i, 17)]
    wanted = next((i, j) for _, i, j in sorted(runs) if weights[i : j + 1].sum() >= share * weights.sum())
    assert shortest(weights, share) == wanted


def test_all_of_a_single_cell_is_that_cell() -> None:
    weights = np.zeros(9)
    weights[4] = 1e-300
    assert shortest(weights, 0.5) == (4, 4)


def test_without_power_there_is_no_focus() -> None:
    focus = focus_of(np.zeros((5, 4)), np.arange(4) * 0.01, np.arange(5) * 100.0, 0.04)
    assert math.isnan(focus.start) and math.isnan(focus.high) and not focus.is_somewhere


def test_what_lies_below_50_hz_has_no_band() -> None:
    power = np.zeros((5, 4))
    power[0, 1] = 1.0
    focus = focus_of(power, np.arange(4) * 0.01, np.arange(5) * 100.0, 0.04)
    assert focus.start == pytest.approx(0.005) and math.isnan(focus.low) and not focus.is_somewhere


@pytest.mark.parametrize("seed", range(20))
def test_places_lie_elsewhere_and_are_as_large(seed: int) -> None:
    draw = np.random.default_rng(seed)
    start, overlap = draw.uniform(0, 0.6), draw.choice([0.0, 0.25, 0.5])
    stop = start + draw.uniform(0.01, 0.35)
    for axis in (time_axis(1.0),):
        low, high = (float(one) for one in axis.to([start, stop]))
        places = axis.places((start, stop), 24, overlap)
        assert len(places) in (0, 24)
        for one, other in places:
            a, b = (float(edge) for edge in axis.to([one, other]))
            assert 0 <= one < other <= 1 + 1e-12 and b - a == pytest.approx(high - low)
            assert min(b, high) - max(a, low) <= overlap * (high - low) + 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_parts_of_equal_energy_take_as_much_away_and_are_no_narrower_than_edges(seed: int) -> None:
    rng = np.random.default_rng(seed)
    time = np.arange(4000) / 8000
    tones = sum(10 * np.sin(2 * np.pi * f * time) for f in (440.0, 1230.0))  # nearly all of the energy
    sound = (rng.standard_normal(4000) * rng.random(40).repeat(100) + tones)[None]
    sound *= np.hanning(4000)  # so that nothing rings past its ends, where it is cut
    wave = torch.from_numpy(sound[0])
    for removal, cut, focus in (
        (removal_in_time(sound, 8000), silent_gap, (0.2, 0.26)),
        (removal_in_frequency(sound, 8000), band_stop, (380.0, 480.0)),
        (removal_in_frequency(sound, 8000), band_stop, (2000.0, 2400.0)),
    ):
        own = float((wave - cut(wave, 8000, *focus)).square().sum())
        places = removal.places(focus, 24, 0.5)
        assert len(set(places)) == len(places) and places
        assert all(high - low >= removal.edge for low, high in places)
        taken = [float((wave - cut(wave, 8000, *part)).square().sum()) for part in places]
        np.testing.assert_allclose(taken, own, rtol=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_bands_of_a_sound_that_starts_abruptly_take_as_much_away_as_they_should(seed: int) -> None:
    """What rings past the ends of such a sound, or before it, is cut, and not the same share of every band."""
    rng, time = np.random.default_rng(seed), np.arange(2000) / 8000
    sound = np.exp(-time / 0.05) * (np.cos(2 * np.pi * 500 * time) + rng.standard_normal(2000))
    wave = torch.from_numpy(sound)

    def taken(band: tuple[float, float]) -> float:
        return float((wave - band_stop(wave, 8000, *band)).square().sum())

    focus = (1200.0, 1500.0)
    places = removal_in_frequency(sound[None], 8000).places(focus, 24, 0.5)
    assert places
    np.testing.assert_allclose([taken(band) for band in places], taken(focus), rtol=0.011)


def test_bands_are_as_wide_in_mel() -> None:
    axis = mel_axis(50.0, 4000.0)
    widths = [float(np.diff(axis.to(band))[0]) for band in axis.places((400.0, 600.0), 24, 0.5)]
    np.testing.assert_allclose(widths, np.diff(axis.to([400.0, 600.0]))[0])


def test_where_there_is_no_room_there_is_no_place() -> None:
    assert starts_elsewhere(0, 1, 0.1, 0.8, 24, 0.5).size == 0
    assert starts_elsewhere(0, 1, 0.5, 0.0, 24, 0.5).size == 0


@pytest.mark.parametrize(
    ("runner_up", "random", "level"),
    [
        (0.95, 0.0, "no"), (0.9499, 0.6999, "ok"), (0.9499, 0.7, "care"), (0.95, 0.7, "no"), (math.nan, 0.2, "care"),
        (math.nan, 0.9, "care"), (-1.0, math.nan, "care"), (math.nan, math.nan, "none"),
    ],
)  # fmt: skip
def test_a_control_is_judged_at_its_thresholds(runner_up: float, random: float, level: str) -> None:
    found = verdict_of_control(runner_up, random, "6")
    assert found.level == level
    assert ("not evidence for this class" in found.sentence) == (runner_up >= 0.95)
    assert ("random weights draw much of the same picture" in found.sentence) == (random >= 0.7)


@pytest.mark.parametrize(
    ("changed", "elsewhere", "places", "level"),
    [(1, 0, 48, "ok"), (1, 1, 48, "care"), (1, 0, 0, "care"), (0, 0, 48, "care"), (math.nan, 0, 48, "none")],
)
def test_a_test_is_judged_by_what_changes(changed: float, elsewhere: int, places: int, level: str) -> None:
    found = verdict_of_test(changed, elsewhere, places)
    assert found.level == level and " 0 of " not in found.sentence


@pytest.mark.parametrize(
    ("fall", "elsewhere", "places", "level"),
    [(1, 0, 48, "ok"), (1, 1, 48, "care"), (1, 0, 0, "care"), (0, 0, 48, "care"), (-1, 0, 48, "care"),
     (math.nan, 0, 48, "none")],
)  # fmt: skip
def test_a_score_is_judged_by_whether_it_falls_most(fall: float, elsewhere: int, places: int, level: str) -> None:
    found = verdict_of_fall("the logit of 8", fall, elsewhere, places)
    assert found.level == level and "the logit of 8" in found.sentence and " 0 of " not in found.sentence


def test_one_part_that_is_needed_is_enough() -> None:
    stays, changes, unknown = (verdict_of_test(one, 0, 24) for one in (0, 1, math.nan))
    assert summed_up({"time": stays, "band": changes}).level == "ok"
    assert summed_up({"time": stays, "band": unknown}).level == "care"
    assert summed_up({"time": unknown, "band": unknown}).level == "none"
