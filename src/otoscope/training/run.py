"""A training from its recipe to the folder of the trained model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
    is_rank_zero,
    write_metrics,
    write_model,
    writing,
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
        New, or empty; with `resume` that of a training that was cut off. Of a cross-validation each fold has a folder
        in it.
    resume : bool
        Go on where it was cut off. What comes out is what would have, without the cut (same machine and seed).
    report : callable, optional
        Called with what is done, how far it is, and of how much.

    Returns
    -------
    dict
        Metrics of the test part (`test_accuracy` ...) and of the best epoch on the validation part, `parameters`,
        `seconds` of training, `epochs`, `clips` of each part. Of a cross-validation, means over the folds
        with 95 % intervals (`test_accuracy`, `test_accuracy_interval`), and `folds`, each with its own.

    Raises
    ------
    InputError
        If anything is wrong with recipe, data, weights or folder; before training begins, as far as can be seen then.
    KeyboardInterrupt
        If it is interrupted; it can go on.

    Notes
    -----
    The model that is kept is that of the best epoch on the validation part, and where there is none of the last one.
    """
    out = Path(out)
    if recipe.data.folds is None:
        return _train_one(recipe, out, None, resume, report)
    folds = fold_names(recipe.data) if recipe.data.folds == "all" else list(recipe.data.folds)
    check_folder(out, recipe, resume)
    create_folder(out, recipe)
    found = {}
    for fold in folds:
        done = out / fold / METRICS
        if resume and done.is_file():
            found[fold] = json.loads(done.read_text(encoding="utf-8"))
        else:
            found[fold] = _train_one(recipe, out / fold, fold, resume, _named(report, fold))
    summary = _over_folds(found)
    if is_rank_zero():
        write_metrics(summary, out)
    return summary


def dry_run(recipe: Recipe) -> dict[str, Any]:
    """Build what a recipe names and make one step on made-up clips; the data set need not be at hand.

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
        If the recipe names something that does not exist or does not fit together.
    """
    shape = untrained_model(recipe)
    rate, length = shape.sample_rate, crop_length(recipe, shape)
    splits = synthetic_splits(recipe.data, rate, 2.2 * length / rate, _classes_at_hand(recipe))
    if recipe.learn.method == "frames":
        splits = Splits(split_in_two(splits.train), *(data and split_in_two(data) for data in splits[1:]))
    recipe = changed(changed(recipe, "model", weights=None), "data", workers=0)
    model = build_model(recipe, splits)
    learner = build_learner(recipe, model, splits)
    feed = DataModule(recipe, splits, rate, length, batch_size=2)
    with quiet():
        trainer = make_dry_run_trainer()
        trainer.fit(learner, feed)
    return {
        "parameters": _parameters(model),
        "classes": len(splits.train.classes),
        "loss": learner.epoch_loss,
    }


def _classes_at_hand(recipe: Recipe) -> Sequence[str] | None:
    """Those of data of one's own, whose number no registry knows, if it is there."""
    data = recipe.data
    if data.set not in SETS or SETS[data.set].tasks or data.folder is None or not Path(data.folder).exists():
        return None
    return read(data.set, data.folder, task=data.task).classes


def _train_one(recipe: Recipe, out: Path, fold: str | None, resume: bool, report: Report | None) -> dict[str, Any]:
    if fold is not None and recipe.model.weights is not None:
        weights = recipe.model.weights.replace("{fold}", fold)
        recipe = changed(recipe, "model", weights=weights)
    check_folder(out, recipe, resume)
    rate = untrained_model(recipe).sample_rate
    splits = read_splits(recipe.data, recipe.seed, rate, fold)
    if recipe.learn.method == "contrastive":  # of the folds too, only what is trained on
        splits = Splits(splits.train, None, None)
    model = build_model(recipe, splits)
    feed = DataModule(recipe, splits, rate, crop_length(recipe, model), recipe.learn.batch_size, report)
    learner = build_learner(recipe, model, splits)
    progress = ProgressReporter(report)
    watching = learner.best_by is not None and splits.validation is not None
    with quiet():
        trainer = make_trainer(recipe, out, learner.best_by if watching else None, progress)
        create_folder(out, recipe)
        last = out / LAST
        with interruptible(trainer), writing(out):
            begin = last if resume and last.is_file() else None
            if begin is not None:
                read_weights(begin)  # one sentence, where it is damaged
            trainer.fit(learner, feed, ckpt_path=begin, weights_only=True)
            best = out / BEST
            if watching and best.is_file():
                learner.load_state_dict(read_weights(best))
            metrics = _judge(trainer, learner, feed)
    metrics |= {
        "parameters": _parameters(model),
        "epochs": trainer.current_epoch,
        "seconds": round(progress.seconds, 1),
        "device": str(trainer.strategy.root_device),
        "clips": feed.counts(),
        "otoscope_version": __version__,
    }
    if trainer.is_global_zero:
        write_model(recipe, model, metrics, out, fold)
        write_metrics(metrics, out)
    return metrics


def _judge(trainer: Trainer, learner: Learner, feed: DataModule) -> dict[str, Any]:
    """The metrics of the model that is kept."""
    found: dict[str, Any] = {"train_loss": learner.epoch_loss}
    if "validation" in feed.wholes:
        found |= trainer.validate(learner, feed, verbose=False)[0]
    if "test" in feed.wholes:
        found |= trainer.test(learner, feed, verbose=False)[0]
    return found


def _over_folds(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    first, *others = found.values()
    summary: dict[str, Any] = {"seconds": sum(metrics["seconds"] for metrics in found.values())}
    figures = [name for name, value in first.items() if isinstance(value, float) and name != "seconds"]
    for name in (name for name in figures if all(name in metrics for metrics in others)):
        mean, low, high = mean_interval([metrics[name] for metrics in found.values()])
        summary |= {name: float(mean), f"{name}_interval": [float(low), float(high)]}
    return summary | {"parameters": first["parameters"], "folds": found}


def _named(report: Report | None, fold: str) -> Report | None:
    if report is None:
        return None
    return lambda step, done, total: report(f"{fold}, {step}", done, total)


def _parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
