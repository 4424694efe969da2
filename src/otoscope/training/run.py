"""A training, from its recipe to the folder of the trained model."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from lightning.pytorch import Trainer
from torch import nn

from otoscope._version import __version__
from otoscope.data.sets import SETS, read
from otoscope.dsp.statistics import mean_interval
from otoscope.models.checkpoints import read_weights
from otoscope.training.build import build_learner, build_model, crop_length, untrained_model
from otoscope.training.callbacks import ProgressReporter, Report
from otoscope.training.data_module import DataModule
from otoscope.training.folder import (
    BEST,
    LAST,
    METRICS,
    check_folder,
    create_folder,
    disk_errors,
    is_rank_zero,
    write_metrics,
    write_model,
)
from otoscope.training.frames import split_in_two
from otoscope.training.learner import Learner
from otoscope.training.recipe import Recipe, changed
from otoscope.training.splits import Splits, fold_names, read_splits, synthetic_splits
from otoscope.training.trainer import interruptible, make_dry_run_trainer, make_trainer, quiet


def train(recipe: Recipe, out: str | Path, *, resume: bool = False, report: Report | None = None) -> dict[str, Any]:
    """Train a model and write it, with its card and metrics, into a folder that :func:`otoscope.load` opens.

    Parameters
    ----------
    recipe : Recipe
        See :func:`otoscope.training.recipe.read_recipe`.
    out : str or Path
        A new or empty folder; with `resume` that of an interrupted training. A cross-validation has a folder in it for
        each fold, a training with several seeds for each seed.
    resume : bool
        Continue an interrupted training. The result is the same as without the interruption (same machine and seed).
    report : callable, optional
        Called with a description of the step, the amount done, and the total.

    Returns
    -------
    dict
        Metrics of the test split (`test_accuracy`, ...) and of the best epoch on the validation split, `parameters`,
        `seconds` of training, `epochs`, `clips` of each split. For a cross-validation, means over the folds with
        95 % intervals (`test_accuracy`, `test_accuracy_interval`), and the results of each fold in `folds`. With
        several seeds, the same over the seeds with their standard deviation (`test_accuracy_deviation`), and `seeds`.

    Raises
    ------
    InputError
        If anything is wrong with recipe, data, weights or folder; before training begins where it can be known then.
    KeyboardInterrupt
        If it is interrupted; it can be resumed.

    Notes
    -----
    The model that is written is that of the best epoch on the validation split, or without such a split of the last.
    """
    out = Path(out)
    if recipe.seeds is not None:
        return _train_seeds(recipe, out, resume, report)
    if recipe.data.folds is None:
        return _train_one(recipe, out, None, resume, report)
    folds = fold_names(recipe.data) if recipe.data.folds == "all" else list(recipe.data.folds)
    check_folder(out, recipe, resume)
    create_folder(out, recipe)
    results = {}
    for fold in folds:
        done = out / fold / METRICS
        if resume and done.is_file():
            results[fold] = json.loads(done.read_text(encoding="utf-8"))
        else:
            results[fold] = _train_one(recipe, out / fold, fold, resume, _prefixed(report, fold))
    summary = _over(results, "folds")
    if is_rank_zero():
        write_metrics(summary, out)
    return summary


def _train_seeds(recipe: Recipe, out: Path, resume: bool, report: Report | None) -> dict[str, Any]:
    """Train with each seed, in a folder of its own, and summarise; what is done stays done."""
    check_folder(out, recipe, resume)
    create_folder(out, recipe)
    results = {}
    for seed in recipe.seeds or ():
        name = f"seed{seed}"
        done = out / name / METRICS
        if resume and done.is_file():
            results[str(seed)] = json.loads(done.read_text(encoding="utf-8"))
        else:
            results[str(seed)] = train(
                _of_seed(recipe, seed), out / name, resume=resume, report=_prefixed(report, name)
            )
    summary = _over(results, "seeds")
    if is_rank_zero():
        write_metrics(summary, out)
    return summary


def _of_seed(recipe: Recipe, seed: int) -> Recipe:
    if recipe.model.weights is not None:
        recipe = changed(recipe, "model", weights=recipe.model.weights.replace("{seed}", str(seed)))
    return recipe.model_copy(update={"seed": seed, "seeds": None})


def dry_run(recipe: Recipe) -> dict[str, Any]:
    """Build the model of a recipe and make one training step on synthetic clips; the data set is not needed.

    Parameters
    ----------
    recipe : Recipe

    Returns
    -------
    dict
        `parameters` of the model, its number of `classes`, and the `loss` of the step.

    Raises
    ------
    InputError
        If the recipe names something that does not exist, or its parts do not fit together.
    """
    untrained = untrained_model(recipe)
    sample_rate, length = untrained.sample_rate, crop_length(recipe, untrained)
    splits = synthetic_splits(recipe.data, sample_rate, 2.2 * length / sample_rate, _own_classes(recipe))
    if recipe.learn.method == "frames":
        splits = Splits(split_in_two(splits.train), *(data and split_in_two(data) for data in splits[1:]))
    recipe = changed(changed(recipe, "model", weights=None), "data", workers=0)
    recipe = changed(recipe, "learn", batch_size=2)
    model = build_model(recipe, splits)
    learner = build_learner(recipe, model, splits)
    with quiet():
        make_dry_run_trainer().fit(learner, DataModule(recipe, splits, sample_rate, length))
    return {
        "parameters": _parameters(model),
        "classes": len(splits.train.classes),
        "loss": learner.epoch_loss,
    }


def _own_classes(recipe: Recipe) -> Sequence[str] | None:
    """The classes of the user's own data, which no registry knows, if its folder exists."""
    data = recipe.data
    if data.set not in SETS or SETS[data.set].tasks or data.folder is None or not Path(data.folder).exists():
        return None
    return read(data.set, data.folder, task=data.task).classes


