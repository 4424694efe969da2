"""The record of every method, and the decorator that makes it and signs what the method returns."""

from __future__ import annotations

import copy
import difflib
import functools
import inspect
import itertools
import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, get_type_hints

import numpy as np
import torch
import xarray as xr

from otoscope.audio import audio_changes, audio_duration, file_digest
from otoscope.data.segments import check_segments
from otoscope.errors import InputError
from otoscope.heard import along, facts_of, fitted, joined_note, refuse_silence, repeated, untrained, varying
from otoscope.methods.arguments import checked
from otoscope.methods.one_by_one import together
from otoscope.probe.passed import noting, said
from otoscope.probe.precision import autocast_set_aside
from otoscope.probe.state import random_kept
from otoscope.results import as_json, sign
from otoscope.sounds import Sounds, sounds_of
from otoscope.subject import Subject, check_taken, hears_channels, signature, silence
from otoscope.trial import REFUSALS

P = ParamSpec("P")
R = TypeVar("R")
Takes = Literal["model", "wave", "data"]

PER_CALL = frozenset({"progress", "memory"})
"""Parameters that change no number: they are neither signed nor options of a command."""


@dataclass(frozen=True)
class Rows:
    """Which part of a result is its table, on the screen and in JSON.

    Attributes
    ----------
    over : tuple of str
        Dimensions of the result: a row for each place along them (and for each clip of a batch).
    columns : tuple of str
        Variables of the result: a column each. What has none of the dimensions is the same in every row.
    make : callable, optional
        From the result to its rows, where a list of variables does not suffice.
    shares : tuple of str
        Columns of zeros and ones: their mean is a share, whose interval is Wilson's.
    names : tuple of str
        Columns that name a class, a map or a clip by its number: they are not quantities.
    beside : tuple of Rows
        Further tables, each called by the last of its dimensions: those of the result that has it.
    swept : bool
        Whether a sweep keeps it; of very many rows, each result has them (``--arrays``).
    top : int
        Of a further table with more rows than can be read: the screen shows it in place of all tables, and of each
        layer at each place along its last dimension only so many rows, of the largest values of its last column.
    """

    over: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    make: Callable[[xr.Dataset], list[dict[str, Any]]] | None = None
    shares: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    beside: tuple[Rows, ...] = ()
    swept: bool = True
    top: int = 0


@dataclass(frozen=True)
class Record:
    """What everything but its mathematics needs to know of a method.

    Attributes
    ----------
    function : callable
        The method itself, as users call it.
    source : str
        The paper and the place in it.
    takes : {"model", "wave", "data"}
        What it is given beside the model: nothing, a sound, or many sounds.
    rows : Rows
    main : str
        The main variable of its result.
    streams : bool
        Whether it reads long files by itself.
    explains : bool
        Whether it goes back from what the model answers to the sound, of which silence has nothing to explain.
    clipwise : bool
        Whether each clip of a batch has the result that it has alone, and one that depends on nothing but what the
        model takes of it (``Subject.whole``): so clips that are filled up to one length can be run together.
    clips : Rows or None
        Of a method that takes data, what it says of each clip (along its dimension `clip`), whatever the others are: so
        it can be swept.
    alone : mapping of str to value
        Arguments that hold where each clip is looked at by itself.
    of_clips : callable, optional
        What says it of the clips of data, where the method itself takes the model alone and finds its sounds itself.
    """

    function: Callable[..., xr.Dataset]
    source: str
    takes: Takes
    rows: Rows
    main: str
    streams: bool = False
    explains: bool = False
    clipwise: bool = False
    clips: Rows | None = None
    alone: Mapping[str, Any] = field(default_factory=dict)
    of_clips: Callable[..., xr.Dataset] | None = None

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def summary(self) -> str:
        """What the method does, in a line."""
        return inspect.getdoc(self.function).partition("\n")[0]  # type: ignore[union-attr]


METHODS: dict[str, Record] = {}
"""The records of the methods that were imported, by name."""

_Method = Callable[Concatenate[Subject, P], xr.Dataset]


