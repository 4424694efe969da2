"""The synthesiser against Praat, against the Fourier spectrum it promises, and against wrong input."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otoscope.data.hillenbrand import DEVIATIONS, GROUPS, MEANS, MEASURES, WORDS
from otoscope.data.vowels import (
    F0_RANGE,
    REFERENCE,
    SYMBOLS,
    TRACT_RANGE,
    Vowel,
    draw,
    mean_vowel,
    register,
    synthesise,
    vowel_clip,
)
from otoscope.errors import InputError

RATE = 16_000


def praat(vowel: Vowel, wave: np.ndarray) -> tuple[float, np.ndarray]:
    """Median F0 and F1 to F3 by Praat, its ceiling halfway between the fifth and the sixth formant."""
    parselmouth = pytest.importorskip("parselmouth", reason="parselmouth (Praat) is not installed")
    sound = parselmouth.Sound(wave.astype(float), RATE)
    pitch = sound.to_pitch(time_step=0.01, pitch_floor=75, pitch_ceiling=500).selected_array["frequency"]
    ceiling = vowel.formants[3] + 1500 / vowel.tract_length
    burg = sound.to_formant_burg(max_number_of_formants=5, maximum_formant=ceiling, window_length=0.025)
    times = np.arange(0.1, 0.4, 0.01)
    formants = [np.median([burg.get_value_at_time(n, t) for t in times]) for n in (1, 2, 3)]
    return float(np.median(pitch[pitch > 0])), np.array(formants)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_praat_measures_what_was_put_in(symbol: str, group: str) -> None:
    """At an F0 of 100 Hz the harmonics are dense enough for linear prediction to find the formants."""
    vowel = mean_vowel(symbol, group, f0=100)
    f0, formants = praat(vowel, synthesise(vowel))
    error = np.abs(formants / vowel.formants[:3] - 1)
    assert f0 == pytest.approx(100, rel=0.001)
    assert error[0] < 0.05
    assert error[1:].max() < 0.015


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_praat_at_the_groups_own_f0(symbol: str, group: str) -> None:
    """At a high F0 linear prediction is drawn to the nearest harmonic, yet stays within a deviation."""
    vowel = mean_vowel(symbol, group)
    f0, formants = praat(vowel, synthesise(vowel))
    error = np.abs(formants - vowel.formants[:3]) / DEVIATIONS[group][symbol][1:4]
    assert f0 == pytest.approx(vowel.f0, rel=0.01)
    assert error.max() < 1


@pytest.mark.parametrize("f0", [90.0, 137.3, 320.0])
def test_energy_lies_at_the_harmonics_and_nowhere_else(f0: float) -> None:
    """Folded harmonics would fall between the true ones; a Blackman-Harris window sees down to -92 dB."""
    from scipy.signal.windows import blackmanharris

    wave = synthesise(mean_vowel("ae", "men", f0), duration=1.0)[800:-800].astype(float)
    spectrum = np.abs(np.fft.rfft(wave * blackmanharris(len(wave), sym=False)))
    f = np.fft.rfftfreq(len(wave), 1 / RATE)
    away = np.abs(f - f0 * np.clip(np.round(f / f0), 1, np.ceil(RATE / 2 / f0) - 1)) > 10
    assert 20 * np.log10(spectrum[away].max() / spectrum.max()) < -85
    peak = f[spectrum.argmax()]
    assert peak / f0 == pytest.approx(round(peak / f0), abs=1.2 / f0)


def test_harmonic_amplitudes_follow_source_and_resonators() -> None:
    """Against the transfer function written out: poles in the z-plane, tilt and radiation at each harmonic."""
    vowel = Vowel("uh", "men", 125.0, (600.0, 1200.0, 2500.0, 3500.0, 4500.0, 5500.0, 6500.0, 7500.0))
    wave = synthesise(vowel, duration=1.0).astype(float)
    period = wave[4000 : 4000 + RATE // 125 * 50]  # 50 whole periods: the DFT is exact at the harmonics
    k = np.arange(1, 40)
    measured = np.abs(np.fft.rfft(period))[50 * k]
    z = np.exp(2j * np.pi * 125 * k / RATE)
    expected = 125 * k / (1 + (125 * k / 100) ** 2) ** (12 / (2 * 20 * np.log10(2)))
    for formant in vowel.formants:
        pole = np.exp((-np.pi * (40 + formant / 25) + 2j * np.pi * formant) / RATE)
        expected *= np.abs((1 - pole) * (1 - pole.conj()) / (1 - pole / z) / (1 - pole.conj() / z))
    level = 20 * np.log10(measured / expected)
    assert np.ptp(level) < 0.01


def test_tilt_turns_the_spectrum() -> None:
    """6 dB an octave of tilt more: 6 dB more between harmonics an octave apart, far above the corner."""
    vowel = mean_vowel("uh", "men", 125.0)
    bins = [50 * 16, 50 * 32]
    dark, bright = (
        np.abs(np.fft.rfft(synthesise(vowel, duration=1.0, tilt=t)[4000:10400]))[bins] for t in (-12.0, -6.0)
    )
    fall = 20 * np.log10((dark[1] / dark[0]) / (bright[1] / bright[0]))
    assert fall == pytest.approx(-6, abs=0.05)


def test_samples_are_float32_at_the_peak_asked_for_and_fade_to_silence() -> None:
    wave = synthesise(mean_vowel("oo", "children"), sample_rate=22_050, duration=0.2, peak=0.8)
    assert wave.dtype == np.float32
    assert wave.shape == (4410,)
    assert np.abs(wave).max() == pytest.approx(0.8)
    assert np.abs(wave[[0, -1]]).max() < 1e-3


def test_clean_vowel_repeats_each_period_and_options_break_that() -> None:
    vowel = mean_vowel("ah", "men", f0=160)  # 100 samples a period

    def change(**options: Any) -> float:
        wave = synthesise(vowel, **options)[400:-400].astype(float)
        return float(np.abs(wave[100:] - wave[:-100]).max() / np.abs(wave).max())

    assert change() < 1e-5
    for option in ("jitter", "shimmer", "breath"):
        assert change(**{option: 0.05}) > 0.01


def test_synthesis_with_noise_repeats_with_its_seed() -> None:
    vowel = mean_vowel("er")
    options: dict[str, Any] = {"jitter": 0.01, "shimmer": 0.05, "breath": 0.1}
    first, again, other = (synthesise(vowel, **options, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("mode", ["independent", "natural"])
def test_draws_repeat_with_their_seed(mode: str) -> None:
    assert draw(20, 7, mode) == draw(20, 7, mode)
    assert draw(20, 7, mode) != draw(20, 8, mode)


def test_independent_draws_are_independent_and_fill_their_ranges() -> None:
    vowels = draw(4000, seed=3)
    f0 = np.log([v.f0 for v in vowels])
    length = np.log([v.tract_length for v in vowels])
    names = np.array([[v.symbol == s for s in SYMBOLS] for v in vowels], dtype=float)
    table = np.corrcoef(np.column_stack([f0, length, names]), rowvar=False)
    assert abs(table[0, 1]) < 0.05  # three standard errors of 4000 draws
    assert np.abs(table[:2, 2:]).max() < 0.065  # the largest of 24
    for values, bounds in ((f0, F0_RANGE), (length, TRACT_RANGE)):
        low, high = np.log(bounds)
        assert low <= values.min() < values.max() <= high
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.02 * (high - low))
    assert names.mean(0) == pytest.approx(np.full(12, 1 / 12), abs=0.02)


def test_independent_formants_are_the_reference_scaled_by_the_tract() -> None:
    for vowel in draw(50, seed=4):
        assert np.array(vowel.formants) * vowel.tract_length == pytest.approx(REFERENCE[vowel.symbol][1:])
        f0, *formants = np.sqrt(np.array(MEANS["men"][vowel.symbol]) * MEANS["women"][vowel.symbol])
        assert REFERENCE[vowel.symbol] == pytest.approx((f0, *formants))


def test_spread_scatters_formants_by_as_much_as_it_says() -> None:
    vowels = draw(3000, seed=5, spread=0.03)
    ratio = np.array([np.array(v.formants) * v.tract_length / REFERENCE[v.symbol][1:] for v in vowels])
    assert ratio.mean(0) == pytest.approx(np.ones(4), abs=0.003)
    assert ratio.std(0) == pytest.approx(np.full(4, 0.03 * 0.88), rel=0.05)  # 0.88: cut at two deviations


def test_natural_draws_have_the_means_and_deviations_of_their_group() -> None:
    vowels = draw(8000, seed=6, mode="natural")
    for group in GROUPS:
        for symbol in ("iy", "ah", "uw"):
            ours = [(v.f0, *v.formants) for v in vowels if (v.group, v.symbol) == (group, symbol)]
            z = (np.array(ours) - MEANS[group][symbol]) / DEVIATIONS[group][symbol]
            assert np.abs(z).max() <= 2
            assert np.abs(z.mean(0)).max() < 4 * 0.88 / np.sqrt(len(ours))
    scale = np.corrcoef([v.f0 for v in vowels], [v.formants[2] for v in vowels])[0, 1]
    assert scale > 0.3  # short tracts come with high voices


def test_tract_lengths_of_the_groups_are_ordered_as_in_people() -> None:
    men, women, children = (mean_vowel("iy", group).tract_length for group in GROUPS)
    assert men > 1 > women > children
    assert men * women == pytest.approx(1)  # the reference is their geometric mean


def test_table_is_whole_and_rises() -> None:
    for group in GROUPS:
        assert set(MEANS[group]) == set(DEVIATIONS[group]) == set(SYMBOLS) == set(WORDS)
        for symbol in SYMBOLS:
            assert len(MEANS[group][symbol]) == len(DEVIATIONS[group][symbol]) == len(MEASURES)
            assert (np.diff(MEANS[group][symbol]) > 0).all()


def test_table_is_the_published_one() -> None:
    """Every mean and deviation against the authors' own summary file."""
    folder = os.environ.get("OTOSCOPE_DATA")
    path = Path(folder or "") / "aev" / "vowdata.ds"
    if not folder or not path.is_file():
        pytest.skip("the file aev/vowdata.ds is not there; set OTOSCOPE_DATA to the folder that holds aev")
    letters = {"m": "men", "w": "women", "c": "children"}
    found = 0
    for fields in (line.split() for line in path.read_text(encoding="latin-1").splitlines()):
        if len(fields) == 9 and fields[1] in letters and fields[-1] in MEASURES:
            symbol, group, column = fields[0], letters[fields[1]], MEASURES.index(fields[-1])
            assert MEANS[group][symbol][column] == pytest.approx(float(fields[2]), abs=0.051)
            assert DEVIATIONS[group][symbol][column] == pytest.approx(float(fields[3]), abs=0.051)
            found += 1
    assert found == 12 * 3 * 5


