"""From a recipe to what learns: the model for the sound and the classes of its data, and how it learns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otoscope.errors import InputError
from otoscope.training.contrastive import Contrastive
from otoscope.training.frames import Sentence, sentences
from otoscope.training.phones import Phones
from otoscope.training.recipe import Recipe
from otoscope.training.splits import Splits
from otoscope.training.start import output_for_silence, random_model, start_model
from otoscope.training.supervised import Supervised


def untrained_model(recipe: Recipe) -> Any:
    """The model of a recipe before its classes are known, which tells what sound it takes."""
    return random_model(recipe.model, None if recipe.learn.method == "contrastive" else ("one", "other"), recipe.seed)


def build_model(recipe: Recipe, splits: Splits) -> Any:
    """The model of a recipe, for the classes of its data unless it only encodes."""
    encodes = recipe.learn.method == "contrastive"
    if not encodes and len(splits.train.classes) < 2:
        raise InputError(f"{recipe.data.set} has one class, {splits.train.classes[0]}: there is nothing to tell apart")
    part = recipe.model
    if recipe.learn.method == "linear":  # the classifier is what learns
        part = part.model_copy(update={"new_head": True})
    length = crop_length(recipe, untrained_model(recipe))
    model: Any = start_model(part, None if encodes else splits.train.classes, recipe.seed, length)
    if getattr(model, "config", None) is not None:  # as it is trained, so it is looked into
        model.padding = recipe.data.padding
    return model


def crop_length(recipe: Recipe, model: Any) -> int:
    """Samples of what the model hears at a time in training."""
    own, shortest = getattr(model, "input_length", None), getattr(model, "minimum_length", 1) or 1
    asked = None if recipe.data.duration is None else round(recipe.data.duration * model.sample_rate)
    if own is not None and asked not in (None, own):
        raise InputError(
            f"data.duration is {recipe.data.duration:g}, and {recipe.model.name} takes {own / model.sample_rate:g} s: "
            "leave it out, or set model.options.input_length"
        )
    length = own or asked
    if length is None:
        raise InputError(
            f"{recipe.model.name} takes clips of any length: say data.duration, how much it hears at a time"
        )
    if length < shortest:
        raise InputError(
            f"data.duration is {length / model.sample_rate:g}, and {recipe.model.name} needs "
            f"{shortest / model.sample_rate:.3g} s or more"
        )
    return int(length)


def build_learner(recipe: Recipe, model: Any, splits: Splits) -> Any:
    """The model together with the way it learns."""
    length = crop_length(recipe, model)
    if recipe.learn.method == "contrastive":
        embedding = output_for_silence(model, recipe.model.name, length)
        options = getattr(model, "config", {}).get("options", {})
        told = getattr(model, "classes", None) or options.get("n_classes") or options.get("classes")
        if embedding.ndim != 2 or told:
            raise InputError(
                f"{recipe.model.name} is no encoder: contrastive learning needs a model that returns features "
                "(clip, feature) and ends in no classifier, such as cnn12"
            )
        return Contrastive(model, recipe.learn, recipe.seed, embedding.shape[1])
    model.train()
    if recipe.learn.method == "frames":
        said: dict[str, Sequence[Sentence]] = {
            name: sentences(data) for name, data in splits._asdict().items() if data is not None
        }
        of = {"length": length, "sample_rate": model.sample_rate, "mixup_alpha": recipe.augment.mixup}
        return Phones(model, recipe.learn, recipe.seed, splits.train.classes, said, **of)
    return Supervised(
        model,
        recipe.learn,
        recipe.seed,
        len(splits.train.classes),
        multilabel=splits.train.multilabel,
        mixup_alpha=recipe.augment.mixup,
        shortest=length,
        window=getattr(model, "input_length", None),
        padding=recipe.data.padding,
    )
