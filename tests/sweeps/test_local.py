"""Processes that share the work: the same files, and a clip at which a process ends is found and left out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from runs_of_tests import content, items, read, table

from otoscope import InputError, Scope, sweep
from otoscope.processes.program import Program
from otoscope.sweeps import local
from otoscope.sweeps.local import blamed

CRASHING = """
import os
import torch
from torch import nn


class Crashing(nn.Module):
    sample_rate = 8000

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(1, 3, 20)

    def forward(self, x):
        if os.environ.get("CRASH") and (x.mean(-1) > 0.9).any():
            os.kill(os.getpid(), 11)
        return torch.relu(self.conv(x)).mean(-1)
"""


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_processes_write_what_this_one_does(model: str, sounds: Path, tmp_path: Path, workers: int) -> None:
    (sounds / "a" / "text.wav").write_text("no sound")
    methods = {"activations": {}, "relevance": {}, "output": {}}
    alone = sweep(model, sounds, methods=methods, out=tmp_path / "alone", shard_size=3, workers=0)
    seen: list[int] = []
    done = sweep(
        model, sounds, methods=methods, out=tmp_path / "run", shard_size=3, workers=workers,
        progress=lambda done, total: seen.append(done),
    )  # fmt: skip
    assert content(tmp_path / "run") == content(tmp_path / "alone")
    assert (done.computed, done.causes, done.rows) == (5, {"unreadable": 1}, alone.rows)
    assert seen == sorted(seen) and seen[-1] == 13


@pytest.mark.kill
def test_a_clip_at_which_the_process_ends_is_found(
    tmp_path: Path, sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "crash.py").write_text(CRASHING)
    place = f"{tmp_path / 'crash.py'}:Crashing"
    for name in ("a/loud.wav", "b/loud.wav"):
        soundfile.write(sounds / name, np.full(1600, 0.99), 8000)
    usual = {"methods": "activations", "shard_size": 7}
    sweep(place, sounds, out=tmp_path / "good", workers=0, **usual)
    monkeypatch.setenv("CRASH", "1")
    done = sweep(place, sounds, out=tmp_path / "run", workers=1, **usual)
    assert done.causes == {"crashed": 2} and not done.missing
    loud = {row["clip"] for row in items(tmp_path / "run") if row["name"].endswith("loud.wav")}
    assert {row["clip"] for row in read(tmp_path / "run", "errors")} == loud
    good = [row for row in table(tmp_path / "good") if row[5] not in loud]
    for one, other in zip(good, table(tmp_path / "run"), strict=True):
        assert one[:6] == other[:6] and one[6] == pytest.approx(other[6], rel=1e-5)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The programs that are started."""
    names: list[str] = []

    class Counted(Program):
        def __init__(self, module: str, hear: Callable[[Any], None]) -> None:
            names.append(module)
            super().__init__(module, hear)

    monkeypatch.setattr(local, "Program", Counted)
    return names


@pytest.mark.kill
@pytest.mark.skipif(sys.platform != "linux" or torch.cuda.is_available(), reason="a process cannot be copied here")
def test_clips_that_end_the_process_cost_no_further_starts(
    tmp_path: Path, sounds: Path, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "crash.py").write_text(CRASHING)
    for number in range(4):
        soundfile.write(sounds / f"a/loud{number}.wav", np.full(1600, 0.99), 8000)
    monkeypatch.setenv("CRASH", "1")
    place = f"{tmp_path / 'crash.py'}:Crashing"
    done = sweep(place, sounds, methods="activations", out=tmp_path / "run", workers=1, shard_size=1)
    assert done.causes == {"crashed": 4} and not done.missing and len(started) == 1


