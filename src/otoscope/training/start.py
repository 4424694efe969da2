"""The initial model of a recipe, for the classes of its data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.models import load
from otoscope.models.checkpoints import CONFIG, WEIGHTS, fit_weights, read_config, read_weights
from otoscope.models.zoo import ARCHITECTURES, option_names
from otoscope.training.recipe import ModelSection
from otoscope.training.supervised import classifier_of


def start_model(section: ModelSection, classes: Sequence[str] | None, seed: int, length: int | None = None) -> Any:
    """Build a model to train.

    Parameters
    ----------
    section : ModelSection
        Of a recipe.
    classes : sequence of str, optional
        Those of the data; None for an encoder.
    seed : int
        Of the random weights.
    length : int, optional
        Samples of the clip that its output is checked with.

    Returns
    -------
    nn.Module
        With `sample_rate`, and `classes` as given.

    Raises
    ------
    InputError
        If there is no such model, it has no sample rate or another number of outputs than there are classes, or the
        weights to start from do not fit, or are for other classes.

    Examples
    --------
    >>> model = start_model(ModelSection(name="vowelnet"), ("low", "high"), seed=0)
    >>> model.classes, model(torch.zeros(1, 1, 4000)).shape
    (('low', 'high'), torch.Size([1, 2]))
    """
    model = random_model(section, classes, seed)
    if section.weights is not None:
        _start_from(model, Path(section.weights), classes, section.new_head)
    if classes is not None:
        shortest = max(getattr(model, "minimum_length", None) or 0, model.sample_rate)
        _check_outputs(model, section.name, classes, length or getattr(model, "input_length", None) or shortest)
        model.classes = tuple(classes)
    return model


def random_model(section: ModelSection, classes: Sequence[str] | None, seed: int) -> Any:
    """A model with random weights, its output unchecked."""
    torch.manual_seed(seed)
    model: Any = load(section.name, **_options(section, classes))
    rate = getattr(model, "sample_rate", None)
    if not isinstance(rate, int) or rate < 1:
        raise InputError(
            f"the model {section.name} has no sample_rate (it is {rate!r}): give it an attribute of that name, a whole "
            "number of Hz"
        )
    return model


def _options(section: ModelSection, classes: Sequence[str] | None) -> dict[str, Any]:
    """The options of the recipe, and the classes under the option that the model takes."""
    options = dict(section.options)
    if classes is None or section.name not in ARCHITECTURES:
        return options
    names = option_names(section.name)
    for name, value in (("classes", list(classes)), ("n_classes", len(classes))):
        if name in options:
            raise InputError(f"model.options.{name} follows from the data: leave it out")
        if name in names:
            return options | {name: value}
    return options


def _start_from(model: nn.Module, place: Path, classes: Sequence[str] | None, new_head: bool) -> None:
    """Load weights; the classifier too, if it is for the same classes."""
    known = read_config(place)["contract"].get("classes") if (place / CONFIG).is_file() else None
    source = place / WEIGHTS if place.is_dir() else place
    weights = read_weights(source)
    if classes is None:
        fit_weights(model, weights, source)
        return
    head, _ = classifier_of(model)
    trained = any(f".{name}".endswith(f".{head}.weight") for name in weights)
    if trained and not new_head and known is not None and tuple(known) != tuple(classes):
        raise InputError(
            f"{place} was trained for the classes {_some(known)}, but the data has {_some(classes)}: set "
            "model.new_head=true to start with a new classifier, or choose other data"
        )
    if new_head or not trained:
        own = {name: value for name, value in model.state_dict().items() if name.startswith(f"{head}.")}
        weights = {name: value for name, value in _unwrapped(weights, model).items() if name not in own} | own
    fit_weights(model, weights, source, "If only the classes differ, set model.new_head=true")


def _unwrapped(weights: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """The weights of the model alone, without the prefix that a training adds to their names."""
    wanted = set(model.state_dict())
    inner = {name.removeprefix("model."): value for name, value in weights.items() if name.startswith("model.")}
    return inner if inner and set(inner) <= wanted and not wanted & set(weights) else weights


def output_for_silence(model: Any, name: str, length: int) -> Tensor:
    """The output of a model for one silent clip (1, 1, length).

    Raises
    ------
    InputError
        If it fails on such a clip, or returns no tensor.
    """
    was_training = model.training
    try:
        with torch.no_grad():
            outputs = model.eval()(torch.zeros(1, 1, length))
    except InputError:
        raise
    except Exception as error:  # the user's own code may fail in any way
        reason = " ".join(str(error).split())
        raise InputError(f"{name} fails on a clip (1, 1, {length}): {type(error).__name__}: {reason}") from error
    finally:
        model.train(was_training)
    if not isinstance(outputs, Tensor):
        raise InputError(f"{name} returns a {type(outputs).__name__} for one clip: it must return a tensor")
    return outputs


def _check_outputs(model: Any, name: str, classes: Sequence[str], length: int) -> None:
    found = tuple(output_for_silence(model, name, length).shape)
    if found != (1, len(classes)):
        raise InputError(
            f"{name} returns {found} for one clip, but the data has {len(classes)} classes ({_some(classes)}): it must "
            f"return (clip, {len(classes)})"
        )


def _some(names: Sequence[str], shown: int = 4) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
