"""The folder of a run: what lies in it, what it takes to begin there or to go on, and how the model gets into it."""

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
"""Files of the folder of a run, beside those of the model."""

_FREE = frozenset(["trainer", "data.folder", "data.workers", "keep.log", "about"])
"""What may change when a training goes on; what other options of `trainer` do to it is for the user to know."""


def is_rank_zero() -> bool:
    """Whether this is the one process that writes, also before Lightning has started the others."""
    return getattr(rank_zero_only, "rank", 0) == 0


def check_folder(out: Path, recipe: Recipe, resume: bool) -> None:
    """A new training overwrites nothing, and one that goes on is the same one."""
    if not is_rank_zero():
        return
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file: name a folder for the run")
    before = out / RECIPE
    if not resume:
        if out.is_dir() and any(path.name != RECIPE for path in out.iterdir()):
            raise InputError(f"{out} is not empty: name another folder, or go on with what is there by --resume")
    elif before.is_file():
        for key in _differences(read_recipe(before).model_dump(), recipe.model_dump()):
            if key not in _FREE:
                raise InputError(
                    f"{key} differs from that of the training in {out}: give the recipe that it began with"
                )
    elif out.is_dir() and any(out.iterdir()):
        raise InputError(f"{out} holds no training to go on with: it has no {RECIPE}")


def create_folder(out: Path, recipe: Recipe) -> None:
    """Make the folder, with the recipe in it.

    Raises
    ------
    InputError
        If that cannot be written.
    """
    if not is_rank_zero():
        return
    make_folder(out)
    write_recipe(recipe, out / RECIPE)


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Say in one sentence that a disk is full, or that a folder cannot be written."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        raise InputError(
            f"cannot write into {out}: {error.strerror}; make room, and go on by --resume (remove a file that was "
            "cut off)"
        ) from None


def write_model(recipe: Recipe, model: Any, metrics: dict[str, Any], out: Path, fold: str | None) -> None:
    """Write a trained model with its card; the weights alone of a model that no configuration can name."""
    model.eval()
    model.name = out.resolve().name
    if getattr(model, "config", None) is None:  # of the user's own code, which a checkpoint folder cannot name
        save_weights(model, out / WEIGHTS)
        return
    numbers = {name: value for name, value in metrics.items() if isinstance(value, float) and name != "seconds"}
    known = {"clips": metrics["clips"], "seconds": metrics["seconds"], "device": metrics["device"]}
    shares = {part: f"{part}_accuracy" for part in metrics["clips"] if f"{part}_accuracy" in numbers}
    sure = {name: _wilson(numbers[name], metrics["clips"][part]) for part, name in shares.items()}
    card = model_card(recipe, model, name=model.name, metrics=numbers, intervals=sure, fold=fold, **known)
    save(model, out, card)


def write_metrics(content: dict[str, Any], out: Path) -> None:
    """Write metrics; what is no number, as the loss of a training that diverged, as null."""
    write_text(out / METRICS, json.dumps(_finite(content), indent=2, allow_nan=False) + "\n")


def _wilson(share: float, clips: int) -> tuple[float, float]:
    """The 95 % interval of a share of right clips."""
    from scipy.stats import binomtest

    interval = binomtest(round(share * clips), clips).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _differences(one: dict[str, Any], other: dict[str, Any], above: str = "") -> Iterator[str]:
    for key, value in one.items():
        if isinstance(value, dict) and isinstance(other.get(key), dict) and f"{above}{key}" not in _FREE:
            yield from _differences(value, other[key], f"{above}{key}.")
        elif value != other.get(key):
            yield f"{above}{key}"
