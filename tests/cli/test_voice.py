"""`otoscope voice` and `otoscope vowels`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from otoscope import Scope, load, load_audio
from otoscope.data.vowels import vowel_clip
from otoscope.report import gather

Otoscope = Callable[..., Any]


@pytest.fixture(autouse=True)
def built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("parselmouth")
    monkeypatch.delenv("OTOSCOPE_DATA", raising=False)


@pytest.fixture
def vowel(tmp_path: Path) -> Path:
    path = tmp_path / "ah.wav"
    soundfile.write(path, vowel_clip("ah", "men", f0=120, duration=0.3).values, 16_000)
    return path


def test_voice_prints_what_python_measures(otoscope: Otoscope, vowel: Path) -> None:
    options = ("--start", 0.1, "--stop", 0.2, "--maximum", 5000, "--json")
    found = otoscope("voice", "vowel-name", vowel, *options).json()
    scope = Scope(load("vowel-name"))
    result = scope.voice(load_audio(vowel, sample_rate=16_000), start=0.1, stop=0.2, maximum=5000)
    for signal in ("input", "relevance"):
        assert found[signal]["f0"] == float(result.median_f0.sel(signal=signal))
        assert found[signal]["formants"][:3] == result.median_formants.sel(signal=signal).values[:3].tolist()
    assert found["input"]["f0"] == pytest.approx(120, abs=0.5)
    assert (found["start"], found["stop"]) == (0.1, 0.2)


def test_voice_writes_pictures_arrays_and_a_page(otoscope: Otoscope, vowel: Path, tmp_path: Path) -> None:
    ran = otoscope("voice", "vowel-register", vowel, "--out", tmp_path / "out")
    assert ran.code == 0 and "F1 (Hz)" in ran.out and "relevance" in ran.out
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"voice.nc", "voice.png", "autocorrelation.nc", "autocorrelation.png", "report.html"}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Periodicity" in page and "Medians in the segment" in page


def test_vowels_print_the_table_twice(otoscope: Otoscope, tmp_path: Path) -> None:
    ran = otoscope("vowels", "vowel-name", "--limit", 6, "--group", "men", "--out", tmp_path / "out")
    assert ran.code == 0
    assert "6 vowels from built-in: talkers drawn" in ran.err
    assert ran.out.index("right in the relevance") < ran.out.index("right in the input")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "vowel_protocol.nc",
        "vowel_protocol.png",
        "report.html",
    }


def test_vowels_as_json_add_up(otoscope: Otoscope) -> None:
    found = otoscope("vowels", "vowel-name", "--limit", 8, "--json").json()
    for signal in ("relevance", "input"):
        rows = found[signal]
        assert {row["measure"] for row in rows} == {"F0", "F1", "F2"}
        assert sum(row["tokens"] for row in rows if row["measure"] == "F1") == 8
    again = otoscope("vowels", "vowel-name", "--limit", 8, "--seed", 1, "--json").json()
    assert again["input"] != found["input"] or again["relevance"] != found["relevance"]


def test_bad_input_is_refused(otoscope: Otoscope, vowel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    otoscope("vowels", "vowel-name", "--data", tmp_path).expect_refusal("cannot read")
    otoscope("vowels", "vowel-name", "--group", "girls").expect_refusal("no tokens of the group 'girls'")
    otoscope("voice", "vowel-name", vowel, "--start", 5).expect_refusal("not within the sound")
    monkeypatch.setitem(sys.modules, "parselmouth", None)
    otoscope("voice", "vowel-name", vowel).expect_refusal("pip install otoscope[voice]")


def test_an_inspection_has_the_voice_or_notes_why_not(
    small_scope: Scope, vowel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wave = load_audio(vowel, sample_rate=small_scope.sample_rate)
    _, results, _, notes = gather(small_scope, wave, target="b")
    assert results["voice"].attrs["target"] == results["autocorrelation"].attrs["target"] == "b"
    assert float(results["voice"].median_f0.sel(signal="input")) == pytest.approx(120, abs=0.5)
    assert not any("The voice" in note for note in notes)
    monkeypatch.setitem(sys.modules, "parselmouth", None)
    _, results, _, notes = gather(small_scope, wave)
    assert "voice" not in results and "autocorrelation" in results
    assert any(note.startswith("The voice: not shown") and "otoscope[voice]" in note for note in notes)
