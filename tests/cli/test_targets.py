"""What of an output is explained, from the shell; the same numbers as in Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from otoscope import Scope, load_audio

Otoscope = Callable[..., Any]

SOURCE = """
import torch
from torch import nn


class Detector(nn.Module):
    sample_rate = 8000
    classes = ("dog", "cat", "bird")

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(1, 3, 81, 40)

    def forward(self, x):
        return torch.sigmoid(self.conv(x))


class Both(Detector):
    def forward(self, x):
        scores = self.conv(x).mean(-1)
        return {"hidden": 2 * scores, "head": (scores, -scores)}


class Enhancer(nn.Module):
    sample_rate = 8000

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(1, 1, 9, padding=4)

    def forward(self, x):
        return self.conv(x).squeeze(1)


class Speeds(Detector):
    classes = ("2", "1.5", "0")


def cats(y):
    return y[:, 1].mean(-1)


def several(y):
    return y
"""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(SOURCE)
    draw = np.random.default_rng(0)
    for name in ("clip", "other"):
        soundfile.write(tmp_path / f"{name}.wav", draw.uniform(-0.5, 0.5, 2400), 8000)
    return tmp_path


def test_commands_give_what_python_gives(otoscope: Otoscope, desk: Path) -> None:
    place, clip, other = f"{desk / 'mine.py'}", desk / "clip.wav", desk / "other.wav"
    detector, enhancer = Scope(f"{place}:Detector"), Scope(f"{place}:Enhancer")
    wave = load_audio(clip, sample_rate=8000)
    for scope, options, arguments in (
        (detector, ["--target", "cat", "--at", 0.1], {"target": "cat", "at": 0.1}),
        (detector, ["--target", 1, "--at", 0.1, "--at", 0.2], {"target": 1, "at": (0.1, 0.2)}),
        (detector, ["--target", "cat", "--against", "dog"], {"target": "cat", "against": "dog"}),
        (detector, ["--target", "similarity", "--against", other], {"target": "similarity", "against": other}),
        (detector, ["--target", f"{place}:cats"], {"target": f"{place}:cats"}),
        (
            enhancer,
            ["--target", "energy", "--target-band", 100, "--target-band", 900],
            {"target": "energy", "target_band": [100, 900]},
        ),
    ):
        ran = otoscope("relevance", f"{place}:{scope.name}", clip, "--rule", "gradient", *options, "--json")
        assert ran.code == 0, ran.err
        (row,) = ran.json()["rows"]
        found = scope.relevance(wave, rule="gradient", **arguments)
        for name in ("class_name", "logit", "score", "score_kind", "probability", "runner_up"):
            assert row.get(name) == (found[name].item() if name in found else None)


def test_the_table_says_what_is_explained(otoscope: Otoscope, desk: Path) -> None:
    ran = otoscope(
        "relevance", f"{desk / 'mine.py'}:Detector", desk / "clip.wav", "--target", "cat", "--rule", "gradient"
    )
    assert "probability" in ran.out and "runner up" in ran.out
    assert "explained: logit, the model returns probabilities by a sigmoid" in ran.out
    assert "mean over all 58 frames" in " ".join(ran.out.split())


def test_one_of_several_outputs_is_chosen(otoscope: Otoscope, desk: Path) -> None:
    model, clip = f"{desk / 'mine.py'}:Both", desk / "clip.wav"
    ran = otoscope("relevance", model, clip)
    assert ran.code == 1
    assert "hidden of shape (1, 3), head.0 of shape (1, 3), head.1 of shape (1, 3)" in ran.err
    assert "--output head.1" in ran.err
    options = ("--target", 0, "--rule", "gradient", "--json")
    found = [otoscope("relevance", model, clip, "--output", one, *options) for one in ("hidden", "head.0", "head.1")]
    hidden, first, second = (one.json()["rows"][0]["logit"] for one in found)
    assert hidden == pytest.approx(2 * first) == pytest.approx(-2 * second)
    assert otoscope("taps", model).code == 0


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("Enhancer", (), "axis 1 is time: it grows with the clip"),
        ("Detector", ("--at", "9"), "at=9 s is outside of the output"),
        ("Detector", ("--at", "0.1", "--at", "0.2", "--at", "0.3"), "at has to be two numbers that rise"),
        ("Detector", ("--target", "cat", "--against", "cat"), "against names the class that is explained"),
        ("Detector", ("--target", "similarity"), "give the other one with against"),
        ("Detector", ("--target", "similarity", "--against", "missing.wav"), "missing.wav"),
        ("Detector", ("--target", "mine.py:nothing"), "there is no function nothing"),
        ("Detector", ("--target", "mine.py:several"), "one number for each of the 1 clips"),
        ("Detector", ("--target", "cow"), "unknown class 'cow'"),
    ],
)
def test_what_cannot_be_is_refused(
    otoscope: Otoscope, desk: Path, monkeypatch: pytest.MonkeyPatch, model: str, options: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(desk)
    ran = otoscope("relevance", f"mine.py:{model}", "clip.wav", *options)
    assert (ran.code, ran.out) == (1, "") and message in ran.err, ran.err


@pytest.mark.usefixtures("blank_pictures")
def test_inspect_and_compare_take_the_same_options(otoscope: Otoscope, desk: Path) -> None:
    pytest.importorskip("parselmouth")
    model, clip = f"{desk / 'mine.py'}:Detector", desk / "clip.wav"
    options = ("--target", "cat", "--against", "dog", "--at", 0.1, "--at", 0.2, "--rule", "gradient")
    ran = otoscope("inspect", model, clip, *options, "--out", desk / "out", "--json")
    assert ran.code in (0, 3), ran.err
    summary = json.loads(ran.out)
    assert summary["target"] == "cat against dog" and summary["score_kind"] == "difference of logits"
    ran = otoscope("compare", model, model, clip, *options, "--json")
    assert ran.code in (0, 3), ran.err
    for row in json.loads(ran.out)["rows"]:
        assert row["target"] == "cat against dog" and row["score"] == pytest.approx(summary["score"], rel=1e-4)


def test_a_class_is_found_by_name_first(otoscope: Otoscope, desk: Path) -> None:
    common = ("relevance", f"{desk / 'mine.py'}:Speeds", desk / "clip.wav", "--rule", "gradient", "--json", "--target")
    for target, index in (("1.5", 1), ("2", 0), ("1", 1), ("0", 2)):
        (row,) = otoscope(*common, target).json()["rows"]
        assert row["class_name"] == ("2", "1.5", "0")[index]


def test_neither_half_a_class_nor_no_moment_is_explained(otoscope: Otoscope, desk: Path) -> None:
    common = ("relevance", f"{desk / 'mine.py'}:Detector", desk / "clip.wav")
    for options, message in ((("--target", "1.5"), "unknown class '1.5'"), (("--at", "nan"), "at=nan s is outside")):
        ran = otoscope(*common, *options)
        assert ran.code == 1
        assert message in ran.err
