"""A training from its recipe to the folder of the trained model."""

from __future__ import annotations

import json
import logging
import signal
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from torch import nn

from otoscope._version import __version__
from otoscope.dsp.statistics import mean_interval
from otoscope.errors import InputError
from otoscope.models import save
from otoscope.models.checkpoints import read_weights, save_weights
from otoscope.training.card import model_card
from otoscope.training.contrastive import Contrastive
from otoscope.training.feed import Feed
from otoscope.training.frames import Sentence, in_two, sentences
from otoscope.training.learner import Learner
from otoscope.training.parts import Parts, fold_names, made_up, read_parts
from otoscope.training.phones import Phones
from otoscope.training.recipe import Recipe, read_recipe, write_recipe
from otoscope.training.start import start_model, unchecked_model
from otoscope.training.supervised import Supervised
from otoscope.training.watch import Best, FilterChanges, Log, Patience, Progress, Report, StepWeights, Within, is_first

RECIPE, METRICS, LAST, BEST, LOG = "recipe.yaml", "metrics.json", "last.ckpt", "best.ckpt", "log.csv"
"""Files of the folder of a run, beside those of the model."""


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
    _check_folder(out, recipe, resume)
    found = {}
    for fold in folds:
        done = out / fold / METRICS
        if resume and done.is_file():
            found[fold] = json.loads(done.read_text(encoding="utf-8"))
        else:
            found[fold] = _train_one(recipe, out / fold, fold, resume, _named(report, fold))
    summary = _over_folds(found)
    if is_first():
        write_recipe(recipe, out / RECIPE)
        _write_json(out / METRICS, summary)
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
    shape = _untrained(recipe)
    rate, length = shape.sample_rate, _length(recipe, shape)
    parts = made_up(recipe.data, rate, 2.2 * length / rate)
    if recipe.learn.method == "frames":
        parts = Parts(in_two(parts.train), *(data and in_two(data) for data in parts[1:]))
    recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update={"weights": None})})
    model = _model(recipe, parts)
    learner = _learner(recipe, model, parts)
    feed = Feed(
        recipe.model_copy(update={"data": recipe.data.model_copy(update={"workers": 0})}), parts, rate, length, 2
    )
    with _quiet():
        trainer = Trainer(
            accelerator="cpu",
            devices=1,
            max_epochs=1,
            limit_train_batches=1,
            num_sanity_val_steps=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(learner, feed)
    return {
        "parameters": _parameters(model),
        "classes": len(parts.train.classes),
        "loss": learner.epoch_loss,
    }


def _train_one(recipe: Recipe, out: Path, fold: str | None, resume: bool, report: Report | None) -> dict[str, Any]:
    if fold is not None and recipe.model.weights is not None:
        weights = recipe.model.weights.replace("{fold}", fold)
        recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update={"weights": weights})})
    _check_folder(out, recipe, resume)
    rate = _untrained(recipe).sample_rate
    parts = read_parts(recipe.data, recipe.seed, rate, fold)
    if recipe.learn.method == "contrastive":  # of the folds too, only what is trained on
        parts = Parts(parts.train, None, None)
    model = _model(recipe, parts)
    feed = Feed(recipe, parts, rate, _length(recipe, model), recipe.learn.batch_size, report)
    learner = _learner(recipe, model, parts)
    _begin_folder(out, recipe)
    progress = Progress(report)
    watching = learner.best_by is not None and parts.validation is not None
    with _quiet():
        trainer = Trainer(
            max_epochs=recipe.learn.epochs,
            logger=_logger(recipe, out) or False,
            callbacks=[*_callbacks(recipe, out, learner.best_by if watching else None), progress],
            **{
                "num_sanity_val_steps": 0,
                "enable_progress_bar": False,
                "enable_model_summary": False,
                "log_every_n_steps": 1,
                "use_distributed_sampler": False,
                **recipe.trainer,
            },
        )
        last = out / LAST
        with _interruptible(trainer):
            trainer.fit(learner, feed, ckpt_path=last if resume and last.is_file() else None, weights_only=True)
            best = out / BEST
            if watching and best.is_file():
                learner.load_state_dict(read_weights(best))
            metrics = _judge(trainer, learner, feed)
    metrics |= {
        "parameters": _parameters(model),
        "epochs": trainer.current_epoch,
        "seconds": round(progress.seconds, 1),
        "clips": parts.counts(),
        "otoscope_version": __version__,
    }
    if trainer.is_global_zero:
        _write_model(recipe, model, parts, metrics, out)
        _write_json(out / METRICS, metrics)
    return metrics


