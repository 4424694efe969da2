"""What is known of the clips of a run, as columns: names that few or many share, and numbers."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from otoscope.runs.run import Run
from otoscope.text import writable

if TYPE_CHECKING:
    import pandas as pd

MOST_VALUES = 50
"""The most values that a fact may have for the activity of maps to be compared by it."""

_PLAIN = ("label", "split")
_PLACE = {"start": "s", "stop": "s", "seconds": "s"}


@dataclass(frozen=True)
class Names:
    """A fact whose values are names.

    Attributes
    ----------
    name : str
    values : list of str
    codes : ndarray of int, (clip,)
        The number of its value of each clip, -1 where it has none.
    """

    name: str
    values: list[str]
    codes: np.ndarray

    @property
    def divides(self) -> bool:
        """Whether the activity of maps is compared by it."""
        return 2 <= len(self.values) <= MOST_VALUES


@dataclass(frozen=True)
class Numbers:
    """A fact whose values are numbers, NaN where it has none; and what it is measured in."""

    name: str
    values: np.ndarray
    units: str = ""


@dataclass(frozen=True)
class Facts:
    """The clips of a run, in the order of their numbers.

    Attributes
    ----------
    clips : ndarray of int
    seconds : ndarray of float
        How long they are, NaN where that is not known.
    names : list of str
        Without what the paths of all begin with.
    above : str
        What they begin with.
    by_name : list of Names
    by_number : list of Numbers
    """

    clips: np.ndarray
    seconds: np.ndarray
    names: list[str]
    above: str
    by_name: list[Names]
    by_number: list[Numbers]

    def named(self, name: str) -> Names | None:
        return next((fact for fact in self.by_name if fact.name == name), None)


def facts_of(run: Run, measured: pd.DataFrame | None = None, units: dict[str, str] | None = None) -> Facts:
    """The facts of the clips of a run.

    Parameters
    ----------
    run : Run
    measured : DataFrame, optional
        `clip` and facts that were measured from the sounds.
    units : dict of str to str, optional
        Of those.
    """
    items = run.sql("SELECT * FROM items ORDER BY clip")
    names, above = short_names([writable(str(name)) for name in items["name"]])
    by_name, by_number = list[Names](), list[Numbers]()
    for column in [*_PLAIN, *run.facts]:
        if column not in items:
            continue
        if items[column].dtype.kind in "iuf":
            by_number.append(Numbers(writable(column), items[column].to_numpy(float)))
        else:
            by_name.append(_names(writable(column), items[column]))
    for column, unit in _PLACE.items():
        if column in items and items[column].notna().any():
            by_number.append(Numbers(column, items[column].to_numpy(float), unit))
    if measured is not None:
        table = measured.set_index("clip").reindex(items["clip"])
        taken = {fact.name for fact in by_name} | {fact.name for fact in by_number}
        by_number += [
            Numbers(str(name), table[name].to_numpy(float), (units or {}).get(str(name), ""))
            for name in table.columns
            if name not in taken
        ]
    seconds = items["seconds"] if "seconds" in items else np.full(len(items), np.nan)
    return Facts(items["clip"].to_numpy(), np.asarray(seconds, float), names, above, _told_once(by_name), by_number)


def short_names(names: list[str]) -> tuple[list[str], str]:
    """Names of clips without the folder that all lie in, and that folder.

    Examples
    --------
    >>> short_names(["/data/fsdd/a/1.wav", "/data/fsdd/b/2.wav"])
    (['a/1.wav', 'b/2.wav'], '/data/fsdd/')
    >>> short_names(["/data/1.wav"]), short_names(["ah", "ae"]), short_names([])
    ((['1.wav'], '/data/'), (['ah', 'ae'], ''), ([], ''))
    """
    plain = [name.replace("\\", "/") for name in names]
    folders = {posixpath.dirname(name) for name in plain}
    try:
        common = posixpath.commonpath(folders) if folders else ""
    except ValueError:  # some begin at the root, and others do not
        common = ""
    above = common if common.endswith("/") or not common else f"{common}/"
    return [name.removeprefix(above) for name in plain], above


def _names(name: str, column: Any) -> Names:
    told = [writable(str(value)) if value is not None and value == value and value != "" else None for value in column]
    values = sorted({value for value in told if value is not None}, key=_in_order)
    numbers = {value: number for number, value in enumerate(values)}
    codes = np.array([-1 if value is None else numbers[value] for value in told], dtype=np.int64)
    return Names(name, values, codes)


def _in_order(value: str) -> tuple[int, float, str]:
    try:
        return 0, float(value), value
    except ValueError:
        return 1, 0.0, value


def _told_once(facts: list[Names]) -> list[Names]:
    """Without those that say nothing, or the same of all clips; a label that the data call by a name has that name."""
    facts = [fact for fact in facts if fact.values and not (len(fact.values) == 1 and fact.codes.min(initial=0) == 0)]
    label = next((fact for fact in facts if fact.name == "label"), None)
    named = [fact for fact in facts if label and fact is not label and _same(fact, label)]
    if label is None or not named:
        return facts
    return [named[0], *(fact for fact in facts if fact is not label and fact is not named[0])]


def _same(one: Names, other: Names) -> bool:
    return one.values == other.values and np.array_equal(one.codes, other.codes)
