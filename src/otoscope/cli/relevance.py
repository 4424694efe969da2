"""The command of a relevance, which says beside it whether it may be believed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from inspect import signature
from typing import Annotated, Any

import xarray as xr
from cyclopts import Parameter

from otoscope.cli.common import Flag
from otoscope.cli.console import progress_bar
from otoscope.cli.method import Called, More, command
from otoscope.errors import InputError
from otoscope.methods.relevance_rules import rule_record
from otoscope.trust.blocks import blocks, line, trust_methods

_NO_CONTROL = Annotated[
    Flag | None,
    Parameter(
        name="--no-control",
        help="Leave out what says whether the relevance may be believed: its control, and the answer without the parts "
        "where it lies.",
    ),
]
_OF_RESULT = ("probability", "runner_up", "margin")
_OF_CONTROL = ("control_runner_up", "control_random", "control_sound")
_ITS_OWN = frozenset({"window", "hop"})  # frames of the relevance are not those of the maps that are compared


def _tested(called: Called) -> More:
    """The result of each method of trust for the same question, in a line, and the numbers of the control."""
    found = called.result
    is_class = int(found["target"].item()) >= 0
    of_rows = {"class": found["class_name"].item() if is_class else None, **_values(found, _OF_RESULT)}
    if called.own["no_control"]:
        return More(of_rows)
    results: dict[str, xr.Dataset] = {}
    lines = []
    for name in trust_methods():
        method = getattr(called.scope, name)
        words = name.replace("_", " ")
        try:
            with progress_bar(words) as report:
                tell = partial(report, called.scope.name)
                results[name] = method(*called.sound, **_same(called.given, method), progress=tell)
        except InputError as error:
            lines.append(f"{words}: not known, since {error}")
    of_rows |= _values(results.get("control", xr.Dataset()), _OF_CONTROL)
    return More(of_rows, [*map(line, blocks(results)), *lines])


def _same(given: Mapping[str, Any], method: Any) -> dict[str, Any]:
    """The arguments of the relevance that say what is explained, and how."""
    known = set(signature(method).parameters) - _ITS_OWN
    if rule_record(given.get("rule", "guided")).form != "weighted sound":
        known -= {"bands"}  # in which a relevance is summed
    return {name: value for name, value in given.items() if name in known and value is not None}


def _values(result: xr.Dataset, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: result[name].item() if name in result else None for name in names}


relevance = command("relevance", {"no_control": _NO_CONTROL}, _tested)