def _judge(trainer: Trainer, learner: Learner, feed: Feed) -> dict[str, Any]:
    """The metrics of the model that is kept."""
    found: dict[str, Any] = {"loss": learner.epoch_loss}
    if "validation" in feed.wholes:
        found |= trainer.validate(learner, feed, verbose=False)[0]
    if "test" in feed.wholes:
        found |= trainer.test(learner, feed, verbose=False)[0]
    return found


def _untrained(recipe: Recipe) -> Any:
    """The model of a recipe before its classes are known, which tells what sound it takes."""
    return unchecked_model(
        recipe.model, None if recipe.learn.method == "contrastive" else ("one", "other"), recipe.seed
    )


def _model(recipe: Recipe, parts: Parts) -> Any:
    """The model of a recipe, for the classes of its data unless it only encodes."""
    encodes = recipe.learn.method == "contrastive"
    return start_model(recipe.model, None if encodes else parts.train.classes, recipe.seed)


def _length(recipe: Recipe, model: Any) -> int:
    """Samples of what the model hears at a time in training."""
    own, shortest = getattr(model, "input_length", None), getattr(model, "minimum_length", 1) or 1
    asked = None if recipe.data.seconds is None else round(recipe.data.seconds * model.sample_rate)
    if own is not None and asked not in (None, own):
        raise InputError(
            f"data.seconds is {recipe.data.seconds:g}, and {recipe.model.name} takes {own / model.sample_rate:g} s: "
            "leave it out, or set model.options.input_length"
        )
    length = own or asked
    if length is None:
        raise InputError(
            f"{recipe.model.name} takes clips of any length: say data.seconds, how much it hears at a time"
        )
    if length < shortest:
        raise InputError(
            f"data.seconds is {length / model.sample_rate:g}, and {recipe.model.name} needs "
            f"{shortest / model.sample_rate:.3g} s or more"
        )
    return int(length)


def _learner(recipe: Recipe, model: Any, parts: Parts) -> Any:
    length = _length(recipe, model)
    if recipe.learn.method == "contrastive":
        with torch.no_grad():
            embedding = model.eval()(torch.zeros(1, 1, length))
        model.train()
        if embedding.ndim != 2:
            raise InputError(f"{recipe.model.name} is no encoder: it has to return (clip, feature)")
        return Contrastive(model, recipe.learn, recipe.seed, embedding.shape[1])
    model.train()
    if recipe.learn.method == "frames":
        said: dict[str, Sequence[Sentence]] = {
            name: sentences(data) for name, data in parts._asdict().items() if data is not None
        }
        of = {"length": length, "sample_rate": model.sample_rate, "mixup_alpha": recipe.augment.mixup}
        return Phones(model, recipe.learn, recipe.seed, parts.train.classes, said, **of)
    return Supervised(
        model,
        recipe.learn,
        recipe.seed,
        len(parts.train.classes),
        multilabel=parts.train.multilabel,
        mixup_alpha=recipe.augment.mixup,
        shortest=length,
        window=getattr(model, "input_length", None),
        fill_by=recipe.data.fill,
    )


def _callbacks(recipe: Recipe, out: Path, best_by: str | None) -> list[Callback]:
    keep = recipe.keep
    found: list[Callback] = []
    if best_by is not None:
        monitor = f"validation_{best_by}"
        found.append(Best(out, monitor))
        if recipe.learn.patience is not None:
            found.append(Patience(monitor, recipe.learn.patience))
    if keep.log == "csv":
        found.append(Log(out / LOG))
    # Behind these: what goes on from here has to know what they know.
    if keep.every is not None:
        found.append(Within(out, keep.every))
    found.append(ModelCheckpoint(out, "last", save_on_train_epoch_end=True, enable_version_counter=False))
    if keep.steps:
        found.append(StepWeights(out / "steps", keep.steps))
    if keep.change_rate:
        found.append(FilterChanges(out / "change_rate.nc"))
    return found


