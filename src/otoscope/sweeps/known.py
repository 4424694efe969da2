"""The methods that a sweep runs, with the arguments that they are given."""

from __future__ import annotations

import difflib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, get_type_hints

from otoscope.errors import InputError
from otoscope.methods.arguments import checked
from otoscope.methods.catalogue import METHODS, PER_CALL, Record
from otoscope.methods.listing import listing
from otoscope.results import as_json
from otoscope.sweeps.outputs import OUTPUT

Methods = str | Sequence[str] | Mapping[str, Mapping[str, Any]]
"""Methods by name, with their arguments where they are not to be the usual ones."""


def record_of(name: str) -> Record:
    """The record of a method that says something of each sound, or of ``output``.

    Raises
    ------
    InputError
        If there is none of this name, or it says nothing of a sound by itself.
    """
    if name == OUTPUT.name:
        return OUTPUT
    name = name.replace("-", "_")
    if name not in listing():
        near = difflib.get_close_matches(name, [*listing(), OUTPUT.name], 3, 0.4)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise InputError(f"there is no method {name!r}{hint} (`otoscope --help` lists them all, and there is output)")
    import_module(listing()[name].module)
    record = METHODS[name]
    if record.of_clips is not None:
        record = replace(record, function=record.of_clips, takes="data")
    if record.takes == "model":
        raise InputError(
            f"{name} looks at the model alone, whatever the sounds: otoscope {name.replace('_', '-')} MODEL"
        )
    if not of_each_clip(record):
        raise InputError(
            f"{name} says nothing of one clip by itself: otoscope {name.replace('_', '-')} MODEL DATA; what can be "
            f"swept is {', '.join(_that_can_be_swept())}"
        )
    return record


def of_each_clip(record: Record) -> bool:
    """Whether a method says something of each clip, whatever the others are."""
    return record.takes == "wave" or record.clips is not None


def _that_can_be_swept() -> list[str]:
    for listed in listing().values():
        import_module(listed.module)
    return [*(name for name in listing() if of_each_clip(METHODS[name])), OUTPUT.name]


def resolved_methods(methods: Methods) -> dict[str, dict[str, Any]]:
    """Every method with every argument, in order of their names.

    Raises
    ------
    InputError
        If there is no method or no such argument, a value is of another type, or one that has to be given is missing.

    Examples
    --------
    >>> resolved_methods({"activations": {"layer": ["conv1"]}, "output": {}})
    {'activations': {'layer': ['conv1'], 'segments': None, 'tier': None}, 'output': {}}
    """
    if isinstance(methods, str):
        methods = [name.strip() for name in methods.split(",") if name.strip()]
    given = methods if isinstance(methods, Mapping) else {name: {} for name in methods}
    if not given:
        raise InputError("no method is named: give one or more, such as activations,relevance")
    found = {record_of(name).name: _arguments(record_of(name), arguments) for name, arguments in given.items()}
    return {name: found[name] for name in sorted(found)}


def as_kept(methods: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The same as plain values that JSON has."""
    kept: dict[str, Any] = json.loads(as_json(methods))
    return kept


def _arguments(record: Record, given: Mapping[str, Any]) -> dict[str, Any]:
    parameters = list(inspect.signature(record.function).parameters.values())[1:]
    own = {
        one.name: one
        for one in parameters
        if one.name != record.takes and one.name not in PER_CALL and one.name not in record.alone
    }
    hints = get_type_hints(record.function)
    for name in given:
        if name not in own:
            near = difflib.get_close_matches(name, own, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(own) or 'none'}"
            raise InputError(f"{record.name} has no argument {name}{hint}")
    found = {}
    for name, parameter in own.items():
        value = given.get(name, parameter.default)
        if value is inspect.Parameter.empty:
            raise InputError(
                f"{record.name} needs the argument {name}: --set {record.name}.{name}=... on the command line, "
                f"methods={{'{record.name}': {{'{name}': ...}}}} in Python"
            )
        found[name] = checked(record.name, name, value, hints[name])
    return {**found, **record.alone}
