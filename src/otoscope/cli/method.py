"""The command of a method, made from its signature and docstring."""

from __future__ import annotations

import inspect
import math
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import xarray as xr
from cyclopts import App, Parameter
from torch import Tensor, nn

from otoscope import tables
from otoscope.cli.common import (
    Audio,
    Common,
    CommonOptions,
    Data,
    Drawn,
    DrawnOptions,
    Flag,
    Model,
    Part,
    PartOptions,
    Selection,
    Whole,
    make_scope,
    print_notes,
    write,
)
from otoscope.cli.console import Lines, as_text, counted, out_console, print_json, print_table, progress_bar
from otoscope.data.find import find_data
from otoscope.errors import InputError
from otoscope.files import check_apart
from otoscope.methods.catalogue import METHODS, PER_CALL, Record
from otoscope.methods.listing import listing
from otoscope.plots import picture
from otoscope.scope import Scope
from otoscope.sounds import Sounds
from otoscope.trust.blocks import blocks, line


@dataclass(frozen=True)
class Called:
    """A method as a command called it.

    Attributes
    ----------
    scope : Scope
    sound : sequence
        What the method was given beside the model.
    given : mapping
        Its own arguments.
    own : mapping
        Options of the command alone.
    result : Dataset
    """

    scope: Scope
    sound: Sequence[Any]
    given: Mapping[str, Any]
    own: Mapping[str, Any]
    result: xr.Dataset


@dataclass(frozen=True)
class More:
    """What a command says beside the result of its method: of every row in JSON, and in lines below the table."""

    of_rows: Mapping[str, Any] = field(default_factory=dict)
    lines: Sequence[str] = ()


Then = Callable[[Called], More | None]

_GIVEN: dict[str, tuple[str, Any]] = {"wave": ("audio", Audio), "data": ("data", Data)}
_GIVEN_NAMES = frozenset(name for name, _ in _GIVEN.values())
_SHARED = frozenset({"selection", "part", "common"})
_ONLY_PYTHON = (Tensor, nn.Module, xr.DataArray, xr.Dataset, np.ndarray)


def command(name: str, options: Mapping[str, Any] | None = None, then: Then | None = None) -> Callable[..., None]:
    """The command of a method: its own parameters, with those that all commands share.

    Parameters
    ----------
    name : str
    options : mapping of str to annotation, optional
        Options of the command alone, None by default.
    then : callable, optional
        Called with what was called; it returns what is said beside the result.
    """
    import_module(listing()[name].module)
    record = METHODS[name]

    def call(
        model: str,
        *sound: Any,
        common: Common | None = None,
        selection: Selection | None = None,
        part: Part | None = None,
        **given: Any,
    ) -> None:
        common = common or Common()
        if isinstance(common, Drawn):
            common.check()
        if common.out is not None:
            check_apart(common.out)
        own = {option: given.pop(option, None) for option in options or {}}
        scope = make_scope(model, common)
        beside = _sound(record, scope, sound, selection or Selection(), part or Part())
        result = _run(record, scope, beside, given)
        write(common, {name: result})
        print_notes(str(result.attrs.get("audio") or result.attrs["model"]), result.attrs.get("note"))
        more = None if then is None else then(Called(scope, beside, given, own, result))
        if common.json:
            content = tables.envelope(result, record)
            of_rows = tables.finite(dict(more.of_rows) if more else {})
            print_json(content | {"rows": [row | of_rows for row in content["rows"]]})
        else:
            _print(result, record)
            for said in more.lines if more else map(line, blocks([result])):
                out_console.print(said, markup=False)

    signature = inspect.Signature(
        [*_parameters(record), *(_option(key, hint) for key, hint in (options or {}).items())]
    )
    call.__signature__ = signature  # type: ignore[attr-defined]
    several = [one.name for one in signature.parameters.values() if "list[" in str(one.annotation)]
    call.__doc__, call.__name__ = _in_a_shell(record.function.__doc__ or "", several), name
    call.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
    return call


