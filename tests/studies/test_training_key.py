"""The key of a training: rows that are kept are found again when recipes get new keys."""

from __future__ import annotations

from typing import Any

import pytest

from otoscope import InputError
from otoscope.studies.training import training
from otoscope.training.recipe import read_recipe

FIRST = {
    "seed", "model.name", "model.options", "model.weights", "model.new_head", "data.set", "data.task", "data.train",
    "data.validation", "data.test", "data.folds", "data.duration", "data.crop", "data.padding", "data.in_memory",
    "augment.gain", "augment.noise", "augment.masks", "augment.background", "augment.mixup", "learn.method",
    "learn.epochs", "learn.batch_size", "learn.learning_rate", "learn.weight_decay", "learn.schedule", "learn.warm_up",
    "learn.temperature", "learn.projection", "learn.patience", "keep.steps", "keep.change_rate", "keep.log",
    "keep.every",
}  # fmt: skip
"""The keys that there were when the first rows were kept."""


def keys(content: dict[str, Any], above: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in content.items():
        inner = isinstance(value, dict) and above == ""
        found |= keys(value, f"{name}.") if inner else {above + name}
    return found


def test_a_key_of_a_recipe_that_came_later_is_left_out_at_its_default() -> None:
    step = training("laptop/fsdd/swam_segmental", ["data.task=digit", "learn.epochs=6"], seed=2)
    assert keys(step.arguments["content"]) == FIRST


def test_the_hash_of_a_training_is_that_of_the_first_kept_rows() -> None:
    step = training("laptop/fsdd/swam_segmental", ["data.task=digit", "learn.epochs=6"], seed=2)
    assert step.recipe == "af28033d27388234"


@pytest.mark.parametrize("change", ["learn.class_weights=balanced", "learn.select_by=loss", "data.test=0.1"])
def test_another_value_is_another_training(change: str) -> None:
    recipe = "laptop/fsdd/swam_segmental"
    assert training(recipe, [change]).recipe != training(recipe).recipe


def test_several_seeds_are_several_steps() -> None:
    with pytest.raises(InputError, match="seeds"):
        training("laptop/vowels", ["seeds=1..3"])
    assert read_recipe("laptop/vowels", ["seeds=1..3"]).seeds == [1, 2, 3]