def _train_one(recipe: Recipe, out: Path, fold: str | None, resume: bool, report: Report | None) -> dict[str, Any]:
    if fold is not None and recipe.model.weights is not None:
        recipe = changed(recipe, "model", weights=recipe.model.weights.replace("{fold}", fold))
    check_folder(out, recipe, resume)
    sample_rate = untrained_model(recipe).sample_rate
    splits = read_splits(recipe.data, recipe.seed, sample_rate, fold)
    if recipe.learn.method == "contrastive":  # uses no labels, and has nothing to evaluate
        splits = Splits(splits.train, None, None)
    model = build_model(recipe, splits)
    data = DataModule(recipe, splits, sample_rate, crop_length(recipe, model), report)
    learner = build_learner(recipe, model, splits)
    progress = ProgressReporter(report)
    validates = learner.best_by is not None and splits.validation is not None
    with quiet():
        trainer = make_trainer(recipe, out, learner.best_by if validates else None, progress)
        create_folder(out, recipe)
        last = out / LAST
        with interruptible(trainer), disk_errors(out):
            checkpoint = last if resume and last.is_file() else None
            if checkpoint is not None:
                read_weights(checkpoint)  # an InputError if it is damaged
            trainer.fit(learner, data, ckpt_path=checkpoint, weights_only=True)
            best = out / BEST
            if validates and best.is_file():
                learner.load_state_dict(read_weights(best))
            metrics = _evaluate(trainer, learner, data)
    metrics |= {
        "parameters": _parameters(model),
        "epochs": trainer.current_epoch,
        "seconds": round(progress.seconds, 1),
        "device": str(trainer.strategy.root_device),
        "clips": data.counts(),
        "otoscope_version": __version__,
    }
    if trainer.is_global_zero:
        write_model(recipe, model, metrics, out, fold)
        write_metrics(metrics, out)
    return metrics


def _evaluate(trainer: Trainer, learner: Learner, data: DataModule) -> dict[str, Any]:
    """The metrics of the final model."""
    metrics: dict[str, Any] = {"train_loss": learner.epoch_loss}
    if "validation" in data.whole_clips:
        metrics |= trainer.validate(learner, data, verbose=False)[0]
    if "test" in data.whole_clips:
        metrics |= trainer.test(learner, data, verbose=False)[0]
    return metrics


def _over(results: dict[str, dict[str, Any]], what: Literal["folds", "seeds"]) -> dict[str, Any]:
    """The mean of each metric over folds or seeds with its 95 % interval, and over seeds the standard deviation."""
    first, *others = results.values()
    summary: dict[str, Any] = {"seconds": sum(metrics["seconds"] for metrics in results.values())}
    names = [name for name, value in first.items() if isinstance(value, float) and name != "seconds"]
    for name in (name for name in names if all(name in metrics for metrics in others)):
        values = [metrics[name] for metrics in results.values()]
        mean, low, high = mean_interval(values)
        summary |= {name: float(mean), f"{name}_interval": [float(low), float(high)]}
        if what == "seeds":
            summary[f"{name}_deviation"] = float(np.std(values, ddof=1)) if others else math.nan
    return summary | {"parameters": first["parameters"], what: results}


def _prefixed(report: Report | None, fold: str) -> Report | None:
    if report is None:
        return None
    return lambda step, done, total: report(f"{fold}, {step}", done, total)


def _parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
