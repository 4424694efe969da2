"""`otoscope data`: which data sets there are, and what of one is there; and data sets by name in other commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otoscope import write_audio
from otoscope.data.sets import SETS

Otoscope = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two digits of one speaker, six times each, where OTOSCOPE_DATA has them."""
    monkeypatch.setenv("OTOSCOPE_DATA", str(tmp_path))
    rng = np.random.default_rng(0)
    place = tmp_path / "fsdd" / "recordings"
    place.mkdir(parents=True)
    for digit in (3, 7):
        for index in (0, 4, 5, 6, 7, 8):
            write_audio(place / f"{digit}_ann_{index}.wav", rng.uniform(-0.5, 0.5, 4000), 8000)
    return tmp_path / "fsdd"


def test_all_sets(otoscope: Otoscope, folder: Path) -> None:
    found = {one["name"]: one for one in otoscope("data", "--json").json()["data_sets"]}
    assert found.keys() == SETS.keys()
    assert found["fsdd"]["folder"] == str(folder) and found["esc50"]["folder"] is None
    assert found["asvspoof2019-la"]["splits"] == ["train", "dev", "eval"]
    text = otoscope("data").out
    assert all(name in text for name in SETS)


@pytest.mark.parametrize("given", ["name", "both", "one word"])
def test_what_of_a_set_is_there(otoscope: Otoscope, folder: Path, given: str) -> None:
    arguments = {"name": ("fsdd",), "both": ("fsdd", folder), "one word": (f"fsdd:{folder}",)}[given]
    found = otoscope("data", *arguments, "--json").json()
    assert found["folder"] == str(folder) and found["classes"] == ["3", "7"]
    assert found["parts"] == [
        {"split": "train", "sounds": 8, "classes": {"3": 4, "7": 4}, "missing": None},
        {"split": "test", "sounds": 4, "classes": {"3": 2, "7": 2}, "missing": None},
    ]
    text = otoscope("data", *arguments, "--by", "speaker").out
    assert "ann" in text and "CC BY-SA 4.0" in text


def test_a_missing_part_is_told(otoscope: Otoscope, folder: Path) -> None:
    for path in (folder / "recordings").glob("*_[04].wav"):
        path.unlink()
    found = otoscope("data", "fsdd", "--json").json()
    assert [part["split"] for part in found["parts"]] == ["train"]
    (folder.parent / "voxceleb1").mkdir()
    (folder.parent / "voxceleb1" / "iden_split.txt").write_text("1 id1/a/1.wav\n3 id2/b/1.wav\n")
    write_audio(folder.parent / "one.wav", np.zeros(800), 8000)
    (folder.parent / "voxceleb1" / "wav" / "id1" / "a").mkdir(parents=True)
    (folder.parent / "one.wav").rename(folder.parent / "voxceleb1" / "wav" / "id1" / "a" / "1.wav")
    text = " ".join(otoscope("data", "voxceleb1").out.split())
    assert "test is missing: 1 of 1 recordings that iden_split.txt names" in text


def test_a_set_that_is_nowhere_is_only_described(otoscope: Otoscope, folder: Path) -> None:
    assert otoscope("data", "timit", "--json").json()["folder"] is None
    assert "OTOSCOPE_DATA has no folder timit" in " ".join(otoscope("data", "timit").out.split())


def test_refusals(otoscope: Otoscope, folder: Path) -> None:
    otoscope("data", "nix").expect_refusal("nix is not a data set")
    otoscope("data", "fsdd", folder.parent).expect_refusal("does not contain recordings; give the folder that does")
    otoscope("data", "fsdd", "--by", "word").expect_refusal("digit or speaker, not by 'word'")
    otoscope("data", f"fsdd:{folder}", folder).expect_refusal("two folders are given")
    otoscope("data", "fsdd@val").expect_refusal("fsdd has no split 'val'")


def test_other_commands_take_a_set_and_its_parts_by_name(otoscope: Otoscope, small: str, folder: Path) -> None:
    found = otoscope(
        "layer-importance", small, "fsdd@train", "--test", f"fsdd@test:{folder}", "--layer", "relu", "--epochs", 1,
        "--seeds", 1, "--json",
    ).json()  # fmt: skip
    (row,) = found["rows"]
    assert (row["train_clips"], row["test_clips"]) == (8, 4)
    study = otoscope("residual-study", small, "fsdd@test", "--own-answers", "--layer", "relu", "--json").json()
    assert "4 sounds" in study["audio"]


def test_check_names_what_harms_and_exits_with_3(otoscope: Otoscope, folder: Path) -> None:
    clean = otoscope("data", "check", f"fsdd:{folder}", "--json").json()
    assert clean["sounds"] == 12 and not clean["harms"]
    assert [one["kind"] for one in clean["findings"]] == ["label in the file name"]
    (folder / "recordings/3_ann_9.wav").write_bytes((folder / "recordings/3_ann_0.wav").read_bytes())
    ran = otoscope("data", "check", "fsdd", "--json")
    found = json.loads(ran.out)
    assert ran.code == 3 and found["harms"] and found["findings"][0]["kind"] == "duplicates across splits"
    assert "harms an evaluation: duplicates across splits: 2 sounds" in ran.err
    assert "duplicates" in otoscope("data", "check", "fsdd").out  # how a table is folded depends on its paths
    otoscope("data", "check", "nowhere").expect_refusal("nowhere is not a data set")
    otoscope("data", "check").expect_usage("DATA is required")


def test_findings_of_one_kind_are_all_said(otoscope: Otoscope, tmp_path: Path) -> None:
    for name, content in (("a.wav", b"RIFF"), ("b.wav", b"RIFF"), ("c.m4a", b"x")):
        (tmp_path / name).write_bytes(content)
    write_audio(tmp_path / "good.wav", np.linspace(-0.5, 0.5, 800), 8000)
    ran = otoscope("data", "check", tmp_path)
    assert ran.code == 3 and "unreadable: 1 sound, " in ran.err and "unreadable: 2 sounds, " in ran.err