def _logger(recipe: Recipe, out: Path) -> Logger | None:
    if recipe.keep.log != "tensorboard":
        return None
    # A logger empties the folder that it is given; what was logged before a cut stays.
    number = next(n for n in range(1, 10_000) if not (out / f"log{n}").exists())
    try:
        return TensorBoardLogger(out, name="", version=f"log{number}")
    except ModuleNotFoundError:
        raise InputError("keep.log=tensorboard needs TensorBoard: pip install tensorboard, or say csv") from None


def _check_folder(out: Path, recipe: Recipe, resume: bool) -> None:
    """A new training overwrites nothing, and one that goes on is the same one."""
    if not is_first():
        return
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file: name a folder for the run")
    before = out / RECIPE
    if not resume:
        if out.is_dir() and any(out.iterdir()):
            raise InputError(f"{out} is not empty: name another folder, or go on with what is there by --resume")
    elif before.is_file():
        for key in _differences(read_recipe(before).model_dump(), recipe.model_dump()):
            if key not in _FREE:
                raise InputError(
                    f"{key} differs from that of the training in {out}: give the recipe that it began with"
                )
    elif out.is_dir() and any(out.iterdir()) and recipe.data.folds is None:
        raise InputError(f"{out} holds no training to go on with: it has no {RECIPE}")


_FREE = frozenset(["trainer", "data.folder", "data.workers", "data.in_memory", "keep.log", "about"])
"""What may change when a training goes on: nothing of it changes the weights."""


def _differences(one: dict[str, Any], other: dict[str, Any], above: str = "") -> Iterator[str]:
    for key, value in one.items():
        if isinstance(value, dict) and isinstance(other.get(key), dict) and f"{above}{key}" not in _FREE:
            yield from _differences(value, other[key], f"{above}{key}.")
        elif value != other.get(key):
            yield f"{above}{key}"


def _begin_folder(out: Path, recipe: Recipe) -> None:
    if not is_first():
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_recipe(recipe, out / RECIPE)
    except OSError as error:
        raise InputError(f"cannot write into {out}: {error.strerror}; name another folder") from None


def _write_model(recipe: Recipe, model: Any, parts: Parts, metrics: dict[str, Any], out: Path) -> None:
    model.eval()
    model.name = out.resolve().name
    if getattr(model, "config", None) is None:  # of the user's own code, which a checkpoint folder cannot name
        save_weights(model, out / "model.safetensors")
        return
    numbers = {name: value for name, value in metrics.items() if isinstance(value, float) and name != "seconds"}
    card = model_card(recipe, model, name=model.name, clips=parts.counts(), metrics=numbers, seconds=metrics["seconds"])
    save(model, out, card)


def _over_folds(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    first = next(iter(found.values()))
    for name in (key for key, value in first.items() if isinstance(value, float)):
        mean, low, high = mean_interval([metrics[name] for metrics in found.values()])
        summary |= {name: float(mean), f"{name}_interval": [float(low), float(high)]}
    return summary | {"parameters": first["parameters"], "folds": found}


def _named(report: Report | None, fold: str) -> Report | None:
    if report is None:
        return None
    return lambda step, done, total: report(f"{fold}, {step}", done, total)


def _parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _write_json(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=2, default=float)
    part = path.with_name(f"{path.name}.part")
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(path)


@contextmanager
def _interruptible(trainer: Trainer) -> Iterator[None]:
    """Where Lightning ends the whole process on Ctrl-C, and listens to no other one, raise what Python raises."""
    try:
        yield
    except SystemExit:
        if not trainer.interrupted:
            raise
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.default_int_handler)
        raise KeyboardInterrupt from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's advice to itself: what matters of it is said by errors and progress here."""
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