def method(
    *,
    source: str,
    takes: Takes,
    rows: Rows,
    main: str = "",
    streams: bool = False,
    explains: bool = False,
    slides: bool = False,
    clipwise: bool = False,
    clips: Rows | None = None,
    alone: Mapping[str, Any] | None = None,
    of_clips: Callable[..., xr.Dataset] | None = None,
) -> Callable[[_Method[P]], _Method[P]]:
    """Record a function of a subject as a method, and sign what it returns.

    Parameters
    ----------
    source : str
        From :func:`otoscope.citations.cite`; a result may have an attribute `source` of its own.
    takes : {"model", "wave", "data"}
        The function's second parameter is called so, unless it takes the model alone.
    rows : Rows
    main : str
        The main variable of the result, where it is not called as the method.
    streams : bool
        Whether the function reads a long file by itself, block by block; it is given the path then.
    explains : bool
        Whether it goes back from what the model answers to the sound, of which silence has nothing to explain.
    slides : bool
        Whether it runs a model of one length along the whole of a longer sound.
    clipwise : bool
        Whether each clip of a batch has the result that it has alone, see :class:`Record`.
    clips : Rows, optional
        What the result says of each clip of the data, see :class:`Record`.
    alone : mapping of str to value, optional
        Arguments that hold where each clip is looked at by itself.
    of_clips : callable, optional
        A function of a subject and data, where the method itself takes the model alone.
    """

    def signing(function: _Method[P], name: str, takes: Takes, noun: str) -> _Method[P]:
        """The function with its arguments checked, its sound read, and its result signed."""
        parameters = inspect.signature(function)

        @functools.cache
        def hints() -> dict[str, Any]:
            """The types of what is given beside model and sound."""
            found = get_type_hints(function)
            return {one: found[one] for one in list(parameters.parameters)[1:] if one != takes}

        @functools.wraps(function)
        def run(subject: Subject, /, *args: P.args, **kwargs: P.kwargs) -> xr.Dataset:
            try:
                bound = parameters.bind(subject, *args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{name}() {error}{_meant(error, parameters)}") from None
            bound.apply_defaults()
            for argument, hint in hints().items():
                bound.arguments[argument] = checked(name, argument, bound.arguments[argument], hint)
            if "tier" in bound.arguments:
                check_segments(bound.arguments["segments"], bound.arguments["tier"])
            given = {argument: value for argument, value in bound.arguments.items() if argument not in PER_CALL}
            for argument in (next(iter(given)), takes):  # the subject, and what it is given
                given.pop(argument, None)
            with subject.lock, random_kept(), autocast_set_aside():  # libraries that a method calls may draw, too
                audio = _audio(subject, takes, bound.arguments, streams)
                if explains:
                    refuse_silence(subject, bound.arguments["wave"], whole=slides)
                with _refusing(subject, bound.arguments.get(takes)), noting() as passed:
                    results = [function(*one.args, **one.kwargs) for one in _parts(subject, takes, bound)]
                    result = results[0] if len(results) == 1 else together(results)
                if takes == "data":
                    audio = bound.arguments["data"].facts
                elif "pieces" in result.attrs:
                    audio = along(audio, result.attrs["pieces"])
                own, drawn = result.attrs.get("note"), _drawn(subject)
                told = drawn is not None and drawn in str(own)  # by a test, whose verdict it stands beside
                audio |= joined_note(audio.get("note"), own, untrained(subject), None if told else drawn)
                digest, contract = subject.digest, signature(subject)
            if takes == "wave" and "clip" not in getattr(bound.arguments["wave"], "dims", ()) and "clip" in result.dims:
                result = result.isel(clip=0)
            # what was used instead of a default None (a hop, a layer) says more than that it was asked for
            given |= json.loads(result.attrs.pop("resolved", "{}"))
            facts: dict[str, str | Mapping[str, Any]] = {
                "model": subject.name,
                "model_sha256": digest,
                "subject": contract,
                **audio,
            }
            result = result[[noun, *(one for one in result.data_vars if one != noun)]]
            if passed:  # under a rule
                result.attrs.update(said(itertools.chain.from_iterable(passed)))
            result.attrs.setdefault("sample_rate", subject.sample_rate)
            return sign(result, name, result.attrs.get("source", source), given, **facts)

        run.__name__ = name
        return run

    def decorate(function: _Method[P]) -> _Method[P]:
        name = function.__name__
        run = signing(function, name, takes, main or name)
        own = None if of_clips is None or clips is None else signing(of_clips, name, "data", clips.columns[0])
        METHODS[name] = Record(
            run, source, takes, rows, main or name, streams, explains, clipwise, clips, alone or {}, own
        )
        return run

    return decorate


def resolved(result: xr.Dataset, **values: Any) -> xr.Dataset:
    """Note the values of arguments whose default depends on the model or the sound."""
    result.attrs["resolved"] = as_json(values)
    return result


def of_clips(values: Sequence[Any] | np.ndarray) -> Any:
    """A value of each clip as it is signed: that of a single clip by itself, of several as a list.

    Examples
    --------
    >>> of_clips(["ah"]), of_clips(np.array([0.5, 1.0]))
    ('ah', [0.5, 1.0])
    """
    each = np.asarray(values).tolist()
    return each[0] if len(each) == 1 else each


def _audio(subject: Subject, takes: Takes, arguments: dict[str, Any], streams: bool) -> dict[str, str]:
    """What results say of the sound; it is read, and stands in the place of the argument."""
    if takes == "data":
        arguments["data"] = sounds_of(subject, arguments["data"])
    if takes != "wave":
        return {}
    wave = arguments["wave"]
    if streams and isinstance(wave, (str, Path)) and not hears_channels(subject, wave):
        length = fitted(subject, round(audio_duration(wave) * subject.sample_rate))
        note = joined_note(audio_changes(wave, subject.sample_rate), repeated(subject), *length.values())
        return {"audio": Path(wave).name, "audio_sha256": file_digest(wave)} | length | note
    clip = arguments["wave"] = subject.clip(wave)
    subject.inputs(clip)  # for which it is found out what the model takes
    name = {"audio": clip.attrs.get("name", ""), "audio_sha256": clip.attrs.get("sha256", "")}
    return name | facts_of(subject, clip)


def _drawn(subject: Subject) -> str | None:
    """What is said of a model of which two equal calls differ; that it draws random numbers, with a warning."""
    note = varying(subject)
    if note is not None and subject.contract.calls == "random":
        warnings.warn(note, stacklevel=4)
    return note


def _parts(subject: Subject, takes: Takes, bound: inspect.BoundArguments) -> Iterator[inspect.BoundArguments]:
    """The arguments of a call, or of a call for each clip where those of the model must not be run together."""
    wave = bound.arguments.get("wave") if takes == "wave" else None
    if not isinstance(wave, xr.DataArray) or wave.sizes.get("clip", 1) == 1 or _apart(subject, wave):
        yield bound
        return
    target = bound.arguments.get("target")
    for number, clip in enumerate(wave.values[:, None]):
        one = copy.copy(bound)
        one.arguments = bound.arguments | {"wave": subject.clip(wave[:1].copy(data=clip))}
        if isinstance(target, list) and len(target) == len(wave):  # one for each clip
            one.arguments["target"] = target[number]
        yield one


def _apart(subject: Subject, wave: xr.DataArray) -> bool:
    subject.inputs(wave[:1])  # for which it is found out whether clips meet
    return subject.network.apart


@contextmanager
def _refusing(subject: Subject, given: Any) -> Iterator[None]:
    """Where work fails because the model does not take sounds of such a length, say that."""
    try:
        yield
    except (torch.OutOfMemoryError, InputError):
        raise
    except REFUSALS:
        if isinstance(given, Sounds):
            for clip in given.latest:
                check_taken(subject, clip.inputs, clip.name)
        else:
            inputs = silence(subject) if given is None else subject.inputs(given)
            name = "silence" if given is None else getattr(given, "attrs", {}).get("name", "the sound")
            check_taken(subject, inputs, name)
        raise


def suggesting(function: Callable[P, R]) -> Callable[P, R]:
    """The function, whose error for a misspelt keyword suggests the right one, as a method's does.

    Examples
    --------
    >>> @suggesting
    ... def explore(wave, *, target=None): ...
    >>> explore("clip.wav", targt="er")
    Traceback (most recent call last):
    TypeError: explore() got an unexpected keyword argument 'targt'; did you mean 'target'?
    """
    parameters = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            parameters.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{function.__name__}() {error}{_meant(error, parameters)}") from None
        return function(*args, **kwargs)

    return call


def _meant(error: TypeError, parameters: inspect.Signature) -> str:
    wrong = re.search(r"unexpected keyword argument '(\w+)'", str(error))
    close = difflib.get_close_matches(wrong[1], parameters.parameters) if wrong else []
    return f"; did you mean {close[0]!r}?" if close else ""
