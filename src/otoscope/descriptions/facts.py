"""Facts of clips as questions to a map: has it this class, how large is that number, which of these values is it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from otoscope.data.numbers import numbers_in

Kind = Literal["yes_no", "number", "values"]

FEWEST = 8
"""Groups of clips that have a value in each half, and that have it not, for the value to be asked about."""

TOO_FEW = (
    f"too few clips, or groups of them that stay together: in each half {FEWEST} have to have a value and as many to "
    "have it not"
)
_MOST_VALUES = 200  # of a fact, as which it can be read
_BINS = (12, 10)  # at most so many, of at least so many clips
_FINE = (50, 5)  # where clips of a bin have to be alike
_FEW = 12  # numbers of so many values at most are names, such as those of digits


@dataclass(frozen=True)
class Fact:
    """Something known of every clip, or of some.

    Attributes
    ----------
    name : str
        As a description says it: ``speaker = jackson`` or ``level``.
    column : str
        The fact of the data that it is from.
    kind : {"yes_no", "number", "values"}
        Whether a clip has one value, how large a number is, or which of several values it has.
    values : ndarray of float, (clip,)
        1 and 0, the number, or the place in `named`; NaN where it is not known.
    named : tuple of str
        The values of the last kind.
    """

    name: str
    column: str
    kind: Kind
    values: np.ndarray
    named: tuple[str, ...] = ()

    @property
    def known(self) -> np.ndarray:
        """Of which clips it is known, bool (clip,)."""
        known: np.ndarray = np.isfinite(self.values)
        return known


def facts_of(
    columns: Mapping[str, ArrayLike],
    choosing: np.ndarray,
    groups: np.ndarray,
    measured: Mapping[str, ArrayLike] | None = None,
) -> tuple[list[Fact], dict[str, str]]:
    """All facts that can be asked about.

    Parameters
    ----------
    columns : mapping of str to array_like, (clip,)
        Numbers, or texts, by the name of the fact; None, NaN or an empty text where it is not known. Texts that are
        numbers (``otoscope.data.numbers.numbers_in``) are such where they are more than twelve.
    choosing : ndarray of bool, (clip,)
        The half on which facts are chosen.
    groups : ndarray of int, (clip,)
        Clips of one group count once.
    measured : mapping of str to array_like, (clip,), optional
        Numbers that are asked about where `columns` has no fact of the name that says something.

    Returns
    -------
    facts : list of Fact
    left_out : dict of str to str
        Columns that say nothing here, and why.

    Examples
    --------
    >>> half = np.arange(40) % 2 == 0
    >>> facts, left_out = facts_of({"voice": ["a", "a", "b", "b"] * 10, "file": range(40)}, half, np.arange(40))
    >>> [(fact.name, fact.kind) for fact in facts], left_out
    ([('voice = a', 'yes_no'), ('file', 'number')], {})
    """
    facts: list[Fact] = []
    left_out: dict[str, str] = {}
    seen: dict[bytes, str] = {}
    measured = measured or {}
    for column, values in [*columns.items(), *measured.items()]:
        if any(fact.column == column for fact in facts):
            continue
        made, why = _facts(column, values, choosing, groups, seen)
        facts += made
        if not made:
            left_out.setdefault(column, why)
    for column in measured.keys() & left_out.keys() & {fact.column for fact in facts}:
        left_out[column] = f"{left_out[column]}; what is measured is, under the same name"
    return facts, left_out


def _facts(
    column: str, values: ArrayLike, choosing: np.ndarray, groups: np.ndarray, seen: dict[bytes, str]
) -> tuple[list[Fact], str]:
    """The facts that a column makes; or why it makes none."""
    numbers = _as_numbers(values)
    if numbers is not None and not _are_names(numbers, values):
        known = numbers[np.isfinite(numbers)]
        made = list(_number(column, numbers, choosing, groups))
        return made, "the same in all clips" if known.size and np.ptp(known) == 0 else TOO_FEW
    codes, named = _coded(values, numbers)
    if len(named) > _MOST_VALUES:
        return [], f"{len(named)} values, which are too many"
    if len(named) == 1 and np.isfinite(codes).all():
        return [], "the same in all clips"
    same = seen.setdefault(codes.tobytes(), column)
    if same != column:
        return [], f"the same as {same}"
    return list(_of_values(column, codes, named, choosing, groups)), TOO_FEW


def cells_of(fact: Fact, choosing: np.ndarray, *, fine: bool = False) -> np.ndarray:
    """Clips in cells of like facts: by value, or a number in bins of as many clips of the half on which is chosen.

    Parameters
    ----------
    fact : Fact
    choosing : ndarray of bool, (clip,)
    fine : bool
        Bins of five clips, up to fifty of them, in which clips are alike; by default of ten and up to twelve, in
        which means can be learnt.

    Returns
    -------
    ndarray of int, (clip,)
        -1 where the fact is not known.

    Examples
    --------
    >>> cells_of(Fact("level", "level", "number", np.arange(40.0)), np.arange(40) % 2 == 0)[[0, 18, 21, 39]].tolist()
    [0, 0, 1, 1]
    """
    if fact.kind != "number":
        return np.where(fact.known, fact.values, -1).astype(int)
    heard = fact.values[choosing & fact.known]
    most, least = _FINE if fine else _BINS
    bins = min(most, max(2, heard.size // least))
    inner = np.unique(np.quantile(heard, np.arange(1, bins) / bins))
    found = np.searchsorted(inner, np.where(fact.known, fact.values, 0), side="right")
    return np.where(fact.known, found, -1)


def bounds_of(fact: Fact, cell: int, choosing: np.ndarray) -> tuple[float, float]:
    """The least and the largest number of the clips in a cell."""
    values = fact.values[choosing & (cells_of(fact, choosing) == cell)]
    return float(values.min()), float(values.max())


def unreadable(columns: Mapping[str, ArrayLike]) -> list[str]:
    """What is said of columns of numbers in which some values are none."""
    said = []
    for column, values in columns.items():
        texts = _texts(values)
        found = numbers_in(texts)
        if found is not None and found.unreadable:
            count = f"{len(found.unreadable)} of {len(texts)} values of {column}"
            said.append(f"{count} are not numbers, such as {found.unreadable[0]!r}, and not known here")
    return said


def _texts(values: ArrayLike) -> list[str]:
    return ["" if one is None or one != one else str(one) for one in np.asarray(values, dtype=object)]


def _as_numbers(values: ArrayLike) -> np.ndarray | None:
    """A column as numbers; None where it holds names."""
    given = np.asarray(values, dtype=object)
    if any(isinstance(one, (bool, np.bool_)) for one in given):
        return None
    found = numbers_in(_texts(values))
    return None if found is None else found.values


def _are_names(numbers: np.ndarray, values: ArrayLike) -> bool:
    """Whether numbers that were texts are so few that they are names, such as those of digits."""
    texts = any(isinstance(one, str) for one in np.asarray(values, dtype=object))
    return texts and np.unique(numbers[np.isfinite(numbers)]).size <= _FEW


def _coded(values: ArrayLike, numbers: np.ndarray | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Numbers of names, in the order in which the names first come; NaN where there is none."""
    texts = ["" if text.lower() == "nan" else text for text in _texts(values)]
    if numbers is not None:  # what stands for a missing number is not a name
        texts = [text if known else "" for text, known in zip(texts, np.isfinite(numbers), strict=True)]
    place = {text: number for number, text in enumerate(dict.fromkeys(filter(None, texts)))}
    return np.array([place.get(text, np.nan) for text in texts], dtype=float), tuple(place)


