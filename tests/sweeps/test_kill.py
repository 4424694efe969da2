"""Killed at any moment, and taken up again: the same files as of a run that nothing stopped."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from runs_of_tests import content, write_sounds

from otoscope import sweep

pytestmark = pytest.mark.kill

KILLS = int(os.environ.get("OTOSCOPE_KILLS", "20"))
"""At random moments; more can be asked for."""

AT_RENAMES = """
import os, signal
left, before = int(os.environ.get("KILL_AT", "0")), os.environ.get("KILL_BEFORE") == "1"
count = 0


def counted(original):
    def call(*paths, **named):
        global count
        count += 1
        if before and count == left:
            os.kill(os.getpid(), signal.SIGKILL)
        original(*paths, **named)
        if count == left:
            os.kill(os.getpid(), signal.SIGKILL)

    return call


os.replace, os.link = counted(os.replace), counted(os.link)
"""
RUN = """
import json, sys
from otoscope import sweep
given = json.loads(sys.argv[1])
if __name__ == "__main__":
    sweep(given.pop("model"), given.pop("data"), **given)
"""
METHODS = {"activations": {}, "output": {}}


def start(given: dict[str, Any], **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", RUN, json.dumps(given)]
    return subprocess.Popen(command, start_new_session=True, env=os.environ | environment, stderr=subprocess.PIPE)


def test_killed_at_random_moments(model: str, tmp_path: Path) -> None:
    sounds = write_sounds(tmp_path / "sounds", each=16)
    (sounds / "a" / "text.wav").write_text("no sound")
    usual: dict[str, Any] = {"methods": METHODS, "shard_size": 4}
    sweep(model, sounds, out=tmp_path / "whole", workers=0, **usual)
    whole, draw = content(tmp_path / "whole"), random.Random(0)
    given = {"model": model, "data": str(sounds), "workers": 2, **usual}
    begin = time.monotonic()
    process = start(given | {"out": str(tmp_path / "first")})
    assert process.wait(timeout=120) == 0, process.stderr and process.stderr.read().decode()
    length, run, cut = time.monotonic() - begin, 0, 0
    parts = [path.stat().st_mtime for path in (tmp_path / "first/rows").iterdir()]
    working = max(parts) - min(parts)  # s, between the first shard and the last
    for number in range(KILLS):
        out = tmp_path / f"run{run}"
        process = start(given | {"out": str(out)})
        if number % 2:  # among the shards, which on a busy machine a moment drawn from the whole may never meet
            while process.poll() is None and not list(out.glob("rows/part-*.parquet")):
                time.sleep(0.001)
            time.sleep(draw.uniform(0.0, 1.0) * working)
        else:
            time.sleep(draw.uniform(0.4, 1.0) * length)  # before that there are only imports
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        there = len(list((out / "rows").glob("part-*.parquet")))
        cut += 0 < there < 13
        found = content(out) if out.exists() else {}
        for name in set(found) & set(whole):
            assert found[name] == whole[name], f"{name} is half-written"
        if there >= 6:  # taken up until it is whole, then another
            process = start(given | {"out": str(out)})
            assert process.wait(timeout=120) == 0
            assert content(out) == whole
            run += 1
    sweep(model, sounds, out=tmp_path / f"run{run}", workers=0, **usual)
    assert content(tmp_path / f"run{run}") == whole
    assert cut, "no kill fell between two shards"


@pytest.mark.parametrize("before", ["1", "0"], ids=["before", "after"])
def test_killed_at_every_rename(model: str, sounds: Path, tmp_path: Path, before: str) -> None:
    (sounds / "a" / "text.wav").write_text("no sound")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(AT_RENAMES)
    usual: dict[str, Any] = {"methods": METHODS, "shard_size": 5}
    sweep(model, sounds, out=tmp_path / "whole", workers=0, **usual)
    whole = content(tmp_path / "whole")
    path = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    given = {"model": model, "data": str(sounds), "workers": 0, **usual}
    for number in range(1, 20):
        out = tmp_path / f"run{number}"
        process = start(given | {"out": str(out)}, PYTHONPATH=path, KILL_AT=str(number), KILL_BEFORE=before)
        process.communicate(timeout=120)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        done = sweep(model, sounds, out=out, workers=0, **usual)
        assert content(out) == whole and done.causes == {"unreadable": 1}
    assert number == len(whole) + 1, "each file of a run is renamed or linked once, and no more"
