"""Two processes learn what one does with the batches of both, by the command line."""

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
from safetensors.torch import load_file

from otoscope.training.recipe import read_recipe

OWN = '''
import torch
from torch import nn


class Plain(nn.Module):
    """Without batch statistics or dropout, which each process has of its own clips."""

    sample_rate = 8000

    def __init__(self, outputs=6):
        super().__init__()
        self.conv, self.mix, self.out = nn.Conv1d(1, 6, 40, stride=8), nn.Conv1d(6, 6, 9), nn.Linear(6, outputs)

    def forward(self, x):
        x = torch.relu(self.conv(x)) * 10
        return self.out(torch.relu(self.mix(x)).mean(-1) * 10)


def classifier():
    return Plain(3)
'''
TWO = ["trainer.devices=2", "trainer.accelerator=cpu", "trainer.strategy=ddp"]


def run_two(folder: Path) -> dict[str, Any]:
    """What the command prints on standard output."""
    environment = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1"}
    for name in ("MASTER_PORT", "LOCAL_RANK", "WORLD_SIZE", "NODE_RANK"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "otoscope", "train", "recipe.yaml", *TWO, "--out", "two", "--json"]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=150, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def run_one(folder: Path) -> dict[str, Any]:
    from otoscope.training.run import train

    recipe = read_recipe(folder / "recipe.yaml")
    learn = recipe.learn.model_copy(update={"batch_size": 2 * recipe.learn.batch_size})
    return train(recipe.model_copy(update={"learn": learn}), folder / "one")


def write(folder: Path, recipe: dict[str, Any]) -> None:
    (folder / "own.py").write_text(OWN)
    recipe["model"] = {"name": f"{folder / 'own.py'}:{recipe['model']}"}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))


def expect_same(one: Path, other: Path, name: str) -> None:
    weights, others = load_file(one / name), load_file(other / name)
    start = load_file(one / "steps" / "step=0.safetensors")
    assert weights.keys() == others.keys()
    for key, value in weights.items():
        torch.testing.assert_close(value, others[key], rtol=1e-4, atol=1e-5, msg=lambda text, key=key: f"{key}: {text}")
    assert max(float((weights[key] - start[key]).abs().max()) for key in start) > 5e-3  # they have learnt


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without torch.distributed")
def test_contrastive_learning_has_the_negatives_of_both(tones: Path, tmp_path: Path) -> None:
    """With every augmentation, for these are drawn for each clip."""
    augment = {"gain": True, "noise": True, "masks": True, "background": True}
    write(
        tmp_path,
        {
            "about": "two processes",
            "model": "Plain",
            "data": {"set": "folder", "folder": str(tones), "train": "all", "duration": 0.15},
            "augment": augment,
            "learn": {"method": "contrastive", "epochs": 3, "batch_size": 6, "learning_rate": 1e-2, "projection": 16},
            "keep": {"steps": [0, 4], "change_rate": True},
        },
    )
    two, one = run_two(tmp_path), run_one(tmp_path)
    assert two["train_loss"] == pytest.approx(one["train_loss"], rel=1e-5)
    assert two["epochs"] == one["epochs"] == 3
    expect_same(tmp_path / "one", tmp_path / "two", "model.safetensors")
    expect_same(tmp_path / "one", tmp_path / "two", "steps/step=4.safetensors")
    assert {path.name for path in (tmp_path / "one").iterdir()} == {path.name for path in (tmp_path / "two").iterdir()}


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without torch.distributed")
def test_metrics_are_those_of_all_clips(tones: Path, tmp_path: Path) -> None:
    """Of 7 clips to watch one process has 4 and the other 3."""
    write(
        tmp_path,
        {
            "about": "two processes",
            "model": "classifier",
            "data": {"set": "folder", "folder": str(tones), "train": "all", "validation": 0.3, "duration": 0.15},
            "learn": {"epochs": 4, "batch_size": 4, "learning_rate": 1e-2},
            "keep": {"steps": [0], "every": 1},
        },
    )
    two, one = run_two(tmp_path), run_one(tmp_path)
    assert two["clips"] == one["clips"]
    for name in ("train_loss", "validation_loss", "validation_accuracy"):
        assert two[name] == pytest.approx(one[name], rel=1e-4), name
    expect_same(tmp_path / "one", tmp_path / "two", "model.safetensors")
    log = (tmp_path / "two" / "log.csv").read_text().splitlines()
    assert log[0].startswith("epoch,step,learning_rate,loss,validation_accuracy") and len(log) == 5
