"""Processes that torchrun or Slurm started learn together, without a word of how many there are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from otoscope import InputError
from otoscope.training.launched import Launched, launched, with_launched


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, None),
        ({"RANK": "0", "WORLD_SIZE": "2"}, None),  # of another launcher, which Lightning knows or not
        ({"SLURM_NTASKS": "4", "SLURM_NNODES": "2"}, None),  # the batch script itself, without srun
        ({"SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_JOB_NAME": "bash"}, None),
        ({"SLURM_NTASKS": "1", "SLURM_PROCID": "0"}, None),
        ({"SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_JOB_NUM_NODES": "2"}, Launched("Slurm", 2, 2)),
        ({"TORCHELASTIC_RUN_ID": "1", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}, Launched("torchrun", 2, 1)),
    ],
)
def test_what_started_it(environment: dict[str, str], found: Launched | None) -> None:
    assert launched(environment) == found


def test_machines_with_different_numbers() -> None:
    with pytest.raises(InputError, match="Slurm started 5 processes on 2 machines: start as many on each"):
        launched({"SLURM_NTASKS": "5", "SLURM_PROCID": "0", "SLURM_NNODES": "2"})


def test_the_options_that_are_given_have_to_agree() -> None:
    started = Launched("torchrun", 4, 2)
    assert with_launched({"devices": "auto"}, started) == {"devices": 4, "num_nodes": 2}
    assert with_launched({"devices": 8}, None) == {"devices": 8}
    with pytest.raises(InputError, match=r"torchrun started 4 .* of 2 machines, but trainer.devices is 8: give"):
        with_launched({"devices": 8}, started)


OWN = """
import torch
from torch import nn


class Plain(nn.Module):
    sample_rate = 8000

    def __init__(self):
        super().__init__()
        self.conv, self.out = nn.Conv1d(1, 4, 40, stride=20), nn.Linear(4, 3)

    def forward(self, x):
        return self.out(torch.relu(self.conv(x)).mean(-1) * 10)
"""


def start(folder: Path, *command: str, **environment: str) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "MASTER", "RANK"))}
    clean |= {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"} | environment
    said = [*command, "-m", "otoscope", "train", "recipe.yaml", "--out", "run", "--json"]
    return subprocess.Popen(said, cwd=folder, env=clean, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def by_torchrun(folder: Path) -> list[subprocess.Popen[str]]:
    return [start(folder, sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")]


def by_slurm(folder: Path) -> list[subprocess.Popen[str]]:
    """What srun gives two tasks on one machine."""
    job = {"SLURM_JOB_ID": "12345", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_NNODES": "1"}
    job |= {"SLURM_JOB_NUM_NODES": "1", "SLURM_NODELIST": "127.0.0.1", "SLURM_NODEID": "0", "SLURM_JOB_NAME": "train"}
    job |= {"MASTER_ADDR": "127.0.0.1"}
    return [start(folder, sys.executable, **job, SLURM_PROCID=task, SLURM_LOCALID=task) for task in "01"]


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without torch.distributed")
@pytest.mark.parametrize("launch", [by_torchrun, by_slurm])
def test_two_processes_train_with_seeds(launch: Any, tones: Path, tmp_path: Path) -> None:
    """Each seed with both processes; one of them writes, and what they know of the clips is put together."""
    recipe = {
        "about": "two processes",
        "seeds": "1..2",
        "model": {"name": f"{tmp_path / 'own.py'}:Plain"},
        "data": {"set": "folder", "folder": str(tones), "train": "all", "validation": 0.25, "duration": 0.1},
        "learn": {"epochs": 1, "batch_size": 4},
        "trainer": {"accelerator": "cpu", "strategy": "ddp"},
    }
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    running = launch(tmp_path)
    said = [process.communicate(timeout=200) for process in running]
    assert not any(process.returncode for process in running), said
    printed = [out for out, _ in said if out.strip()]
    assert len(printed) == 1
    summary = json.loads(printed[0])
    assert list(summary["seeds"]) == ["1", "2"] and summary["train_loss_deviation"] > 0
    assert (tmp_path / "run" / "seed2" / "model.safetensors").is_file()
    log = (tmp_path / "run" / "seed1" / "log.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in log[1:]] == [["0", "2"]]  # 18 clips are two batches of 2 x 4
