"""The vowel data: the published file, a miniature of its official layout, and what is made where there is none."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from otoscope.data import aev, read
from otoscope.data.aev import (
    CLOSEST,
    FOLDERS,
    RATE,
    TALKERS,
    choose,
    draw_talkers,
    read_measurements,
    read_times,
    vowel_tokens,
)
from otoscope.data.find import find_sounds, sound_of
from otoscope.data.hillenbrand import DEVIATIONS, MEANS
from otoscope.data.vowels import SYMBOLS
from otoscope.errors import InputError

HEADING = "(c) nobody\n\nNote: zero means that the formant was not measurable.\n"
ROWS = """\
m01ae 323 174  663 2012 2659 3691  669 2008 2671  671 1992 2659  685 1773 2680 \r
m02iy 250 102  342 2322    0    0  342 2322    0  342 2322    0  342 2322    0 \r
w49ah 326 224 1145    0 3272 4370 1145    0 3272 1145    0 3272 1145    0 3272 \r
b15uh 307 280  654    0 3466    0  654    0 3466  654    0 3466  654    0 3466 \r
g21uw 227 225  446 1533 3269 4504  465 1622 3261  444 1525 3265  442 1619 3099 \r
"""
NAMES = ["m01ae", "m02iy", "w49ah", "b15uh", "g21uw"]


@pytest.fixture(autouse=True)
def no_data(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "published" not in request.fixturenames:
        monkeypatch.delenv("OTOSCOPE_DATA", raising=False)


@pytest.fixture
def published(data: Path) -> Path:
    if not (data / "aev" / "vowdata.dat").is_file():
        pytest.skip("OTOSCOPE_DATA has no aev/vowdata.dat")
    return data / "aev"


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    """A folder with five measurements and no recordings."""
    (tmp_path / "vowdata.dat").write_text(HEADING + ROWS, encoding="latin-1", newline="")
    return tmp_path


@pytest.fixture
def recorded(measured: Path) -> Path:
    """The same with recordings of 1 s, in which the vowel is a tone from 0.2 to 0.5 s."""
    times = "".join(f"{name}  200.0   500.0   300.0  320.0\n" for name in NAMES)
    (measured / "timedata.dat").write_text("Start = Start of vowel nucleus\n\n" + times)
    for name in NAMES:
        folder = measured / {"m": "men", "w": "women"}.get(name[0], "kids")
        folder.mkdir(exist_ok=True)
        word = np.zeros(RATE)
        word[3200:8000] = 0.5 * np.sin(np.arange(4800))
        soundfile.write(folder / f"{name}.wav", word, RATE, subtype="PCM_16")
    return measured


def test_the_published_file_has_its_tokens_and_values(published: Path) -> None:
    found = read_measurements(published / "vowdata.dat")
    assert len(found) == 1668
    by_group = Counter(one.group for one in found)
    assert by_group == {group: 12 * count for group, count in TALKERS.items()}
    by_name = {one.name: one for one in found}
    assert by_name["m01ae"].formants == (663, 2012, 2659, 3691)
    assert (by_name["m01ae"].f0, by_name["m01ae"].duration) == (174, 0.323)
    assert by_name["g21uw"].formants == (446, 1533, 3269, 4504)
    np.testing.assert_array_equal(by_name["w49ah"].formants, (1145, np.nan, 3272, 4370))
    missing = np.isnan([one.formants for one in found]).sum(0)
    assert missing.tolist() == [0, 10, 41, 243]


def test_means_of_the_tokens_are_the_published_means(published: Path) -> None:
    """Two files of the authors against each other, through our reading."""
    found = read_measurements(published / "vowdata.dat")
    for group in MEANS:
        for vowel in SYMBOLS:
            ours = np.array([(one.f0, *one.formants) for one in found if (one.table, one.vowel) == (group, vowel)])
            np.testing.assert_allclose(np.nanmean(ours, 0), MEANS[group][vowel], atol=0.06)
            np.testing.assert_allclose(np.nanstd(ours, 0, ddof=1), DEVIATIONS[group][vowel], atol=0.06)


def test_published_times_are_in_order(published: Path) -> None:
    times = read_times(published / "timedata.dat")
    assert len(times) == 1668
    assert times["m01ae"] == pytest.approx((0.1773, 0.5004, 0.3005))
    assert all(start < steady < end for start, end, steady in times.values())


def test_measured_tokens_are_synthesised_as_long_as_they_were(measured: Path) -> None:
    tokens = vowel_tokens(measured)
    assert "no recordings; tokens synthesised" in tokens.origin
    assert [one.name for one in tokens] == NAMES
    first, _, third, *_ = tokens
    assert first.known == (174, 663, 2012) and first.group == "men" and first.vowel == "ae"
    assert first.mean == MEANS["men"]["ae"][:3] and first.deviation == DEVIATIONS["men"]["ae"][:3]
    assert first.clip.sizes["time"] == round(0.323 * RATE) and first.centre == pytest.approx(0.1615)
    assert np.isnan(third.known[2]) and np.isfinite(third.clip.values).all()


def test_tokens_are_the_same_every_time_and_differ_by_seed(measured: Path) -> None:
    tokens = vowel_tokens(measured)
    for one, again, other in zip(tokens, tokens, vowel_tokens(measured, seed=1), strict=True):
        np.testing.assert_array_equal(one.clip, again.clip)
        assert not np.array_equal(one.clip, other.clip)


def test_tokens_come_at_the_rate_asked_for(measured: Path) -> None:
    slow = next(iter(vowel_tokens(measured, sample_rate=8000)))
    fast = next(iter(vowel_tokens(measured)))
    assert slow.clip.attrs["sample_rate"] == 8000 and slow.clip.sizes["time"] == round(0.323 * 8000)
    spectra = [np.abs(np.fft.rfft(one.clip, one.clip.sizes["time"]))[:1000] for one in (slow, fast)]
    below = slice(0, 1000)  # bins of 3 Hz: what lies below 3 kHz is untouched
    np.testing.assert_allclose(2 * spectra[0][below], spectra[1][below], atol=0.01 * spectra[1].max())


def test_recordings_are_cut_to_their_vowel(recorded: Path) -> None:
    tokens = vowel_tokens(recorded)
    assert tokens.origin.endswith("recordings")
    for token in tokens:
        assert token.clip.sizes["time"] == 4800
        assert np.abs(token.clip.values[:100]).max() > 0.4 and np.abs(token.clip.values[-100:]).max() > 0.4
        assert token.centre == pytest.approx(0.11)  # of the judges' 0.30 and 0.32 s, 0.2 s in
        assert float(token.clip.time[0]) == 0
    assert next(iter(vowel_tokens(recorded, sample_rate=8000))).clip.sizes["time"] == 2400


def test_the_folder_of_the_variable_is_found(measured: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setenv("OTOSCOPE_DATA", str(data))
    assert vowel_tokens().origin.startswith("built-in")
    (data / "aev").mkdir()
    (measured / "vowdata.dat").rename(data / "aev" / "vowdata.dat")
    assert [one.name for one in vowel_tokens()] == NAMES


def test_drawn_talkers_have_the_published_means_deviations_and_a_common_size() -> None:
    found = draw_talkers(seed=3)
    assert found == draw_talkers(seed=3) and found != draw_talkers(seed=4)
    assert len(found) == 1668 and len({one.name for one in found}) == 1668
    many = [one for seed in range(8) for one in draw_talkers(seed)]
    for group in MEANS:
        z = np.array(
            [
                (np.array([one.f0, *one.formants]) - MEANS[group][one.vowel]) / DEVIATIONS[group][one.vowel]
                for one in many
                if one.group == group and one.vowel == "ah"
            ]
        )
        assert np.abs(z).max() <= 2
        assert np.abs(z.mean(0)).max() < 0.2
        assert np.abs(z.std(0) - 0.85).max() < 0.12  # normal, cut at two deviations
        pairs = np.corrcoef(z.T)[np.triu_indices(5, 1)]
        assert pairs.mean() == pytest.approx(0.4, abs=0.1)
    assert min(np.diff(one.formants).min() for one in found) >= CLOSEST


def test_a_limit_spreads_over_vowels_and_groups(published: Path) -> None:
    found = read_measurements(published / "vowdata.dat")
    for limit in (12, 48, 200):
        few = choose(found, limit=limit)
        assert len(few) == limit
        for kind in ("vowel", "group"):
            counts = Counter(getattr(one, kind) for one in few)
            assert max(counts.values()) - min(counts.values()) <= 1, counts
    cells = Counter((one.vowel, one.group) for one in choose(found, limit=48))
    assert set(cells.values()) == {1}
    assert len(choose(found, limit=5000)) == 1668
    assert {one.group for one in choose(found, ["children"])} == {"boys", "girls"}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "vowdata.dat").unlink(), r"cannot read .*vowdata.dat: No such file"),
        (lambda folder: (folder / "vowdata.dat").write_text(HEADING), "vowdata.dat holds no tokens"),
        (lambda folder: (folder / "vowdata.dat").write_text("m01ae 1 2\n"), "line 1 of .* should hold 16 columns"),
        (lambda folder: (folder / "vowdata.dat").write_text("m01ae" + " x" * 15), "line 1 of .* should hold 16"),
        (lambda folder: (folder / "vowdata.dat").write_text("m01zz" + " 9" * 15), "m01zz with an unknown vowel"),
        (lambda folder: (folder / "timedata.dat").unlink(), "cannot read .*timedata.dat"),
        (lambda folder: (folder / "timedata.dat").write_text("m01ae 1 2 3 4\n"), "lacks 4 of the tokens .* m02iy"),
        (
            lambda folder: (folder / "kids" / "g21uw.wav").unlink(),
            "1 of 5 recordings are missing from .*, first kids/g21uw.wav: unpack",
        ),
    ],
)
def test_what_is_missing_or_broken_is_named(recorded: Path, spoil: object, message: str) -> None:
    spoil(recorded)  # type: ignore[operator]
    with pytest.raises(InputError, match=message):
        list(vowel_tokens(recorded))


def test_recordings_of_the_groups_asked_for_suffice(recorded: Path) -> None:
    (recorded / "kids" / "g21uw.wav").unlink()
    assert [one.name for one in vowel_tokens(recorded, groups=["men", "women"])] == NAMES[:3]


def test_a_recording_without_its_vowel_is_named(recorded: Path) -> None:
    soundfile.write(recorded / "men" / "m01ae.wav", np.zeros(1600), RATE)
    with pytest.raises(InputError, match=r"m01ae.wav is 0.100 s long, and timedata.dat has its vowel at 0.2 s"):
        next(iter(vowel_tokens(recorded)))


@pytest.mark.parametrize(("options", "message"), [({"groups": ["boys"]}, "group 'boys'"), ({"limit": 0}, "1 or more")])
def test_groups_and_limits_that_cannot_be_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        vowel_tokens(**options)  # type: ignore[arg-type]


def test_each_group_has_a_folder() -> None:
    assert set(FOLDERS) == set(TALKERS) == set(aev._LETTERS.values())


def test_the_recorded_vowels_are_a_data_set(recorded: Path) -> None:
    found = read("aev", recorded)
    assert [item.labels[0] for item in found] == ["ae", "iy", "ah", "uh", "uw"] and found.classes == SYMBOLS
    assert (found.items[0].start, found.items[0].stop) == (0.2, 0.5)
    assert [item.labels[0] for item in read("aev", recorded, task="group")] == ["men", "men", "women", "boys", "girls"]
    wave = sound_of(find_sounds(f"aev:{recorded}")[0], 16_000)
    assert not isinstance(wave, Path) and wave.sizes["time"] == 4800


def test_without_recordings_there_is_no_data_set(measured: Path) -> None:
    (measured / "timedata.dat").write_text("".join(f"{name} 200 500 300 320\n" for name in NAMES))
    with pytest.raises(InputError, match=r"5 of 5 recordings are missing .* men.zip, women.zip and kids.zip"):
        read("aev", measured)