def _number(column: str, numbers: np.ndarray, choosing: np.ndarray, groups: np.ndarray) -> Iterator[Fact]:
    known = np.isfinite(numbers)
    enough = all(np.unique(groups[known & half]).size >= 2 * FEWEST for half in (choosing, ~choosing))
    if enough and np.unique(numbers[known & choosing]).size > 2:
        yield Fact(column, column, "number", np.where(known, numbers, np.nan))


def _of_values(
    column: str, codes: np.ndarray, named: tuple[str, ...], choosing: np.ndarray, groups: np.ndarray
) -> Iterator[Fact]:
    known = np.isfinite(codes)
    common = []
    for code, name in enumerate(named):
        has = codes == code
        if all(
            np.unique(groups[one & half]).size >= FEWEST for one in (has, known & ~has) for half in _halves(choosing)
        ):
            common.append(code)
            if len(named) > 2 or len(common) == 1:  # of two values one says it all
                yield Fact(f"{column} = {name}", column, "yes_no", np.where(known, has, np.nan))
    if len(named) > 2 and len(common) > 2:
        place = np.full(len(named), np.nan)
        place[common] = np.arange(len(common))
        values = np.where(known, place[np.where(known, codes, 0).astype(int)], np.nan)
        yield Fact(column, column, "values", values, tuple(named[code] for code in common))


def _halves(choosing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return choosing, ~choosing
