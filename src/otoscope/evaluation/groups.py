"""Clips in groups, by a fact of the data or by what is measured of the sound."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from otoscope.errors import InputError

MEASURED = {"duration": "s", "level": "dB"}
"""What is measured of each sound, and its unit."""
_MOST = 50  # groups of a fact that is taken without being asked for
_BINS = 4
_WITH_COMMA = re.compile(r"[-+]?\d+(,\d+)?")


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
        clips each.
    facts : sequence of mapping
        Of each clip.
    measured : mapping of str to ndarray
        Duration and level of each clip.

    Raises
    ------
    InputError
        If no clip has such a fact; the message lists those that there are.

    Examples
    --------
    >>> groups_by("sex", [{"sex": "f"}, {"sex": "m"}, {"sex": "f"}], {})
    {'f': array([0, 2]), 'm': array([1])}
    """
    values = [one.get(name, "") for one in facts]
    if any(values):
        numbers = _numbers(values)
        if numbers is None:
            return {value or "unknown": np.flatnonzero(np.array(values) == value) for value in sorted(set(values))}
        return _bins(numbers, "")
    if name in measured:
        return _bins(measured[name], f" {MEASURED[name]}")
    known = ", ".join([*dict.fromkeys(fact for one in facts for fact in one), *MEASURED])
    raise InputError(f"no clip has the fact {name!r}; the clips can be divided by {known}")


def _numbers(values: Sequence[str]) -> np.ndarray | None:
    """Facts as numbers, where there are so many that they have to be put into bins."""
    if len(set(values)) <= 12:
        return None
    if all(map(_WITH_COMMA.fullmatch, filter(None, values))):  # as tables in many languages have it
        values = [value.replace(",", ".") for value in values]
    try:
        return np.array([float(value) if value else math.nan for value in values])
    except ValueError:
        return None


def _bins(numbers: np.ndarray, unit: str) -> dict[str, np.ndarray]:
    known = numbers[np.isfinite(numbers)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1))) if known.size else np.array([0.0])
    place = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, max(0, len(edges) - 2))
    found = {}
    for number, (low, high) in enumerate(itertools.pairwise(edges)):
        inside = np.flatnonzero((place == number) & np.isfinite(numbers))
        found[f"{low:.3g} to {high:.3g}{unit}"] = inside
    if len(edges) == 1 and known.size:
        found[f"{edges[0]:.3g}{unit}"] = np.flatnonzero(np.isfinite(numbers))
    if (rest := np.flatnonzero(~np.isfinite(numbers))).size:
        found["silent" if unit.strip() == "dB" else "unknown"] = rest
    return found
