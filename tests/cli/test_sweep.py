"""The command of a sweep: what it prints, how it types arguments of methods, and how it ends."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from method_examples import _sounds

pytest.importorskip("pyarrow")

Otoscope = Callable[..., Any]


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    (tmp_path / "made").mkdir()
    _sounds(tmp_path / "made")
    return tmp_path / "made" / "set"


def test_it_prints_what_it_did_and_takes_up_what_is_there(
    otoscope: Otoscope, small: str, sounds: Path, tmp_path: Path
) -> None:
    command = ("sweep", small, sounds, "--methods", "activations,output", "--out", tmp_path / "run", "--workers", "0")
    done = otoscope(*command, "--json")
    assert done.code == 0 and done.json()["clips"] == 12 and done.json()["errors"] == {}
    assert done.json()["computed"] == done.json()["shards"] > 0
    again = otoscope(*command, "--shards", "1/2", "--json").json()
    assert again["computed"] == 0 and again["clips"] < 12
    assert "processor seconds" in otoscope(*command).out


def test_a_bad_file_is_named_and_the_exit_status_is_3(
    otoscope: Otoscope, small: str, sounds: Path, tmp_path: Path
) -> None:
    (sounds / "a" / "text.wav").write_text("no sound")
    command = ("sweep", small, sounds, "--methods", "output", "--out", tmp_path / "run", "--workers", "0")
    done = otoscope(*command, "--json")
    content = json.loads(done.out)
    assert done.code == 3 and content["errors"] == {"unreadable": 1} and content["clips"] == 13
    assert "1 clip: unreadable" in done.err


def test_arguments_are_typed_as_the_method_types_them(
    otoscope: Otoscope, small: str, sounds: Path, tmp_path: Path
) -> None:
    command = [
        "sweep",
        small,
        sounds,
        "--methods",
        "relevance,activations",
        "--workers",
        "0",
        "--out",
        tmp_path / "run",
    ]
    layers = ["--set", "activations.layer=conv", "--set", "activations.layer=relu"]
    assert otoscope(*command, *layers, "--set", "relevance.rule=gradient", "--set", "relevance.window=0.05").code == 0
    changed = otoscope(*command, *layers, "--set", "relevance.rule=guided", "--set", "relevance.window=0.05")
    assert changed.code == 1 and 'methods.relevance.rule is "gradient" there, and "guided" now' in changed.err
    shutil.rmtree(tmp_path / "run")
    for setting, code, message in (
        ("relevance.window=wide", 2, "Invalid value for --set relevance.window: "),
        ("relevance.wndow=1", 2, "Unknown option: --set relevance.wndow. Did you mean relevance.window?"),
        ("relevance.rule=gradiant", 2, 'Invalid value "gradiant" for --set relevance.rule. Choose from'),
        ("coherence.nperseg=64", 1, "is not among the methods"),
        ("relevance", 1, "METHOD.ARGUMENT=VALUE"),
    ):
        wrong = otoscope(*command, "--set", setting)
        assert (wrong.code, message in wrong.err) == (code, True), wrong.err
    misspelt = otoscope(*command, "--metods", "output")
    assert (misspelt.code, misspelt.err) == (2, "error: Unknown option: --metods. Did you mean --methods?\n")
    assert not (tmp_path / "run").exists()


def test_what_is_said_of_the_data_is_printed(otoscope: Otoscope, small: str, sounds: Path, tmp_path: Path) -> None:
    sounds.rename(tmp_path / "test")
    (tmp_path / "data").mkdir()
    (tmp_path / "test").rename(tmp_path / "data" / "test")
    given = ("--methods", "output", "--workers", "0", "--out", tmp_path / "run", "--json")
    ran = otoscope("sweep", small, tmp_path / "data", *given)
    (note,) = ran.json()["notes"]
    assert "taken as parts of a split" in note and note in ran.err
