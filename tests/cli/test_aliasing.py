"""`otoscope aliasing` gives the numbers of Python, and writes what it shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from otoscope import Scope, load_audio

Otoscope = Callable[..., Any]


def test_aliasing_of_a_sound(otoscope: Otoscope, small: str, small_scope: Scope, tone: Path, tmp_path: Path) -> None:
    found = otoscope("aliasing", small, tone, "--frequencies", 7, "--out", tmp_path / "o", "--json").json()
    (step,) = found["steps"]
    assert (step["step"], step["stride"], step["nyquist"]) == ("conv", 5, 800)
    assert step["share"] == float(small_scope.aliasing(load_audio(tone, sample_rate=8000)).share[0])
    sweep = small_scope.aliasing_map(frequencies=7)
    assert found["map"]["input_frequency"] == sweep.input_frequency.values.tolist()
    assert found["map"]["folded_share"]["conv"] == sweep.folded_share[0].values.tolist()
    names = {path.name for path in (tmp_path / "o").iterdir()}
    assert names == {f"{name}.{kind}" for name in ("aliasing", "aliasing_map") for kind in ("nc", "png")} | {
        "report.html"
    }


def test_aliasing_of_white_noise(otoscope: Otoscope, small: str) -> None:
    found = otoscope("aliasing", small, "--frequencies", 3, "--json").json()
    assert found["audio"] == "white noise" and 0 < found["steps"][0]["share"] < 1
    assert found == otoscope("aliasing", small, "--frequencies", 3, "--json").json()
    assert "folded share" in otoscope("aliasing", small, "--frequencies", 3).out


def test_refusals(otoscope: Otoscope, small: str) -> None:
    otoscope("aliasing", small, "--frequencies", 0, "--json").expect_refusal("1 or more")
    otoscope("aliasing", small, "--duration", 0, "--json").expect_refusal("two samples to an hour")
