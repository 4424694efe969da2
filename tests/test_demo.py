"""The first look: true by construction, on one vowel and on many, and no surer than it may be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import xarray as xr

from otoscope import Scope
from otoscope.data.hillenbrand import MEANS
from otoscope.data.vowels import mean_vowel, synthesise
from otoscope.demo import (
    MODELS,
    PLACES,
    RANDOM,
    SOUND,
    differing,
    nearest,
    run,
    share,
    share_at_harmonics,
    talkers,
    vowel_shares,
)
from otoscope.dsp.statistics import mean_interval


@pytest.fixture(scope="module")
def shares() -> xr.Dataset:
    return vowel_shares([Scope(name) for name in MODELS])


@pytest.mark.usefixtures("blank_pictures")
def test_demo_writes_one_page_and_says_what_each_model_answers(tmp_path: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    found = run(tmp_path, lambda *step: steps.append(step))
    name, register = found["models"]
    assert [name["model"], register["model"]] == list(MODELS)
    assert (name["class"], register["class"]) == ("ah", "mid")  # both are right about the sound
    assert (name["nearest_to"], register["nearest_to"]) == ("F2", "F0")
    assert name["share_at_f1_or_f2"] > 0.5 > name["share_at_f0"]
    assert register["share_at_f0"] > 0.5 > register["share_at_f1_or_f2"]
    assert steps
    page = Path(found["report"]).read_text("utf-8")
    assert page.count("<audio") == 3 and f"{found['vowels']} synthesised vowels" in page
    samples, rate = soundfile.read(found["sound"])
    assert (rate, len(samples)) == (16_000, 8000)
    with xr.open_dataset(tmp_path / "compare.nc") as loaded:
        assert loaded.mark.values.tolist() == ["F0", "F1", "F2"]
        assert loaded.mark_frequency[0] == found["f0"]


def test_what_the_models_listen_to_differs_in_every_vowel_and_beyond_chance(shares: xr.Dataset) -> None:
    name, register, untrained, sound = (
        {place: shares.sel(listener=listener, place=place) for place in PLACES} for listener in (*MODELS, RANDOM, SOUND)
    )
    assert shares.sizes["vowel"] == 12 * 3 * 3
    # The register of a voice: its fundamental, far above what the sound or random weights have there.
    for other in (name, untrained, sound):
        assert register["F0"]["ci_low"] > 4 * other["F0"]["ci_high"]
    # The name of a vowel: F1 and F2, and more than random weights bring back of them.
    assert name["F1 or F2"]["ci_low"] > 4 * register["F1 or F2"]["ci_high"]
    assert name["F1 or F2"]["ci_low"] > untrained["F1 or F2"]["ci_high"]
    # That is no more than the sound itself has there, which is why the demo shows both.
    assert name["F1 or F2"]["ci_low"] < sound["F1 or F2"]["ci_high"]
    # Harmonics do not tell the tasks apart: a vowel is made of nothing else.
    for one in (name, register, sound):
        assert one["harmonics"]["mean_share"] > 0.9
    assert min(differing(shares).values()) > 0.98


def test_it_holds_for_the_plain_gradient_too() -> None:
    """Which random weights do not turn into the sound."""
    shares = vowel_shares([Scope(name) for name in MODELS], talkers()[1::3], rule="gradient")
    mean = shares["mean_share"]
    assert mean.sel(listener="vowel-register", place="F0") > 0.8
    assert mean.sel(listener="vowel-name", place="F1 or F2") > 2 * mean.sel(listener=RANDOM, place="F1 or F2")
    assert mean.sel(listener=RANDOM, place="harmonics") == pytest.approx(0.5, abs=0.1)
    assert differing(shares)["F0"] == 1


def test_the_peak_of_the_register_model_follows_f0_and_that_of_the_namer_does_not() -> None:
    """Over voices from 90 to 300 Hz that say the same vowel."""
    voices = np.linspace(90, 300, 8)
    waves = np.stack([synthesise(mean_vowel("ah", "men", f0), 16_000, 0.25) for f0 in voices])
    peaks = {}
    for model in MODELS:
        spectrum = Scope(model).relevance(waves).relevance_spectrum.sel(frequency=slice(50, None))
        peaks[model] = spectrum.frequency.values[spectrum.values.argmax(-1)]
    np.testing.assert_allclose(peaks["vowel-register"], voices, atol=5)
    f1, f2 = MEANS["men"]["ah"][1:3]
    assert all(nearest(peak, f0, [f1, f2]) != "F0" for peak, f0 in zip(peaks["vowel-name"], voices, strict=True))
    assert np.ptp(np.log(peaks["vowel-name"])) < np.ptp(np.log(voices)) / 2


def test_shares_come_with_the_interval_of_their_mean(shares: xr.Dataset) -> None:
    for listener in (0, 3):
        mean, low, high = mean_interval(shares.share[listener].values)
        np.testing.assert_allclose(shares["mean_share"][listener], mean)
        np.testing.assert_allclose(shares["ci_low"][listener], low)
        np.testing.assert_allclose(shares["ci_high"][listener], high)


def test_talkers_are_all_vowels_of_all_groups_in_three_voices() -> None:
    vowels = talkers()
    assert len({(vowel.symbol, vowel.group, vowel.f0) for vowel in vowels}) == 108
    low, middle, high = vowels[:3]
    assert low.formants == middle.formants == high.formants
    assert high.f0 - middle.f0 == pytest.approx(middle.f0 - low.f0)


def test_shares_by_their_definition() -> None:
    frequency = np.arange(0, 1001, 10.0)
    white = xr.DataArray(np.ones(101), {"frequency": frequency}, ("frequency",))
    audible = 96  # bins from 50 Hz up
    assert share(white, [200.0], 100.0) == pytest.approx(11 / audible)  # 150 to 250 Hz
    assert share(white, [200.0, 800.0], 100.0) == pytest.approx((11 + 17) / audible)  # 10 % of 800 Hz to each side
    lines = white.where((frequency % 100 == 0), 0.0)
    assert share_at_harmonics(lines, 100.0) == 1
    assert share_at_harmonics(lines, 200.0) == pytest.approx(0.5)  # each second line lies in the middle between two
    assert share_at_harmonics(white, 100.0) == pytest.approx(0.5, abs=0.02)


def test_nearest_is_named() -> None:
    assert nearest(210.0, 200.0, [900.0, 1500.0]) == "F0"
    assert nearest(1300.0, 200.0, [900.0, 1500.0]) == "F2"
