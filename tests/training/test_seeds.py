"""Several seeds: a folder each, one summary, and nothing trained twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otoscope import InputError
from otoscope.files import write_text
from otoscope.training.recipe import Recipe, read_recipe
from otoscope.training.run import train


def with_seeds(recipe: Recipe, *seeds: int) -> Recipe:
    return recipe.model_copy(update={"seeds": list(seeds)})


@pytest.fixture(scope="module")
def run(made: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], Recipe]:
    out, recipe = tmp_path_factory.mktemp("runs") / "run", made(learn={"epochs": 1})
    return out, train(with_seeds(recipe, 1, 2), out), recipe


def test_each_seed_is_a_training_of_its_own(run: tuple[Path, dict[str, Any], Recipe], tmp_path: Path) -> None:
    out, summary, recipe = run
    assert {path.name for path in out.iterdir()} == {"recipe.yaml", "metrics.json", "seed1", "seed2"}
    alone = train(recipe.model_copy(update={"seed": 2}), tmp_path / "alone")
    for name in ("train_loss", "validation_accuracy", "validation_loss"):
        assert summary["seeds"]["2"][name] == alone[name]
    assert (out / "seed2" / "model.safetensors").read_bytes() == (tmp_path / "alone" / "model.safetensors").read_bytes()
    assert read_recipe(out / "seed2" / "recipe.yaml").seed == 2


def test_the_summary_is_over_seeds(run: tuple[Path, dict[str, Any], Recipe]) -> None:
    out, summary, _ = run
    losses = [summary["seeds"][seed]["train_loss"] for seed in ("1", "2")]
    assert losses[0] != losses[1]
    assert summary["train_loss"] == pytest.approx(np.mean(losses))
    assert summary["train_loss_deviation"] == pytest.approx(np.std(losses, ddof=1))
    low, high = summary["train_loss_interval"]
    assert low < min(losses) and max(losses) < high  # of two runs it is wide
    assert json.loads((out / "metrics.json").read_text())["train_loss"] == summary["train_loss"]


def test_more_seeds_are_added_to_those_that_are_done(made: Any, tmp_path: Path) -> None:
    recipe = made(learn={"epochs": 1})
    train(with_seeds(recipe, 3), tmp_path / "run")
    metrics = tmp_path / "run" / "seed3" / "metrics.json"
    marked = json.loads(metrics.read_text()) | {"train_loss": 100.0}  # it would be overwritten
    write_text(metrics, json.dumps(marked))
    with pytest.raises(InputError, match="not empty"):
        train(with_seeds(recipe, 3, 4), tmp_path / "run")
    summary = train(with_seeds(recipe, 3, 4), tmp_path / "run", resume=True)
    assert summary["seeds"]["3"]["train_loss"] == 100.0 and summary["train_loss"] > 50
    assert list(summary["seeds"]) == ["3", "4"]


def test_a_single_seed_has_no_deviation(made: Any, tmp_path: Path) -> None:
    summary = train(with_seeds(made(learn={"epochs": 1}), 5), tmp_path / "run")
    assert np.isnan(summary["train_loss_deviation"])
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["train_loss_deviation"] is None
