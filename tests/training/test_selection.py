"""The metric that selects the best epoch, and that patience watches."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import pytest

from otoscope import InputError
from otoscope.training.run import train


@pytest.fixture(scope="module")
def two(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Tones of two classes."""
    root = tmp_path_factory.mktemp("two")
    for name in ("low", "high"):
        shutil.copytree(tones / name, root / name)
    return str(root)


def log(out: Path) -> list[dict[str, str]]:
    with (out / "log.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("metric", ["loss", "equal_error_rate"])
def test_the_lowest_is_the_best(made: Any, two: str, tmp_path: Path, metric: str) -> None:
    data = {"folder": two, "validation": 0.5}
    metrics = train(made(data=data, learn={"select_by": metric, "learning_rate": 0.02}), tmp_path / "run")
    values = [float(row[f"validation_{metric}"]) for row in log(tmp_path / "run")]
    assert metrics[f"validation_{metric}"] == pytest.approx(min(values), abs=1e-6)


def test_patience_watches_it(made: Any, two: str, tmp_path: Path) -> None:
    """With a learning rate of next to nothing the error stays, and the loss falls by less and less."""
    learn = {"select_by": "equal_error_rate", "patience": 2, "epochs": 9, "learning_rate": 1e-9}
    assert train(made(data={"folder": two}, learn=learn), tmp_path / "run")["epochs"] == 3


def test_a_metric_that_the_data_does_not_have(made: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="equal_error_rate is not measured on this data: choose accuracy or loss"):
        train(made(learn={"select_by": "equal_error_rate"}), tmp_path / "run")
    assert not (tmp_path / "run").exists()
