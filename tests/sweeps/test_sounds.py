"""The sounds of top clips: as top_activations gives them, within a size, taken up again, and no part of the run."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from runs_of_tests import RATE, content, items

from otoscope import InputError, Scope, sweep
from otoscope.sweeps import Swept

DEAD = """
import torch
from torch import nn


class Dead(nn.Module):
    sample_rate = 8000

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(1, 4, 20, stride=5)
        self.relu = nn.ReLU()
        with torch.no_grad():
            self.conv.weight[2], self.conv.bias[2] = 0, -1

    def forward(self, x):
        return self.relu(self.conv(x)).mean(-1)
"""
STEP = 1 / (1 << 15)  # of a file of 16 bits


@pytest.fixture
def long_sounds(tmp_path: Path) -> Path:
    """Five sounds, some longer than the pieces, each loud somewhere else."""
    draw = np.random.default_rng(1)
    for number, samples in enumerate((4000, 9000, 12000, 16000, 20000)):
        (tmp_path / "long" / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        wave = draw.uniform(-0.1, 0.1, samples)
        wave[samples * number // 5 :][:500] *= 4
        soundfile.write(tmp_path / "long" / "ab"[number % 2] / f"{number}.wav", wave, RATE)
    return tmp_path / "long"


def run(model: Any, data: Any, out: Path, **options: Any) -> Swept:
    return sweep(model, data, methods="activations", out=out, **{"workers": 0, "shard_size": 2} | options)


def index(run: Path) -> list[dict[str, str]]:
    with open(run / "sounds" / "index.csv", newline="") as file:
        return list(csv.DictReader(file))


def waves(run: Path) -> list[str]:
    return sorted(str(path.relative_to(run / "sounds")) for path in (run / "sounds").rglob("*.wav"))


def test_they_are_what_top_activations_gives(model: str, long_sounds: Path, tmp_path: Path) -> None:
    done = run(model, long_sounds, tmp_path / "run", sounds=5)
    assert done.sounds is not None and done.sounds.maps == 4 and done.sounds.dead == 0 and not done.sounds.missing
    rows, listed = index(tmp_path / "run"), items(tmp_path / "run")
    assert len(rows) == 4 * 5
    result = Scope(model).top_activations(long_sounds, layer="relu", k=5, sounds=True, n_maps=4)
    for row in rows:
        own = result.sel(channel=int(row["channel"]))
        own = own.isel(rank=own.clip_name.values.tolist().index(row["name"]))
        assert row["label"] == Path(row["name"]).parent.name
        assert float(row["start"]) == pytest.approx(float(own.start))
        assert float(row["peak_time"]) == pytest.approx(float(own.peak_time))
        for column, name in (("file", "input"), ("sonification", "sonification")):
            heard, rate = soundfile.read(tmp_path / "run" / "sounds" / row[column])
            samples = min(RATE, round(RATE * listed[int(row["clip"])]["seconds"]))
            assert (rate, len(heard)) == (RATE, samples)
            np.testing.assert_allclose(heard, own[name].values[:samples], atol=STEP)


def test_of_a_model_of_one_length_they_come_from_anywhere_in_a_longer_sound(long_sounds: Path, tmp_path: Path) -> None:
    (tmp_path / "fixed.py").write_text(DEAD.replace("sample_rate = 8000", "sample_rate, input_length = 8000, 6000"))
    done = run(f"{tmp_path}/fixed.py:Dead", long_sounds, tmp_path / "run", sounds=5)
    assert done.sounds is not None and not done.sounds.missing
    rows = index(tmp_path / "run")
    assert len(rows) == 3 * 5 and any(float(row["peak_time"]) > 1.5 for row in rows)
    for row in rows:
        heard, _ = soundfile.read(tmp_path / "run" / "sounds" / row["file"])
        whole, _ = soundfile.read(row["name"])
        start = round(float(row["start"]) * RATE)
        assert start <= float(row["peak_time"]) * RATE <= start + len(heard)
        there = min(len(heard), len(whole) - start)  # behind it the sound was filled up
        np.testing.assert_allclose(heard[:there], whole[start : start + there], atol=2 * STEP)


def test_clips_are_ranked_over_the_whole_set(model: str, long_sounds: Path, tmp_path: Path) -> None:
    run(model, long_sounds, tmp_path / "run", sounds=2)
    scope = Scope(model)
    names = [row["name"] for row in items(tmp_path / "run")]
    means = {name: scope.activations(name).mean_activation.values for name in names}
    rows = index(tmp_path / "run")
    assert [(row["layer"], int(row["channel"]), int(row["rank"])) for row in rows] == [
        ("relu", channel, rank) for channel in range(4) for rank in (1, 2)
    ]
    for channel in range(4):
        best = sorted(names, key=lambda name: -means[name][channel])[:2]
        assert [row["name"] for row in rows if row["channel"] == str(channel)] == best
    number = int(rows[0]["clip"])
    assert rows[0]["file"] == f"relu/0/rank-01-clip{number:06d}.wav"
    assert rows[0]["sonification"] == f"relu/0/rank-01-clip{number:06d}-sonification.wav"
    assert waves(tmp_path / "run") == sorted(row[name] for row in rows for name in ("file", "sonification"))


def test_a_run_that_is_done_gets_them_later_and_stays_as_it_is(model: str, long_sounds: Path, tmp_path: Path) -> None:
    run(model, long_sounds, tmp_path / "run")
    before = content(tmp_path / "run")
    done = run(model, long_sounds, tmp_path / "run", sounds=1)
    assert done.computed == 0 and done.sounds is not None and done.sounds.written == 8
    run(model, long_sounds, tmp_path / "other", sounds=1, workers=2)
    after = content(tmp_path / "run")
    assert {name: after[name] for name in before} == before
    assert after == content(tmp_path / "other")


def test_what_is_there_is_kept(model: str, long_sounds: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run" / "sounds"
    run(model, long_sounds, tmp_path / "run", sounds=2)
    whole, stamps = content(folder), {name: (folder / name).stat().st_mtime_ns for name in waves(tmp_path / "run")}
    again = run(model, long_sounds, tmp_path / "run", sounds=2)
    assert again.sounds is not None and (again.sounds.written, again.sounds.files) == (0, 16)
    (folder / index(tmp_path / "run")[3]["sonification"]).unlink()
    (folder / "relu" / "0" / "rank-01.wav.0123456789abcdef.part").write_text("killed")
    mended = run(model, long_sounds, tmp_path / "run", sounds=2)
    assert mended.sounds is not None and mended.sounds.written == 2
    assert content(folder) == whole
    assert sum(stamps[name] == (folder / name).stat().st_mtime_ns for name in stamps) == 14
    more = run(model, long_sounds, tmp_path / "run", sounds=3)
    assert more.sounds is not None and (more.sounds.written, more.sounds.files) == (8, 24)
    assert len(index(tmp_path / "run")) == 12


def test_dead_maps_have_none_and_are_counted(long_sounds: Path, tmp_path: Path) -> None:
    (tmp_path / "dead.py").write_text(DEAD)
    done = run(f"{tmp_path / 'dead.py'}:Dead", long_sounds, tmp_path / "run", sounds=1)
    assert done.sounds is not None and (done.sounds.maps, done.sounds.dead, done.sounds.files) == (3, 1, 6)
    assert {row["channel"] for row in index(tmp_path / "run")} == {"0", "1", "3"}


def test_they_take_as_many_bytes_as_was_said(model: str, long_sounds: Path, tmp_path: Path) -> None:
    most = 2 * 4 * 5 * (44 + 2 * RATE)  # of pieces of a second
    with pytest.raises(
        InputError, match=r"4 maps, 5 clips of each, take up to 641.76kB.*--sounds-size 641.76kB.*--sounds"
    ):
        run(model, long_sounds, tmp_path / "run", sounds=5, sounds_size=most - 1)
    assert not (tmp_path / "run").exists()
    done = run(model, long_sounds, tmp_path / "run", sounds=5, sounds_size=most)
    size = sum((tmp_path / "run" / "sounds" / name).stat().st_size for name in waves(tmp_path / "run"))
    assert done.sounds is not None and done.sounds.size == size < most
    # of a run that is done it is known that one of the clips is shorter
    assert run(model, long_sounds, tmp_path / "run", sounds=5, sounds_size=size).sounds == replace(
        done.sounds, written=0
    )
    with pytest.raises(InputError, match=r"take 577\.76kB"):
        run(model, long_sounds, tmp_path / "run", sounds=5, sounds_size=size - 1)


def test_a_share_makes_them_when_all_are_done(model: str, long_sounds: Path, tmp_path: Path) -> None:
    assert run(model, long_sounds, tmp_path / "run", sounds=1, shards="1/2").sounds is None
    assert not (tmp_path / "run" / "sounds").exists()
    last = run(model, long_sounds, tmp_path / "run", sounds=1, shards="2/2")
    assert last.sounds is not None and last.sounds.files == 8


def test_sounds_that_cannot_be_made_are_named(model: str, long_sounds: Path, tmp_path: Path, monkeypatch: Any) -> None:
    from otoscope.sweeps import sounds

    whole = sounds.sounds_of_maps

    def failing(subject: Any, inputs: Any, **options: Any) -> Any:
        if inputs.shape[-1] == 12000:
            raise RuntimeError("no way back")
        return whole(subject, inputs, **options)

    monkeypatch.setattr(sounds, "sounds_of_maps", failing)
    done = run(model, long_sounds, tmp_path / "run", sounds=5)
    assert done.sounds is not None and done.sounds.files == 4 * 4 * 2
    ((name, why),) = done.sounds.missing.items()
    assert name.endswith("2.wav") and why == "RuntimeError: no way back"
    assert [row["name"] for row in index(tmp_path / "run") if not row["file"]] == [name] * 4
    monkeypatch.undo()
    mended = run(model, long_sounds, tmp_path / "run", sounds=5)
    assert mended.sounds is not None and (mended.sounds.written, mended.sounds.missing) == (8, {})


def test_what_cannot_be_is_one_error_before_anything_is_computed(model: str, long_sounds: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sounds has to be 1 or more, not 0"):
        run(model, long_sounds, tmp_path / "run", sounds=0)
    with pytest.raises(InputError, match="add activations to the methods"):
        sweep(model, long_sounds, methods="output", out=tmp_path / "run", workers=0, sounds=1)
    assert not (tmp_path / "run").exists()
    run(model, long_sounds, tmp_path / "run", sounds=1)
    run(model, long_sounds, tmp_path / "new", shard_size=3)
    (tmp_path / "run" / "sounds").rename(tmp_path / "new" / "sounds")
    with pytest.raises(InputError, match="holds sounds of another run: remove it"):
        run(model, long_sounds, tmp_path / "new", shard_size=3, sounds=1)


def test_the_command_says_how_many_there_are(
    otoscope: Callable[..., Any], model: str, long_sounds: Path, tmp_path: Path
) -> None:
    arguments = ["sweep", model, long_sounds, "--methods", "activations", "--out", tmp_path / "run"]
    arguments += ["--workers", "0", "--shard-size", "2", "--json"]
    refused = otoscope(*arguments, "--sounds", "5", "--sounds-size", "100kB")
    assert refused.code == 1 and "--sounds-size 641.76kB" in " ".join(refused.err.split())
    share = otoscope(*arguments, "--sounds", "2", "--shards", "1/2")
    assert (share.code, share.json()["sounds"]) == (0, None) and "no sounds yet" in share.err
    done = otoscope(*arguments, "--sounds", "2")
    found = done.json()["sounds"]
    size = sum((tmp_path / "run" / "sounds" / name).stat().st_size for name in waves(tmp_path / "run"))
    assert (done.code, found) == (0, {"maps": 4, "dead": 0, "files": 16, "size": size, "written": 16, "missing": {}})
    shown = otoscope(*arguments[:-1], "--sounds", "2", "--sounds-size", "1MB").out
    assert "sounds files" in shown and "sounds written" in shown
    assert "sounds" not in otoscope(*arguments).json()


@pytest.mark.kill
def test_killed_in_the_middle_it_is_taken_up_again(long_sounds: Path, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        DEAD.replace("import torch\n", "import time\nimport torch\n", 1).replace(
            "        return self", "        time.sleep(0.05)\n        return self"
        )
    )
    model = f"{tmp_path / 'slow.py'}:Dead"
    run(model, long_sounds, tmp_path / "whole", sounds=5)
    run(model, long_sounds, tmp_path / "run")
    command = [sys.executable, "-m", "otoscope", "sweep", model, str(long_sounds), "--methods", "activations"]
    command += ["--out", str(tmp_path / "run"), "--workers", "0", "--shard-size", "2", "--sounds", "5"]
    for number, status in ((signal.SIGKILL, -9), (signal.SIGINT, 130)):
        before = len(waves(tmp_path / "run"))
        process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and len(waves(tmp_path / "run")) <= before:
            time.sleep(0.01)
        os.killpg(process.pid, number)
        _, error = process.communicate(timeout=60)
        assert process.returncode == status, error.decode()
        for name in waves(tmp_path / "run"):
            assert (tmp_path / "run" / "sounds" / name).read_bytes() == (
                tmp_path / "whole" / "sounds" / name
            ).read_bytes()
    assert len(waves(tmp_path / "run")) < len(waves(tmp_path / "whole"))
    run(model, long_sounds, tmp_path / "run", sounds=5)
    assert content(tmp_path / "run") == content(tmp_path / "whole")
