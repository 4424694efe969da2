"""The folder of a run: its files, the checks before a training starts or resumes in it, and writing the model."""

from __future__ import annotations

import errno
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_only

from otoscope.errors import InputError
from otoscope.files import make_folder, write_text
from otoscope.models import save
from otoscope.models.checkpoints import WEIGHTS, save_weights
from otoscope.training.card import model_card
from otoscope.training.recipe import Recipe, read_recipe, write_recipe

RECIPE, METRICS, LAST, BEST, LOG = "recipe.yaml", "metrics.json", "last.ckpt", "best.ckpt", "log.csv"
"""Files in the folder of a run, beside those of the model."""

_MAY_CHANGE = frozenset(["trainer", "data.folder", "data.workers", "keep.log", "about", "seeds"])
"""Keys that may change when a training resumes; the options of `trainer` are the user's responsibility."""


def is_rank_zero() -> bool:
    """Whether this process writes the files; also true before Lightning has started others."""
    return getattr(rank_zero_only, "rank", 0) == 0


def check_folder(out: Path, recipe: Recipe, resume: bool) -> None:
    """Check that a new training overwrites nothing, and that a resumed one has the same recipe."""
    if not is_rank_zero():
        return
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file: name a folder for the run")
    before = out / RECIPE
    if not resume:
        if out.is_dir() and any(path.name != RECIPE for path in out.iterdir()):
            raise InputError(f"{out} is not empty: name another folder, or resume the training in it with --resume")
    elif before.is_file():
        for key in _differences(read_recipe(before).model_dump(), recipe.model_dump()):
            if key not in _MAY_CHANGE:
                raise InputError(
                    f"{key} differs from the recipe of the training in {out}: give the recipe it was started with"
                )
    elif out.is_dir() and any(out.iterdir()):
        raise InputError(f"there is no training to resume in {out}: it has no {RECIPE}")


def create_folder(out: Path, recipe: Recipe) -> None:
    """Create the folder, and write the recipe into it.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    if not is_rank_zero():
        return
    make_folder(out)
    write_recipe(recipe, out / RECIPE)


@contextmanager
def disk_errors(out: Path) -> Iterator[None]:
    """Turn the errors of a full disk or a read-only folder into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        raise InputError(
            f"cannot write to {out}: {error.strerror}; make room and continue with --resume (delete a truncated file "
            "first)"
        ) from None


def write_model(recipe: Recipe, model: Any, metrics: dict[str, Any], out: Path, fold: str | None) -> None:
    """Write a trained model with its card; only the weights of a model from the user's own code."""
    model.eval()
    model.name = out.resolve().name
    if getattr(model, "config", None) is None:  # its code cannot be named in config.json
        save_weights(model, out / WEIGHTS)
        return
    save(model, out, model_card(recipe, model, metrics, name=model.name, fold=fold))


def write_metrics(content: dict[str, Any], out: Path) -> None:
    """Write metrics; values that are not finite as null."""
    write_text(out / METRICS, json.dumps(_finite(content), indent=2, allow_nan=False) + "\n")


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _differences(one: dict[str, Any], other: dict[str, Any], above: str = "") -> Iterator[str]:
    for key, value in one.items():
        if isinstance(value, dict) and isinstance(other.get(key), dict) and f"{above}{key}" not in _MAY_CHANGE:
            yield from _differences(value, other[key], f"{above}{key}.")
        elif value != other.get(key):
            yield f"{above}{key}"
