"""What is kept while a model learns: weights at steps, change rates, time, and a table of the epochs."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from safetensors.torch import load_file

from otoscope.training.callbacks import ProgressReporter
from otoscope.training.run import train


@pytest.fixture(scope="module")
def run(made: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four steps an epoch, three epochs; everything kept."""
    out = tmp_path_factory.mktemp("runs") / "run"
    keep = {"steps": [0, *range(1, 13), 99], "change_rate": True}
    train(made(data={"validation": None, "in_memory": True}, learn={"batch_size": 6}, keep=keep), out)
    return out


def weights(run: Path, step: int) -> dict[str, torch.Tensor]:
    return load_file(run / "steps" / f"step={step}.safetensors")


def test_weights_of_steps(run: Path) -> None:
    kept = {path.name for path in (run / "steps").iterdir()}
    assert kept == {f"step={step}.safetensors" for step in range(13)}  # there is no step 99
    last, model = weights(run, 12), load_file(run / "model.safetensors")
    assert last.keys() == model.keys()
    assert all(torch.equal(value, model[name]) for name, value in last.items())
    first = next(name for name, value in last.items() if value.ndim == 3)
    assert all(not torch.equal(weights(run, step)[first], weights(run, step + 1)[first]) for step in range(12))


def test_change_rates_are_those_of_the_weights(run: Path) -> None:
    rate = xr.load_dataset(run / "change_rate.nc")
    assert any(12 in value.shape for value in rate.data_vars.values()) or 12 in rate.sizes.values()
    assert all(np.isfinite(value).all() for value in rate.data_vars.values() if value.dtype.kind == "f")


def test_the_table_of_epochs(run: Path) -> None:
    with (run / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [list(row) for row in rows] == [["epoch", "step", "learning_rate", "loss"]] * 3
    assert [row["step"] for row in rows] == ["4", "8", "12"]


def test_the_clock_goes_on_after_a_cut() -> None:
    class NoTrainer:
        is_global_zero = True

    first: Any = ProgressReporter(None)
    first.on_train_start(NoTrainer(), None)
    time.sleep(0.02)
    first.on_train_batch_end(NoTrainer(), None, None, None, 0)
    second: Any = ProgressReporter(None)
    second.load_state_dict(first.state_dict())
    second.on_train_start(NoTrainer(), None)
    time.sleep(0.02)
    second.on_train_end(NoTrainer(), None)
    assert 0.02 <= first.seconds < second.seconds and second.seconds >= 0.04


def test_the_learning_rate_of_each_epoch_is_in_the_table(made: Any, tmp_path: Path) -> None:
    learn = {"schedule": "exponential", "decay": 0.5, "learning_rate": 1e-3, "epochs": 3}
    train(made(data={"validation": None}, learn=learn), tmp_path / "run")
    with (tmp_path / "run" / "log.csv").open() as file:
        rates = [float(row["learning_rate"]) for row in csv.DictReader(file)]
    assert rates == pytest.approx([1e-3, 5e-4, 2.5e-4])
