"""Clips in groups, by a fact of the data or by what is measured of the sound."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from otoscope.data.numbers import MISSING, numbers_in
from otoscope.errors import InputError

MEASURED = {"duration": "s", "level": "dB"}
"""What is measured of each sound, and its unit."""
_MOST = 50  # groups of a fact that is taken without being asked for
_BINS = 4
_FEW = 12  # values that are groups of their own, numbers or not
_ASKED = ":bins"  # behind the name of a fact
_CODE = re.compile(r"[-+]?0\d+")  # a number is not written with zeros before it
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_NAMES = frozenset("id ids identifier speaker spk talker reader subject session chapter".split())
_ORDINARY = 1e6  # above it, and below 1 by it, numbers are written with an exponent
_EXACT = 17  # digits by which any two numbers differ


def usual_facts(facts: Sequence[Mapping[str, str]], labels: Sequence[str]) -> list[str]:
    """The facts that divide clips into a few groups, other than the class itself."""
    names = dict.fromkeys(name for one in facts for name in one)
    found = []
    for name in names:
        values = [one.get(name, "") for one in facts]
        if 2 <= len(set(values)) <= min(_MOST, len(values) // 2) and values != list(labels):
            found.append(name)
    return found


def groups_by(
    name: str, facts: Sequence[Mapping[str, str]], measured: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The numbers of the clips of each group.

    Parameters
    ----------
    name : str
        A fact, or "duration" or "level". Numbers of more than a dozen values are divided into four bins with as many
        clips each, unless they are names: speakers and other ids, numbers with zeros before them, and whole numbers of
        which each stands for two clips or more. With ``:bins`` behind it, numbers of any kind are.
    facts : sequence of mapping
        Of each clip.
    measured : mapping of str to ndarray
        Duration and level of each clip.

    Raises
    ------
    InputError
        If no clip has such a fact, with the list of those that there are; if bins are asked for of texts.

    Examples
    --------
    >>> groups_by("sex", [{"sex": "f"}, {"sex": "m"}, {"sex": "f"}], {})
    {'f': array([0, 2]), 'm': array([1])}
    """
    fact = name.removesuffix(_ASKED) if not any(name in one for one in facts) else name
    values = [one.get(fact, "") for one in facts]
    if any(values):
        numbers = _numbers(values)
        if fact != name and numbers is None:
            there = (value for value in values if value.lower() not in MISSING)
            other = next((value for value in there if _numbers([value]) is None), "")
            raise InputError(f"the fact {fact!r} has the value {other!r}, which is not a number, so it makes no bins")
        if numbers is None or (fact == name and _are_names(fact, values, numbers)):
            unknown = MISSING if numbers is not None else {""}
            return _of_values(["unknown" if value.lower() in unknown else value for value in values])
        return _bins(numbers, "")
    if fact in measured:
        return _bins(measured[fact], f" {MEASURED[fact]}")
    known = ", ".join([*dict.fromkeys(fact for one in facts for fact in one), *MEASURED])
    raise InputError(f"no clip has the fact {fact!r}; the clips can be divided by {known}")


def _of_values(values: Sequence[str]) -> dict[str, np.ndarray]:
    """The clips of each value; numbers in their order."""
    there = np.array(values)
    different = sorted(set(values))
    values_of = _numbers(["" if value == "unknown" else value for value in different])
    if values_of is not None:
        numbers = dict(zip(different, np.nan_to_num(values_of, nan=math.inf), strict=True))  # the unknown come last
        different.sort(key=lambda value: numbers[value])
    return {value: np.flatnonzero(there == value) for value in different}


def _numbers(values: Sequence[str]) -> np.ndarray | None:
    """Facts as numbers, NaN where there is none; None where one is not a number."""
    found = numbers_in(values, strict=True)
    return None if found is None else found.values


def _are_names(fact: str, values: Sequence[str], numbers: np.ndarray) -> bool:
    """Whether numbers only tell clips apart, so that those that are near each other have nothing in common."""
    known = numbers[np.isfinite(numbers)]
    different = len(np.unique(known))
    words = {word.lower() for word in _WORD.findall(fact)}
    if different <= _FEW or words & _NAMES or any(map(_CODE.fullmatch, values)):
        return True
    return bool((known == np.round(known)).all()) and len(known) >= 2 * different


def _bins(numbers: np.ndarray, unit: str) -> dict[str, np.ndarray]:
    known = numbers[np.isfinite(numbers)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1))) if known.size else np.array([])
    named = _named(edges)
    place = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, max(0, len(edges) - 2))
    found = {}
    for number, (low, high) in enumerate(itertools.pairwise(named)):
        found[f"{low} to {high}{unit}"] = np.flatnonzero((place == number) & np.isfinite(numbers))
    if len(edges) == 1:
        found[f"{named[0]}{unit}"] = np.flatnonzero(np.isfinite(numbers))
    if (rest := np.flatnonzero(~np.isfinite(numbers))).size:
        found["silent" if unit.strip() == "dB" else "unknown"] = rest
    return found


def _named(edges: np.ndarray) -> list[str]:
    """Different numbers as different texts, with three digits or as many more as that takes.

    Examples
    --------
    >>> _named(np.array([0.0, 2.4375, 10.0])), _named(np.array([2000.0, 2005.25])), _named(np.array([1.5, 1.5001]))
    (['0', '2.44', '10'], ['2000', '2005'], ['1.5', '1.5001'])
    """
    whole = max((len(f"{abs(edge):.0f}") for edge in edges if abs(edge) < _ORDINARY), default=0)
    for digits in range(max(3, whole), _EXACT + 1):
        named = [_text(edge, digits) for edge in edges]
        if len(set(named)) == len(edges):
            break
    return named


def _text(number: float, digits: int) -> str:
    """A number with so many digits, with an exponent only where it is huge or tiny."""
    if number and not 1 / _ORDINARY <= abs(number) < _ORDINARY:
        return f"{number:.{digits}g}"
    return np.format_float_positional(number, precision=digits, unique=False, fractional=False, trim="-")