def arguments_of(name: str, tokens: Sequence[str]) -> dict[str, Any]:
    """Arguments of a method from options as its command takes them, without what all commands share.

    Raises
    ------
    CycloptsError
        If there is no such option, or its value is of another type.
    """
    if name not in listing():
        if tokens:
            raise InputError(f"there is no method {name} with arguments; the methods are {', '.join(listing())}")
        return {}
    import_module(listing()[name].module)
    given = [one for one in _parameters(METHODS[name])[1:] if one.name not in _SHARED and one.name not in _GIVEN_NAMES]

    def take(**arguments: Any) -> dict[str, Any]:
        return arguments

    free = [one if one.default is not one.empty else _may_be_missing(one) for one in given]
    take.__signature__ = inspect.Signature(free)  # type: ignore[attr-defined]
    take.__annotations__ = {one.name: one.annotation for one in free}
    app = App(name=f"otoscope {name.replace('_', '-')}", default_command=take, default_parameter=Parameter(negative=()))
    _, bound, _ = app.parse_args(list(tokens), exit_on_error=False, print_error=False)
    return dict(bound.arguments.get("arguments", bound.kwargs))


def _may_be_missing(parameter: inspect.Parameter) -> inspect.Parameter:
    """A parameter that is required, as one that is not: what is missing is told where all is known."""
    hint = parameter.annotation
    hint, *more = get_args(hint) if get_origin(hint) is typing.Annotated else (hint,)
    free = typing.Annotated[hint | None, *more] if more else hint | None
    return parameter.replace(default=None, annotation=free)


def _in_a_shell(text: str, several: Sequence[str]) -> str:
    """A docstring that refers to commands in place of methods, and says how several values of an option are given."""
    for name in several:
        lines = rf"(?m)^( *){name} : .*\n(?:\1    .*\n)+"
        text = re.sub(lines, lambda found: f"{found[0]}{found[1]}    Several values: give it once for each.\n", text)
    text = re.sub(
        r":\w+:`otoscope\.(?:methods|trust)\.(\w+)\.\1`",
        lambda found: f"``otoscope {found[1].replace('_', '-')}``",
        text,
    )
    return re.sub(r",\s+see\s+:\w+:`[^`]+`", "", text)


def _parameters(record: Record) -> list[inspect.Parameter]:
    only = inspect.Parameter.POSITIONAL_ONLY
    found = [inspect.Parameter("model", only, annotation=Model)]
    if record.takes in _GIVEN:
        name, hint = _GIVEN[record.takes]
        found.append(inspect.Parameter(name, only, annotation=hint))
    hints = get_type_hints(record.function)
    for parameter in list(inspect.signature(record.function).parameters.values())[1:]:
        hint = _readable(hints[parameter.name])
        if parameter.default is True:  # which a command line needs a way to take back
            hint = typing.Annotated[bool, Parameter(negative=f"--no-{parameter.name.replace('_', '-')}")]
        if parameter.name not in PER_CALL and parameter.name != record.takes and hint is not None:
            found.append(parameter.replace(annotation=hint, kind=inspect.Parameter.KEYWORD_ONLY))
    if record.takes == "data":
        found.append(_option("selection", typing.Annotated[Selection | None, Parameter(name="*", group="Data")]))
    if record.takes == "wave":
        found.append(_option("part", PartOptions))
    return [*found, _option("common", CommonOptions if picture(record.name) is None else DrawnOptions)]


def _option(name: str, hint: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hint)