@pytest.mark.kill
@pytest.mark.parametrize(("raised", "cause"), [("KeyboardInterrupt()", "failed"), ("SystemExit(3)", "refused")])
def test_a_model_that_raises_what_ends_a_program_fails_on_that_clip(
    raised: str, cause: str, tmp_path: Path, sounds: Path, started: list[str], capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "ends.py").write_text(CRASHING.replace("os.kill(os.getpid(), 11)", f"raise {raised}"))
    soundfile.write(sounds / "a/loud.wav", np.full(1600, 0.99), 8000)
    monkeypatch.setenv("CRASH", "1")
    place = f"{tmp_path / 'ends.py'}:Crashing"
    methods = {"activations": {}, "output": {}}
    done = sweep(place, sounds, methods=methods, out=tmp_path / "run", workers=1, shard_size=7)
    assert done.causes == {cause: 1} and not done.missing and len(started) == 1
    failed = read(tmp_path / "run", "errors")
    assert [row["method"] for row in failed] == ["activations", "output"]
    said = {"failed": "KeyboardInterrupt", "refused": "exit"}[cause]
    assert all(said in row["message"] for row in failed)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.kill
def test_the_copy_of_a_worker_ends_with_it(tmp_path: Path, sounds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = 'open(os.environ["PIDS"], "a").write(f"{os.getpid()} "); __import__("time").sleep(60)'
    (tmp_path / "waits.py").write_text(CRASHING.replace("os.kill(os.getpid(), 11)", waits))
    soundfile.write(sounds / "a/loud.wav", np.full(1600, 0.99), 8000)
    environment = os.environ | {"CRASH": "1", "PIDS": str(tmp_path / "pids")}
    command = [sys.executable, "-m", "otoscope", "sweep", f"{tmp_path / 'waits.py'}:Crashing", str(sounds)]
    command += ["--methods", "output", "--out", str(tmp_path / "run"), "--workers", "1"]
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        (tmp_path / "pids").unlink(missing_ok=True)
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        until(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text().endswith(" "))
        process.send_signal(number)
        process.wait(30)
        (worker,) = map(int, (tmp_path / "pids").read_text().split())
        until(lambda: not Path(f"/proc/{worker}").exists())  # noqa: B023 - called at once


def until(true: Callable[[], bool], patience: float = 60.0) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("guilty", range(7))
def test_halving_finds_any_clip(guilty: int) -> None:
    assert found(range(7), guilty) == guilty


def test_halving_blames_none_where_no_trial_fails() -> None:
    assert found([1, 2, 3], guilty=9) is None


def found(suspects: Sequence[int], guilty: int) -> int | None:
    search = blamed(suspects)
    trial = next(search)
    while True:
        try:
            trial = search.send(guilty in trial)
        except StopIteration as ended:
            return ended.value


def test_a_model_that_other_processes_cannot_make_is_said(sounds: Path, tmp_path: Path) -> None:
    from torch import nn

    class Here(nn.Sequential):
        sample_rate = 8000

    scope = Scope(Here(nn.Conv1d(1, 2, 9), nn.ReLU()))
    with pytest.raises(InputError, match="workers=0"):
        sweep(scope, sounds, methods="activations", out=tmp_path / "run", workers=1)
    done = sweep(scope, sounds, methods="activations", out=tmp_path / "run", workers=0)
    assert done.clips == 12


@pytest.mark.kill
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_that_is_stopped_leaves_whole_shards(
    number: signal.Signals, status: int, model: str, sounds: Path, tmp_path: Path
) -> None:
    (tmp_path / "slow.py").write_text(
        CRASHING.replace("import os\n", "import os\nimport time\n").replace(
            "        if os", "        time.sleep(0.2)\n        if os"
        )
    )
    place = f"{tmp_path / 'slow.py'}:Crashing"
    command = [sys.executable, "-m", "otoscope", "sweep", place, str(sounds), "--methods", "activations"]
    command += ["--out", str(tmp_path / "run"), "--shard-size", "1", "--workers", "2"]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, env=os.environ | {"CRASH": ""})
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and not list((tmp_path / "run" / "rows").glob("*.parquet")):
        time.sleep(0.05)
    os.killpg(process.pid, number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == status, error.decode()
    assert not list((tmp_path / "run").rglob("*.part"))
    assert list((tmp_path / "run" / "rows").glob("*.parquet"))
    sweep(place, sounds, methods="activations", out=tmp_path / "run", workers=0)
    sweep(place, sounds, methods="activations", out=tmp_path / "whole", workers=0, shard_size=1)
    assert content(tmp_path / "run") == content(tmp_path / "whole")
