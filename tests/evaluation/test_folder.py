"""The folder of an evaluation, and its command."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import otoscope as library

Otoscope = Callable[..., Any]
parquet = pytest.importorskip("pyarrow.parquet")


def test_the_command_writes_what_it_prints(otoscope: Otoscope, tmp_path: Path) -> None:
    out = tmp_path / "scores"
    command = ("evaluate", "vowel-register", "vowels", "--task", "register", "--limit", "30", "--resamples", "20")
    for _ in range(2):  # an earlier evaluation is replaced
        ran = otoscope(*command, "--json", "--out", out)
        assert ran.code == 0
    content, summary = ran.json(), json.loads((out / "summary.json").read_text())
    summary.pop("otoscope_manifest")
    assert content == summary and content["clips"] == 30
    scores = parquet.read_table(out / "scores.parquet").to_pandas()
    assert scores["correct"].mean() == content["accuracy"]
    names = content["confusion"]["classes"]
    assert [names[np.argmax(one)] for one in scores["scores"]] == scores["answer"].tolist()
    items = parquet.read_table(out / "items.parquet").to_pandas()
    assert items["clip"].tolist() == list(range(30)) and {"name", "label", "vowel"} <= set(items.columns)
    with open(out / "confusion.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][1:] == names and np.array([row[1:] for row in rows[1:]], int).sum() == 30
    assert json.loads((out / "run.json").read_text())["kind"] == "evaluation"
    assert library.open(out / "evaluate.nc").attrs["method"] == "evaluate"


def test_the_list_of_an_evaluation_is_that_of_a_sweep(otoscope: Otoscope, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", 0.1 * np.random.default_rng(0).normal(size=16_000), 16_000)
    rows = ["path,label,split,start,stop,mood,label_", "a.wav,low,train,0,0.5,calm,x", "a.wav,high,test,0.5,,,y"]
    (tmp_path / "list.csv").write_text("\n".join(rows))
    evaluated = ("evaluate", "vowel-register", tmp_path / "list.csv", "--resamples", "5", "--out", tmp_path / "one")
    swept = ("sweep", "vowel-register", tmp_path / "list.csv", "--methods", "output", "--workers", "0")
    assert otoscope(*evaluated).code == 0 and otoscope(*swept, "--out", tmp_path / "other").code == 0
    one, other = (parquet.read_table(tmp_path / name / "items.parquet") for name in ("one", "other"))
    assert one.schema.remove_metadata() == other.schema.remove_metadata()
    pairs = [sorted(table.drop(["clip"]).to_pylist(), key=lambda row: row["id"]) for table in (one, other)]
    assert pairs[0] == pairs[1] and pairs[0][0]["split"] in ("train", "test")
    assert {row["mood"] for row in pairs[0]} == {"calm", None}


def test_tables_on_the_screen(otoscope: Otoscope) -> None:
    command = ("evaluate", "vowel-register", "vowels", "--task", "register")
    shown = otoscope(*command, "--limit", "12", "--resamples", "9").out
    assert "balanced accuracy" in shown and "95 % from" in shown and "vowel" in shown


def test_a_broken_file_is_named_and_the_exit_status_is_3(otoscope: Otoscope, tmp_path: Path) -> None:
    for name in ("low", "high"):
        (tmp_path / "in" / name).mkdir(parents=True)
        soundfile.write(tmp_path / "in" / name / "good.wav", 0.1 * np.random.default_rng(0).normal(size=9000), 16_000)
    (tmp_path / "in" / "low" / "bad.wav").write_bytes(b"RIFF")
    ran = otoscope("evaluate", "vowel-register", tmp_path / "in", "--resamples", "5", "--out", tmp_path / "out")
    assert ran.code == 3 and "bad.wav" in ran.err and "1 clip: unreadable" in ran.err
    assert parquet.read_table(tmp_path / "out" / "errors.parquet")["cause"].to_pylist() == ["unreadable"]


def test_causes_of_as_many_clips_are_all_said(otoscope: Otoscope, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "good.wav", 0.1 * np.random.default_rng(0).normal(size=9000), 16_000)
    (tmp_path / "list.csv").write_text("path,label\ngood.wav,low\ngood.wav,\nnone.wav,low\ngood.wav,lower\n")
    ran = otoscope("evaluate", "vowel-register", tmp_path / "list.csv", "--resamples", "5")
    said = [line.removeprefix("missing: 1 clip: ") for line in ran.err.splitlines() if line.startswith("missing: ")]
    assert ran.code == 3 and sorted(said) == ["another class", "missing", "unlabelled"]


@pytest.mark.parametrize("extra", [("--by", "mood"), ("--positive", "low"), ("--task", "nothing")])
def test_a_wrong_option_leaves_nothing_behind(otoscope: Otoscope, tmp_path: Path, extra: tuple[str, str]) -> None:
    ran = otoscope("evaluate", "vowel-register", "vowels", "--limit", "6", *extra, "--out", tmp_path / "out")
    assert ran.code == 1 and ran.err.startswith("error") and not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_scored(
    otoscope: Otoscope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    monkeypatch.setattr("otoscope.cli.evaluate.evaluate_model", lambda *_, **__: pytest.fail("it was scored"))
    ran = otoscope("evaluate", "vowel-register", "vowels", "--task", "register", "--out", tmp_path)
    assert ran.code == 1 and "holds notes.txt" in ran.err and "inspection" not in ran.err
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    ran = otoscope("evaluate", "vowel-register", "vowels", "--task", "register", "--out", tmp_path / "out")
    assert ran.code == 1 and "otoscope[sweep]" in ran.err and not (tmp_path / "out").exists()
