"""What tests of whole trainings share: small recipes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otoscope.training.recipe import Recipe

Made = Callable[..., Recipe]


@pytest.fixture(scope="session")
def made(tones: Path) -> Made:
    """A recipe that trains in a second; each part can be changed: ``made(learn={"epochs": 1})``."""
    plain: dict[str, Any] = {
        "about": "tones",
        "model": {"name": "cnn12", "options": {"width": 0.05, "dropout": 0.2}},
        "data": {"set": "folder", "folder": str(tones), "train": "all", "validation": 0.25, "duration": 0.3},
        "learn": {"epochs": 3, "batch_size": 4},
    }

    def make(**changes: dict[str, Any]) -> Recipe:
        return Recipe.model_validate(plain | {part: plain.get(part, {}) | keys for part, keys in changes.items()})

    return make
