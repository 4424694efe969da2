"""How a result is had again: the method and the arguments that its picture on a page gives to copy."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import xarray as xr

from otoscope.methods.catalogue import METHODS
from otoscope.methods.listing import listing
from otoscope.results import as_json

_OF_CLASSES = ("target", "against")
_ON_DISK = ("segments",)  # arguments that may be a path, of which only the name is given away


def call_of(result: xr.Dataset) -> dict[str, Any]:
    """The call that made a result, with what differs from the defaults of its method.

    What is of no method, such as a comparison, has all of its arguments that are not None.

    Parameters
    ----------
    result : Dataset
        That a method signed.

    Returns
    -------
    dict
        `method`, `takes` ("model", "wave" or "data") and `arguments`, numbers, texts, truth values and lists; where an
        argument was a function, which cannot be written down, `unknown` lists it.

    Examples
    --------
    >>> from otoscope.methods.filters import filters
    >>> from otoscope.subject import Subject
    >>> from torch import nn
    >>> call_of(filters(Subject(nn.Conv1d(1, 4, 8), sample_rate=8000), n_fft=64))
    {'method': 'filters', 'takes': 'model', 'arguments': {'layer': 'conv1d', 'n_fft': 64}}
    """
    name = str(result.attrs["method"])
    takes, usual = _takes(name)
    unknown = ["target"] if result.attrs.get("score_kind") == "function" else []
    arguments = {
        key: value
        for key, value in arguments_of(result).items()
        if key not in unknown and value != usual.get(key) and value != {}
    }
    call: dict[str, Any] = {"method": name, "takes": takes, "arguments": arguments}
    return call | ({"unknown": unknown} if unknown else {})


def arguments_of(result: xr.Dataset) -> dict[str, Any]:
    """All arguments of a result, a class by its name, and of a file its name: where it lies is the user's business."""
    given = json.loads(str(result.attrs["arguments"]))
    subject = json.loads(str(result.attrs.get("subject", "{}")))
    contracts = list(subject.values()) if result.attrs["method"] == "compare" else [subject]
    for key in _OF_CLASSES:
        if isinstance(given.get(key), (int, str, list)):
            named = _named(given[key], [one.get("classes") or () for one in contracts])
            if key == "target" or isinstance(named, list) == isinstance(given[key], list):  # against is one for all
                given[key] = named
    return {
        key: Path(value).name if key in _ON_DISK and isinstance(value, str) else value for key, value in given.items()
    }


def _named(target: Any, classes: Sequence[Sequence[str]]) -> Any:
    """A class by its name for one model or several, or for each clip; for each model its own where names differ."""
    if isinstance(target, list):
        each = classes if len(classes) == len(target) else [classes[0]] * len(target)
        return [_name(one, names) for one, names in zip(target, each, strict=True)]
    found = [_name(target, names) for names in classes]
    return found[0] if all(one == found[0] for one in found) else found


def _name(target: Any, classes: Sequence[str]) -> Any:
    """A class by its name, and by its number where classes have no names: a command line has either as text."""
    if target in classes or not str(target).isdecimal():
        return target
    number = int(target)
    if not classes:
        return number
    return classes[number] if number < len(classes) and list(classes).count(classes[number]) == 1 else target


def _takes(name: str) -> tuple[str, dict[str, Any]]:
    """What a method takes beside the model, and its defaults as a result writes them."""
    if name not in listing():
        return "wave", {}
    if name not in METHODS:
        import_module(listing()[name].module)
    record = METHODS[name]
    parameters = inspect.signature(record.function).parameters.values()
    usual = {one.name: one.default for one in parameters if one.default is not inspect.Parameter.empty}
    return record.takes, json.loads(as_json(usual))
