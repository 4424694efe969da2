"""The model that a recipe names, for the classes of its data, as it is before training."""

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


def start_model(part: ModelSection, classes: Sequence[str] | None, seed: int, length: int | None = None) -> nn.Module:
    """Build a model to train.

    Parameters
    ----------
    part : ModelSection
        Of a recipe.
    classes : sequence of str, optional
        Those of the data; None for an encoder, which tells none.
    seed : int
        Of the weights that are not read.
    length : int, optional
        Samples of the clip that it is tried on.

    Returns
    -------
    nn.Module
        With `sample_rate`, and with `classes` as given.

    Raises
    ------
    InputError
        If there is no such model, it does not say its sample rate, has another number of outputs than there are
        classes, or the weights to start from do not fit, or tell other classes.

    Examples
    --------
    >>> model = start_model(ModelSection(name="vowelnet"), ("low", "high"), seed=0)
    >>> model.classes, model(torch.zeros(1, 1, 4000)).shape
    (('low', 'high'), torch.Size([1, 2]))
    """
    model = random_model(part, classes, seed)
    if part.weights is not None:
        _start_from(model, Path(part.weights), classes, part.new_head)
    if classes is not None:
        shortest = max(getattr(model, "minimum_length", None) or 0, model.sample_rate)
        _check_outputs(model, part.name, classes, length or getattr(model, "input_length", None) or shortest)
        model.classes = tuple(classes)
    return model


def random_model(part: ModelSection, classes: Sequence[str] | None, seed: int) -> Any:
    """A model with random weights, whatever it returns: before the data is read, for the sound that it takes."""
    torch.manual_seed(seed)
    model: Any = load(part.name, **_options(part, classes))
    rate = getattr(model, "sample_rate", None)
    if not isinstance(rate, int) or rate < 1:
        raise InputError(
            f"the model {part.name} does not say its sample_rate (it is {rate!r}): give it an attribute of that name, "
            "a whole number of Hz"
        )
    return model


def _options(part: ModelSection, classes: Sequence[str] | None) -> dict[str, Any]:
    """The options of the recipe, and the classes in the way that the model takes them."""
    options = dict(part.options)
    if classes is None or part.name not in ARCHITECTURES:
        return options
    names = option_names(part.name)
    for name, value in (("classes", list(classes)), ("n_classes", len(classes))):
        if name in options:
            raise InputError(f"model.options.{name} is told by the data: leave it out")
        if name in names:
            return options | {name: value}
    return options


def _start_from(model: nn.Module, place: Path, classes: Sequence[str] | None, new_head: bool) -> None:
    """Load weights; the classifier too, where it is for the same classes."""
    known = read_config(place).get("classes") if (place / CONFIG).is_file() else None
    source = place / WEIGHTS if place.is_dir() else place
    weights = read_weights(source)
    if classes is None:
        fit_weights(model, weights, source)
        return
    head, _ = classifier_of(model)
    trained = any(f".{name}".endswith(f".{head}.weight") for name in weights)
    if trained and not new_head and known is not None and tuple(known) != tuple(classes):
        raise InputError(
            f"{place} was trained to tell {_some(known)}, and the data has {_some(classes)}: say model.new_head=true "
            "to start with a new classifier, or choose other data"
        )
    if new_head or not trained:
        own = {name: value for name, value in model.state_dict().items() if name.startswith(f"{head}.")}
        weights = {name: value for name, value in _unwrapped(weights, model).items() if name not in own} | own
    fit_weights(model, weights, source, "If only the classes differ, say model.new_head=true")


def _unwrapped(weights: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """The weights of the model alone, without the prefix that a training puts before their names."""
    wanted = set(model.state_dict())
    inner = {name.removeprefix("model."): value for name, value in weights.items() if name.startswith("model.")}
    return inner if inner and set(inner) <= wanted and not wanted & set(weights) else weights


def output_for_silence(model: Any, name: str, length: int) -> Tensor:
    """What a model returns for one silent clip (1, 1, length).

    Raises
    ------
    InputError
        If it takes no such clip, or returns no tensor.
    """
    was = model.training
    try:
        with torch.no_grad():
            outputs = model.eval()(torch.zeros(1, 1, length))
    except InputError:
        raise
    except Exception as error:  # the user's own code may fail in any way
        said = " ".join(str(error).split())
        raise InputError(f"{name} fails on a clip (1, 1, {length}): {type(error).__name__}: {said}") from error
    finally:
        model.train(was)
    if not isinstance(outputs, Tensor):
        raise InputError(f"{name} returns a {type(outputs).__name__} for one clip: it has to return a tensor")
    return outputs


def _check_outputs(model: Any, name: str, classes: Sequence[str], length: int) -> None:
    found = tuple(output_for_silence(model, name, length).shape)
    if found != (1, len(classes)):
        raise InputError(
            f"{name} returns {found} for one clip, and the data has {len(classes)} classes ({_some(classes)}): it has "
            f"to return (clip, {len(classes)})"
        )


def _some(names: Sequence[str], shown: int = 4) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
