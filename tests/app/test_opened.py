"""What a page gives to copy calls up the same model and the same sound, without the folders that they are in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from otoscope import Excerpt, Scope, write_audio
from otoscope.app.found import Found
from otoscope.app.opened import opened, opened_together
from otoscope.report.gather import model_facts
from otoscope.subject import opened_as


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    write_audio(tmp_path / "a tone.wav", np.sin(np.arange(4000) / 3).astype("f4"), 8000)
    return tmp_path / "a tone.wav"


def test_a_file_and_a_part_of_it_are_named(tone: Path) -> None:
    scope = Scope(nn.Conv1d(1, 2, 9), 8000, output=0)
    found = Found(scope.clip(Excerpt(tone, start=0.125, channel=0)), model=model_facts(scope))
    assert opened(found) == {
        "model": None, "options": {"sample_rate": 8000, "output": 0}, "sound": "a tone.wav",
        "part": {"start": 0.125, "channel": 0}, "rate": 8000,
    }  # fmt: skip
    whole = Found(scope.clip(tone))
    assert opened(whole)["part"] == {} and opened(Found(scope.clip(np.ones(9, "f4"))))["sound"] is None


def test_models_are_called_as_they_were_given(tone: Path) -> None:
    scopes = [Scope("vowel-name"), Scope("vowel-register", name="ear")]
    founds = [Found(scope.clip(tone), model=model_facts(scope)) for scope in scopes]
    both = opened_together(founds)
    assert [one["model"] for one in both["models"]] == ["vowel-name", "vowel-register"]
    assert both["models"][1]["options"] == {"name": "ear"} and both["sound"] == "a tone.wav"
    assert str(tone.parent) not in json.dumps([both, *map(opened, founds)])


@pytest.mark.parametrize(
    ("given", "called"),
    [("cnn12", "cnn12"), ("/home/me/net.py:Ear", "net.py:Ear"), ("runs/best", "best"), ("hf:org/name", "hf:org/name")],
)
def test_a_path_is_its_last_part(given: str, called: str) -> None:
    assert opened_as(given)["model"] == called
