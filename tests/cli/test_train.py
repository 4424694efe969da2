"""The command that trains, and what other commands make of its folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

pytestmark = pytest.mark.usefixtures("blank_pictures")  # what matters here is that they are written


@pytest.fixture
def recipe(tones: Path, tmp_path: Path) -> Path:
    content = {
        "about": "tones of three heights",
        "model": {"name": "vowelnet", "options": {"channels": [8, 8, 8]}},
        "data": {"set": "folder", "folder": str(tones), "train": "all", "validation": 0.25, "duration": 0.3},
        "learn": {"epochs": 2, "batch_size": 4},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(content))
    return tmp_path / "recipe.yaml"


def test_from_a_recipe_to_an_inspection(otoscope: Any, recipe: Path, tones: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    ran = otoscope("train", recipe, "learn.epochs=1", "--out", run, "--json")
    found = ran.json()
    assert found == json.loads((run / "metrics.json").read_text()) and found["epochs"] == 1
    assert str(run) in ran.err and "Lightning" not in ran.err and "GPU" not in ran.err
    assert yaml.safe_load((run / "recipe.yaml").read_text())["learn"]["epochs"] == 1
    clip = next((tones / "low").iterdir())
    inspected = otoscope("inspect", run, clip, "--out", tmp_path / "inspection")
    assert inspected.code == 0, inspected.err
    assert list((tmp_path / "inspection").rglob("*.html"))
    otoscope("train", recipe, "--out", run).expect_refusal("is not empty: name another folder")


def test_a_table_for_people(otoscope: Any, recipe: Path, tmp_path: Path) -> None:
    ran = otoscope("train", recipe, "learn.epochs=1", "--out", tmp_path / "run")
    assert ran.code == 0 and "tones of three heights" in ran.out and "validation accuracy" in ran.out
    assert "18" in ran.out


def test_a_dry_run(otoscope: Any, recipe: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    found = otoscope(
        "train", recipe, "data.set=speech-commands", "data.train=train", "data.folder=null", "--dry-run", "--json"
    )
    assert found.json()["classes"] == 35
    assert otoscope("train", recipe, "--dry-run").code == 0
    assert sorted(tmp_path.iterdir()) == before


def test_what_is_refused(otoscope: Any, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTOSCOPE_DATA", raising=False)
    out = tmp_path / "run"
    otoscope("train", recipe).expect_refusal("give --out, the folder for the trained model, or --dry-run")
    otoscope("train", tmp_path / "none.yaml", "--out", out).expect_refusal("none.yaml does not exist")
    otoscope("train", "laptop/vowel", "--out", out).expect_refusal("did you mean laptop/vowels")
    otoscope("train", recipe, "learn.epoch=3", "--out", out).expect_refusal("did you mean learn.epochs?")
    missing = otoscope("train", recipe, "data.set=fsdd", "data.train=train", "data.folder=null", "--out", out)
    missing.expect_refusal("download it from https://")
    otoscope("train", recipe, "--out", recipe).expect_refusal("is a file: name a folder for the run")
    otoscope("train", recipe, "--out", recipe / "run").expect_refusal("is not a folder; choose another")
    assert not out.exists()


def test_recipes_are_listed_and_called_by_name(otoscope: Any) -> None:
    listed = otoscope("train", "--list")
    assert listed.code == 0 and "laptop/vowels" in listed.out and "simplenet/specnet" in listed.out
    changes = ["model.options.channels=[4, 4, 4]", "learn.batch_size=4"]
    assert otoscope("train", "laptop/vowels", *changes, "--dry-run", "--json").json()["classes"] == 12


def test_wrong_usage(otoscope: Any, recipe: Path) -> None:
    assert otoscope("train").code == 2
    assert otoscope("train", recipe, "--outt", "run").code == 2


def started(recipe: Path, out: Path, *changes: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "otoscope", "train", str(recipe), *changes, "--out", str(out), "--json"]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )


def wait_for(path: Path, process: subprocess.Popen[str], seconds: float = 100) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.02)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("how", [pytest.param(signal.SIGKILL, marks=pytest.mark.kill), signal.SIGINT])
def test_ended_from_outside_and_resumed(otoscope: Any, recipe: Path, tmp_path: Path, how: signal.Signals) -> None:
    long = ["learn.epochs=40", "keep.every=3", "augment.noise=true"]
    process = started(recipe, tmp_path / "cut", *long, "data.workers=1")
    wait_for(tmp_path / "cut" / "log.csv", process)  # of the first epoch, in which the workers are started
    os.killpg(process.pid, how)  # as a terminal does: to its workers too
    out, err = process.communicate(timeout=60)
    assert out == ""
    if how == signal.SIGINT:
        assert "Traceback" not in err
        assert process.returncode == 130 and "the same command with --resume continues in" in err
        assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "cut" / "metrics.json").exists()
    resumed = otoscope("train", recipe, *long, "--out", tmp_path / "cut", "--resume", "--json").json()
    whole = otoscope("train", recipe, *long, "--out", tmp_path / "whole", "--json").json()
    assert resumed | {"seconds": 0} == whole | {"seconds": 0}
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("cut", "whole"))
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert (tmp_path / "cut" / "log.csv").read_text() == (tmp_path / "whole" / "log.csv").read_text()
