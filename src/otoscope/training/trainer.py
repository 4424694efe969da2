"""Lightning's Trainer, configured by a recipe."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import Logger, TensorBoardLogger

from otoscope.errors import InputError
from otoscope.training.callbacks import (
    BestCheckpoint,
    ChangeRateLog,
    EarlyStop,
    MetricsLog,
    ProgressReporter,
    StepCheckpoint,
    StepWeights,
)
from otoscope.training.folder import LOG
from otoscope.training.launched import launched, with_launched
from otoscope.training.recipe import LOWER_IS_BETTER, Recipe

_PLAIN: dict[str, Any] = {"num_sanity_val_steps": 0, "enable_progress_bar": False, "enable_model_summary": False}


def make_trainer(recipe: Recipe, out: Path, best_by: str | None, progress: ProgressReporter) -> Trainer:
    """A trainer with the callbacks and options of a recipe.

    Parameters
    ----------
    recipe : Recipe
    out : Path
        The folder of the run.
    best_by : str, optional
        The validation metric that selects the best epoch, where there is a validation split.
    progress : ProgressReporterReporter

    Raises
    ------
    InputError
        If Lightning rejects an option, or torchrun or Slurm started another number of processes.
    """
    callbacks, logger = [*_callbacks(recipe, out, best_by), progress], _logger(recipe, out) or False
    own = with_launched(recipe.trainer, launched())
    options = {**_PLAIN, "log_every_n_steps": 1, "use_distributed_sampler": False, **own}
    try:
        return Trainer(max_epochs=recipe.learn.epochs, logger=logger, callbacks=callbacks, **options)
    except Exception as error:  # Lightning rejects options in many ways
        reason = " ".join(str(error).split())
        raise InputError(f"Lightning cannot train with trainer={own}: {reason}") from None


def make_dry_run_trainer() -> Trainer:
    """A trainer that makes one step and stores nothing."""
    one: dict[str, Any] = {"accelerator": "cpu", "devices": 1, "max_epochs": 1, "limit_train_batches": 1}
    return Trainer(logger=False, enable_checkpointing=False, **{**_PLAIN, **one})


@contextmanager
def interruptible(trainer: Trainer) -> Iterator[None]:
    """Raise KeyboardInterrupt on Ctrl-C, where Lightning would exit the process and ignore the next Ctrl-C."""
    try:
        yield
    except SystemExit:
        if not trainer.interrupted:
            raise
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.default_int_handler)
        raise KeyboardInterrupt from None


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Lightning's log and warnings: errors and progress are reported here."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _callbacks(recipe: Recipe, out: Path, best_by: str | None) -> list[Callback]:
    keep = recipe.keep
    found: list[Callback] = []
    if best_by is not None:
        monitor = f"validation_{best_by}"
        mode: Literal["max", "min"] = "min" if best_by in LOWER_IS_BETTER else "max"
        found.append(BestCheckpoint(out, monitor, mode))
        if recipe.learn.patience is not None:
            found.append(EarlyStop(monitor, recipe.learn.patience, mode))
    if keep.log == "csv":
        found.append(MetricsLog(out / LOG))
    # After these callbacks, so that a checkpoint contains their state.
    if keep.every is not None:
        found.append(StepCheckpoint(out, keep.every))
    found.append(ModelCheckpoint(out, "last", save_on_train_epoch_end=True, enable_version_counter=False))
    if keep.steps:
        found.append(StepWeights(out / "steps", keep.steps))
    if keep.change_rate:
        found.append(ChangeRateLog(out / "change_rate.nc"))
    return found


def _logger(recipe: Recipe, out: Path) -> Logger | None:
    if recipe.keep.log != "tensorboard":
        return None
    # A logger empties its folder, and the log before an interruption must stay.
    number = next(n for n in range(1, 10_000) if not (out / f"log{n}").exists())
    try:
        return TensorBoardLogger(out, name="", version=f"log{number}")
    except ModuleNotFoundError:
        raise InputError("keep.log=tensorboard needs TensorBoard: pip install tensorboard, or use csv") from None
