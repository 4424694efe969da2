"""What a client may ask for, read from its JSON: every field checked by name and type before anything is done."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, cast, get_args

from otoscope.server.refusal import Refusal
from otoscope.text import writable

Kind = Literal["answer", "page", "relevance", "maps", "compare"]

_FIELDS: dict[str, frozenset[str]] = {
    "answer": frozenset({"model", "sound", "checkpoint"}),
    "relevance": frozenset({"model", "sound", "checkpoint", "target", "against", "at", "rule", "control"}),
    "page": frozenset({"model", "sound", "checkpoint", "target", "against", "at", "rule", "control", "maps"}),
    "maps": frozenset({"model", "sound", "checkpoint", "layer", "channels", "count", "rule"}),
    "compare": frozenset({"models", "checkpoints", "sound", "targets", "rule", "layers"}),
}
_CHANGES = {"band_stop": ("low", "high"), "gap": ("start", "stop"), "f0": ("factor",)}
_TEXT = 200  # characters of a name
_MOST_MAPS = 4096
_LARGEST = 1e9
_DIGITS = 30


@dataclass(frozen=True)
class Ask:
    """A question to a model about a sound.

    Attributes
    ----------
    kind : str
        "answer", what it says; "relevance", one entry of it; "page", everything; "maps" of a layer; "compare", two
        models or checkpoints.
    sound : str
        Its id.
    models, checkpoints : tuple
        Ids of the model, or of two; None for the weights that it has.
    targets : tuple of (int, str or None)
        A class for each model; None for the likeliest.
    against : int, str or None
    at : float, two floats or None
        In s.
    rule : str or None
        None for that of the method.
    control : bool
        Whether the tests of trust are computed, too.
    layers : tuple of str
        One of maps; one of each model, or none, to compare.
    channels : tuple of int, "all" or None
    count : int
        Maps of a layer where they are not named.
    """

    kind: Kind
    sound: str
    models: tuple[str, ...]
    checkpoints: tuple[str | None, ...]
    targets: tuple[int | str | None, ...]
    against: int | str | None = None
    at: float | tuple[float, float] | None = None
    rule: str | None = None
    control: bool = False
    layers: tuple[str, ...] = ()
    channels: tuple[int, ...] | Literal["all"] | None = None
    count: int = 3


@dataclass(frozen=True)
class Change:
    """A change of a sound: "band_stop" from `low` to `high` Hz, "gap" from `start` to `stop` s, "f0" by a `factor`."""

    kind: str
    values: tuple[float, ...]

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **dict(zip(_CHANGES[self.kind], self.values, strict=True))}

    def within(self, duration: float, sample_rate: float) -> Change:
        """What of it lies within a sound of some seconds and of a rate in Hz.

        Raises
        ------
        Refusal
            If nothing does.

        Examples
        --------
        >>> Change("gap", (0.5, 10.0)).within(2.0, 8000), Change("band_stop", (300.0, 9e8)).within(2.0, 8000)
        (Change(kind='gap', values=(0.5, 2.0)), Change(kind='band_stop', values=(300.0, 4000.0)))
        """
        if self.kind == "f0":
            return self
        low, high = self.values
        if self.kind == "gap" and low >= duration:
            message = f"the sound ends at {duration:.6g} s: give a stretch before that"
            raise Refusal(422, "unfit", message)
        if self.kind == "band_stop" and low >= sample_rate / 2:
            message = f"the sound has no frequencies above {sample_rate / 2:.10g} Hz: choose a band below"
            raise Refusal(422, "unfit", message)
        return Change(self.kind, (low, min(high, duration if self.kind == "gap" else sample_rate / 2)))

    def words(self) -> str:
        """What was done, for the name of the sound.

        Examples
        --------
        >>> Change("band_stop", (300, 1800)).words(), Change("f0", (1.5,)).words(), Change("gap", (0, 2e-4)).words()
        ('without 300 to 1,800 Hz', 'F0 x 1.5', 'silent from 0 to 0.0002 s')
        """
        if self.kind == "f0":
            return f"F0 x {self.values[0]:.6g}"
        low, high = (_digits(value) for value in self.values)
        return f"without {low} to {high} Hz" if self.kind == "band_stop" else f"silent from {low} to {high} s"


def read_json(body: bytes) -> dict[str, Any]:
    """The object that a body holds.

    Raises
    ------
    Refusal
        If it is not UTF-8, not JSON as the standard has it, nested too deep, or no object.
    """
    try:
        content = json.loads(
            body.decode("utf-8"), parse_constant=_no_number, parse_int=_whole_number, object_pairs_hook=_once
        )
    except (ValueError, RecursionError) as error:
        reason = error if isinstance(error, ValueError) else "it is nested too deep"
        raise _bad(f"the body is not valid JSON for this question: {reason}") from None
    if not isinstance(content, dict):
        raise _bad('the body has to be a JSON object, such as {"kind": "relevance"}')
    return content


def read_ask(content: Mapping[str, Any]) -> Ask:
    """The question that an object is.

    Raises
    ------
    Refusal
        If a field is missing, unknown or of a wrong type; the message names it.

    Examples
    --------
    >>> read_ask({"kind": "relevance", "model": "m1", "sound": "s1", "target": "ah"}).targets
    ('ah',)
    """
    kind: Any = content.get("kind")
    if not isinstance(kind, str) or kind not in get_args(Kind):
        raise _bad(f"kind has to be one of {', '.join(get_args(Kind))}")
    _check_fields(content, _FIELDS[kind], f"a job of kind {kind}")
    two = kind == "compare"
    models = _pair(content, "models", _text) if two else (_needed(content, "model", _text),)
    checkpoints = _each(content, "checkpoint", _text_or_none, two)
    targets = _each(content, "target", _target, two)
    layers = _pair(content, "layers", _text) if two else ()
    if kind == "maps":
        layers = (_needed(content, "layer", _text),)
    return Ask(
        kind=cast(Kind, kind),
        sound=_needed(content, "sound", _text),
        models=models,
        checkpoints=checkpoints,
        targets=targets,
        against=_given(content, "against", _target),
        at=_given(content, "at", _at),
        rule=_given(content, "rule", _text_or_none),
        control=bool(_given(content, "control", _flag) if "control" in content else kind == "page"),
        layers=layers,
        channels=_given(content, "channels", _channels),
        count=_given(content, "count" if kind == "maps" else "maps", _count) or (12 if kind == "maps" else 3),
    )


def read_change(content: Mapping[str, Any]) -> Change:
    """The change of a sound that an object is.

    Raises
    ------
    Refusal
        If it is none, or a number is out of range.

    Examples
    --------
    >>> read_change({"kind": "gap", "start": 0.1, "stop": 0.2}).values
    (0.1, 0.2)
    """
    kind = content.get("kind")
    if not isinstance(kind, str) or kind not in _CHANGES:
        raise _bad(f"kind of a change has to be one of {', '.join(_CHANGES)}")
    names = _CHANGES[kind]
    _check_fields(content, frozenset(names), f"a change of kind {kind}")
    values = tuple(_needed(content, name, _number) for name in names)
    if kind == "f0":
        if not 0.5 <= values[0] <= 2:
            raise _bad(f"factor has to be from 0.5 to 2, not {values[0]:g}")
    elif not 0 <= values[0] < values[1]:
        raise _bad(f"{names[0]} has to be 0 or more, and below {names[1]}")
    return Change(kind, values)


def _digits(value: float) -> str:
    """A number in up to six digits that count, or as many as its whole part has, without a power of ten."""
    places = 5 - math.floor(math.log10(value)) if value > 0 else 0
    text = f"{value:,.{max(0, places)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _bad(message: str) -> Refusal:
    return Refusal(400, "bad-request", message)


def _whole_number(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError(f"a number in it has {len(digits)} digits, and those of at most {_DIGITS} are taken")
    return int(digits)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"JSON has no number {name}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is given twice in one object")
    return found


def _check_fields(content: Mapping[str, Any], known: frozenset[str], what: str) -> None:
    for name in content:
        if name != "kind" and name not in known:
            raise _bad(f"{_shown(name)} is not a field of {what}; it has {', '.join(sorted(known))}")


def _needed(content: Mapping[str, Any], name: str, read: Any) -> Any:
    if name not in content:
        raise _bad(f"{name} is missing")
    return _given(content, name, read)


def _given(content: Mapping[str, Any], name: str, read: Any) -> Any:
    if name not in content:
        return None
    try:
        return read(content[name])
    except (TypeError, ValueError, ArithmeticError) as error:
        raise _bad(f"{name} has to be {error}, not {_shown(content[name])}") from None


def _pair(content: Mapping[str, Any], name: str, read: Any) -> tuple[Any, ...]:
    if name not in content and name != "models":
        return ()
    value = content.get(name)
    if not isinstance(value, list) or len(value) != 2:
        raise _bad(f"{name} has to be a list of two")
    return tuple(_given({name: one}, name, read) for one in value)


def _each(content: Mapping[str, Any], name: str, read: Any, two: bool) -> tuple[Any, ...]:
    """What is given for the model, or, by the name in the plural, for each of two; None where it is not given."""
    return (_pair(content, f"{name}s", read) or (None, None)) if two else (_given(content, name, read),)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _TEXT or value != writable(value):
        raise TypeError(f"text of 1 to {_TEXT} characters")
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _whole(value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise TypeError(f"a whole number from {least} to {most}")
    return value


def _target(value: Any) -> int | str | None:
    if value is None or isinstance(value, str):
        return _text_or_none(value)
    return _whole(value, 0, 1_000_000)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < _LARGEST:
        raise TypeError(f"a number below {_LARGEST:g}")
    return float(value)


def _at(value: Any) -> float | tuple[float, float] | None:
    if isinstance(value, list) and len(value) == 2:
        return _number(value[0]), _number(value[1])
    return None if value is None else _number(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false")
    return value


def _count(value: Any) -> int:
    return _whole(value, 1, _MOST_MAPS)


def _channels(value: Any) -> tuple[int, ...] | Literal["all"] | None:
    if value is None:
        return None
    if value == "all":
        return "all"
    if not isinstance(value, list) or not 0 < len(value) <= _MOST_MAPS:
        raise TypeError(f'a list of 1 to {_MOST_MAPS} numbers of maps, "all" or null')
    return tuple(_whole(one, 0, 1_000_000) for one in value)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