def _readable(hint: Any) -> Any:
    """A type without what only Python can give, such as a function or an array; None where nothing is left."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        args = get_args(hint)
        found = [one for one in map(_readable, args) if one is not None]
        left = [one for one in found if one not in (Whole, Path) or str not in args]  # which are text, too
        return Union[tuple(left)] if set(left) - {type(None)} else None  # noqa: UP007
    if hint is bool:
        return Flag
    if hint is int:
        return Whole
    if origin in (Literal, tuple):
        return hint
    if origin in (Sequence, list):
        inner = _readable(get_args(hint)[0])
        return None if inner is None else list[inner]  # type: ignore[valid-type]
    only_python = origin is not None or hint is Any or (isinstance(hint, type) and issubclass(hint, _ONLY_PYTHON))
    return None if only_python else hint


def _sound(record: Record, scope: Scope, sound: Sequence[Any], selection: Selection, part: Part) -> Sequence[Any]:
    """What a method is given beside the model: the part of a file, or the sounds of a data set."""
    if record.takes == "wave":
        return [part.of(sound[0])]
    if record.takes == "data" and (selection.by or selection.limit):
        (place,) = sound
        found = find_data(place, by=selection.by, limit=selection.limit, sample_rate=scope.sample_rate)
        return [Sounds(scope, found, name=place if selection.by is None else f"{place} by {selection.by}")]
    return sound


def _run(record: Record, scope: Scope, sound: Sequence[Any], given: dict[str, Any]) -> xr.Dataset:
    with progress_bar(record.name.replace("_", " ")) as report:
        if "progress" in inspect.signature(record.function).parameters:
            given["progress"] = lambda done, total: report(scope.name, done, total)
        return record.function(scope, *sound, **given)


def _explained(result: xr.Dataset) -> str:
    """What of the output is explained, and how it was had."""
    note = result.attrs.get("score_note")
    return f"explained: {result.attrs['score_kind']}, {note}" if note else ""


def _print(result: xr.Dataset, record: Record) -> None:
    """The table of a result; what is the same in all its rows stands above."""
    rows, headings = tables.rows(result, record), tables.headings(result, record)
    same = tables.constants(result, record)
    title = ", ".join(filter(None, (str(result.attrs["model"]), result.attrs.get("audio"))))
    of_all = {name: result[name].item() for name in same if result[name].ndim == 0}
    alone = [f"{headings[name]}: {as_text(value)}" for name, value in of_all.items() if not _is_empty(value)]
    shown = _filled(result, rows, {name: heading for name, heading in headings.items() if name not in same})
    lines = [title, *alone, *filter(None, [_explained(result), tables.rule_line(result)]), *_remarks(result)]
    further = tables.beside(result, record)
    if best := {dim: own for dim, own in further.items() if own.rows.top}:
        for dim, own in best.items():
            _print_top(Lines(lines), result, dim, own)
        return
    print_table(Lines(lines), rows, shown, keys=max(1, sum(name in result.dims for name in shown)))
    if not rows:
        out_console.print(counted(0, "row"))
    for dim, own in further.items():
        rows, title = tables.rows(result, own), f"by {dim.replace('_', ' ')}"
        headings = _filled(result, rows, tables.headings(result, own))
        keys = sum(name in result.dims for name in headings)
        if len(headings) > keys:
            print_table(title, rows, headings, keys=keys)


def _filled(result: xr.Dataset, rows: Sequence[Mapping[str, Any]], headings: Mapping[str, str]) -> dict[str, str]:
    """The columns of a table that say where, and those in which anything stands; notes say why nothing does."""
    return {
        name: heading
        for name, heading in headings.items()
        if not rows or name in result.dims or any(not _is_empty(row.get(name)) for row in rows)
    }


def _is_empty(value: Any) -> bool:
    """Whether a cell has neither text nor a number."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _print_top(title: str, result: xr.Dataset, dim: str, record: Record) -> None:
    """A further table, with few of its rows at each place."""
    name, headings = dim.replace("_", " "), tables.headings(result, record)
    keys = sum(name in result.dims for name in headings)
    caption = f"the {record.rows.top} largest of each {name} and layer that are not 0: --json prints all"
    print_table(f"{title}\nby {name}", tables.top_rows(result, record), headings, caption, keys=keys)


def _remarks(result: xr.Dataset) -> list[str]:
    """What a reader has to know: changes of the sound, a first layer that does not read the waveform, or not whole."""
    attrs, remarks = result.attrs, [f"note: {note}" for note in tables.notes(result)]
    if attrs.get("reads", "the waveform") != "the waveform":
        remarks.append(f"the layer reads: {attrs['reads']}")
    if "kernels_of_the_layer" in attrs and attrs["kernels_of_the_layer"] > result.sizes["kernel"]:
        left = f"{result.sizes['kernel']} of {attrs['kernels_of_the_layer']} kernels"
        remarks.append(f"{left}, spread evenly over their frequencies")
    return remarks


def __getattr__(name: str) -> Any:
    """The command of a method, made when it is asked for."""
    if name in listing():
        return command(name)
    raise AttributeError(name)
