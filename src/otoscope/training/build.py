"""From a recipe to what is trained: the model for the sound and the classes of its data, and the training method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otoscope.contract import Contract
from otoscope.errors import InputError
from otoscope.training.contrastive import Contrastive
from otoscope.training.frames import Sentence, sentences
from otoscope.training.phones import Phones
from otoscope.training.recipe import Recipe
from otoscope.training.splits import Splits
from otoscope.training.start import output_for_silence, random_model, start_model
from otoscope.training.supervised import Supervised
from otoscope.training.weights import class_weights


def untrained_model(recipe: Recipe) -> Any:
    """The model of a recipe before its classes are known, to read its sample rate and length from."""
    classes = None if recipe.learn.method == "contrastive" else ("one", "other")
    return random_model(recipe.model, classes, recipe.seed)


def build_model(recipe: Recipe, splits: Splits) -> Any:
    """The model of a recipe for the classes of its data; an encoder for contrastive learning."""
    is_encoder, section = recipe.learn.method == "contrastive", recipe.model
    classes = splits.train.classes
    if not is_encoder and not classes:
        raise InputError(f"the sounds of {recipe.data.set} have no labels: choose one of their facts as data.task")
    if not is_encoder and len(classes) < 2:
        raise InputError(f"{recipe.data.set} has only the class {classes[0]}: a classifier needs two")
    if recipe.learn.method == "linear":  # the classifier is what is trained
        section = section.model_copy(update={"new_head": True})
    length = crop_length(recipe, untrained_model(recipe))
    model: Any = start_model(section, None if is_encoder else classes, recipe.seed, length)
    # As it is trained, so it is scored and looked into.
    contract = Contract.of(model).changed(
        layout="(batch, 1, time)",
        trained_length=length,
        padding=recipe.data.padding,
        scores="hidden state" if is_encoder else "logits",
        multilabel=None if is_encoder else splits.train.multilabel,
    )
    contract.attach(model)
    return model


def crop_length(recipe: Recipe, model: Any) -> int:
    """Samples of the pieces that a model is trained on."""
    own, shortest = getattr(model, "input_length", None), getattr(model, "minimum_length", 1) or 1
    duration, name = recipe.data.duration, recipe.model.name
    wanted = None if duration is None else round(duration * model.sample_rate)
    if own is not None and wanted not in (None, own):
        raise InputError(
            f"data.duration is {duration:g} s, but {name} takes {own / model.sample_rate:g} s: leave it out, or set "
            "model.options.input_length"
        )
    length = own or wanted
    if length is None:
        raise InputError(f"{name} takes clips of any length: set data.duration, the length of the training pieces in s")
    if length < shortest:
        raise InputError(
            f"data.duration is {length / model.sample_rate:g} s, but {name} needs {shortest / model.sample_rate:.3g} s "
            "or more"
        )
    return int(length)


def build_learner(recipe: Recipe, model: Any, splits: Splits) -> Any:
    """The model together with its training method."""
    length, train = crop_length(recipe, model), splits.train
    if recipe.learn.method == "contrastive":
        embedding = output_for_silence(model, recipe.model.name, length)
        options = getattr(model, "config", {}).get("options", {})
        classes = getattr(model, "classes", None) or options.get("n_classes") or options.get("classes")
        if embedding.ndim != 2 or classes:
            raise InputError(
                f"{recipe.model.name} is not an encoder: contrastive learning needs a model that returns features "
                "(clip, feature) and has no classifier, such as cnn12"
            )
        return Contrastive(model, recipe, embedding.shape[1])
    model.train()
    if recipe.learn.method == "frames":
        spoken: dict[str, Sequence[Sentence]] = {
            split: sentences(data) for split, data in splits._asdict().items() if data is not None
        }
        return Phones(model, recipe, train.classes, spoken, length=length, sample_rate=model.sample_rate)
    weights = class_weights(recipe.learn.class_weights, train)
    return Supervised(model, recipe, len(train.classes), multilabel=train.multilabel, weights=weights)