def test_clip_carries_its_truth() -> None:
    clip = vowel_clip("iy", "women", f0=220, duration=0.3)
    assert clip.dims == ("time",)
    assert clip.dtype == np.float32
    assert clip.sizes["time"] == 4800
    assert np.array_equal(clip.values, synthesise(mean_vowel("iy", "women", 220), duration=0.3))
    assert clip.attrs["sample_rate"] == RATE
    assert clip.attrs["f0"] == 220
    assert tuple(clip.attrs["formants"]) == MEANS["women"]["iy"][1:]
    assert len(clip.attrs["sha256"]) == 64
    assert clip.attrs["sha256"] != vowel_clip("iy", "women", f0=221, duration=0.3).attrs["sha256"]


@pytest.mark.parametrize(("f0", "name"), [(90, "low"), (139.9, "low"), (140, "mid"), (214.9, "mid"), (215, "high")])
def test_register_by_its_bounds(f0: float, name: str) -> None:
    assert register(f0) == name


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: mean_vowel("xx"), "unknown vowel 'xx': choose one of ae,"),
        (lambda: mean_vowel("iy", "dogs"), "unknown group 'dogs': choose one of men, women, children"),
        (lambda: mean_vowel("iy", f0=-1), "f0 must be a positive frequency"),
        (lambda: mean_vowel("iy", f0=float("nan")), "f0 must be a positive frequency"),
        (lambda: Vowel("iy", "men", 100, ()), "formants must be positive and rising"),
        (lambda: Vowel("iy", "men", 100, (500, 400)), "formants must be positive and rising"),
        (lambda: Vowel("iy", "men", 100, (500, float("nan"))), "formants must be positive and rising"),
        (lambda: replace(mean_vowel("iy"), tract_length=0), "tract_length must be a positive ratio"),
        (lambda: synthesise(mean_vowel("iy"), sample_rate=8000), "F4 = 4353 Hz .* sample rate above 8705 Hz"),
        (lambda: synthesise(mean_vowel("iy", f0=5000)), "fewer than two harmonics"),
        (lambda: synthesise(mean_vowel("iy"), sample_rate=0), "sample_rate must be positive"),
        (lambda: synthesise(mean_vowel("iy"), duration=0.01), "duration must be at least 0.03 s"),
        (lambda: synthesise(mean_vowel("iy"), duration=float("inf")), "duration must be at least 0.03 s"),
        (lambda: synthesise(mean_vowel("iy"), peak=1.5), "peak must lie above 0 and not above 1"),
        (lambda: synthesise(mean_vowel("iy"), tilt=6), "tilt must lie between -24 and 0"),
        (lambda: synthesise(mean_vowel("iy"), jitter=0.5), "jitter must lie between 0 and 0.1"),
        (lambda: draw(0, 1), "n must be at least 1"),
        (lambda: draw(1, 1, "made-up"), "unknown mode 'made-up': choose independent or natural"),
        (lambda: draw(1, 1, spread=1), "spread must lie between 0 and 0.1"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        call()
