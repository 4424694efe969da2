"""What the methods of trust say of a relevance, in words and numbers: the same on a page and on the screen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, TypedDict

import xarray as xr

from otoscope.errors import InputError
from otoscope.methods.listing import listing
from otoscope.trust.verdict import Level

_PACKAGE = "otoscope.trust."


class Bars(TypedDict):
    """Correlations: rows of a name, the value, and the ends of its range, with whose it is ("model" or "sound").

    A row that is judged by a threshold has it last.
    """

    columns: list[str]
    signed: bool
    rows: list[list[Any]]


class Table(TypedDict):
    """Rows of text and numbers, with the (row, column) of the cells that stand out."""

    columns: list[str]
    rows: list[list[Any]]
    strong: list[list[int]]


class _Words(TypedDict):
    method: str
    level: Level
    head: str
    text: str


class Block(_Words, total=False):
    """One line of evidence: a head and a text of whole sentences, and what they rest on."""

    bars: Bars
    table: Table
    note: str


def trust_methods() -> list[str]:
    """The names of the methods that test a relevance, in the order of the class Scope.

    Examples
    --------
    >>> trust_methods()
    ['control', 'taken_away']
    """
    return [name for name, listed in listing().items() if listed.module.startswith(_PACKAGE)]


def blocks(results: Iterable[xr.Dataset] | Mapping[str, xr.Dataset]) -> list[Block]:
    """The blocks of results, each of one clip, in the order of the methods; other results have none.

    A method of trust says its own: the function ``block`` of ``otoscope.trust.<method>_block``.

    Parameters
    ----------
    results : iterable of Dataset, or mapping by method

    Raises
    ------
    InputError
        If a result is of several clips.
    """
    given = results.values() if isinstance(results, Mapping) else results
    by_method = {str(one.attrs.get("method")): one for one in given}
    return [
        import_module(f"{_PACKAGE}{name}_block").block(by_method[name]) for name in trust_methods() if name in by_method
    ]


def line(block: Block) -> str:
    """A block as a line of text.

    Examples
    --------
    >>> line({"method": "taken_away", "level": "ok", "head": "The answer changes", "text": "Without 1 s it says 3."})
    'taken away: The answer changes. Without 1 s it says 3.'
    """
    return f"{block['method'].replace('_', ' ')}: {block['head']}. {block['text']}"


def r(value: float, *limits: float) -> str:
    """A correlation in words, with so many digits that it is on the side of each limit where its value is.

    Examples
    --------
    >>> r(0.9985), r(0.7058), r(-0.001), r(float("nan"))
    ('r = 0.999', 'r = 0.71', 'r = 0.00', 'r not known')
    >>> r(0.94967, 0.95), r(0.9503, 0.95), r(0.6997, 0.95, 0.7)
    ('r = 0.9497', 'r = 0.95', 'r = 0.6997')
    """
    return "r not known" if math.isnan(value) else f"r = {rounded(value, *limits)}"


def rounded(value: float, *limits: float) -> str:
    """A correlation as a number, see :func:`r`.

    Examples
    --------
    >>> rounded(0.6997), rounded(0.6997, 0.7), rounded(0.70001, 0.7)
    ('0.70', '0.6997', '0.70')
    """
    for digits in range(3 if 0.995 <= abs(value) < 1 else 2, 9):
        found = f"{value:z.{digits}f}"
        if all((float(found) >= limit) == (value >= limit) for limit in limits):
            return found
    return f"{value!r}"


def number(value: float, digits: int = 4) -> float | None:
    """A number as JSON has it, of so many digits; None where it is not known."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def noted(text: str, result: xr.Dataset) -> str:
    """The text of a block, with what could not be computed and why.

    Examples
    --------
    >>> noted("Not compared.", xr.Dataset(attrs={"test_note": "there is no map of 3 of 10 random networks"}))
    'Not compared. There is no map of 3 of 10 random networks.'
    """
    more = [one.strip().removesuffix(".") for one in str(result.attrs.get("test_note", "")).split("; ") if one.strip()]
    return " ".join([text, *(f"{one[0].upper()}{one[1:]}." for one in more)])


def one_clip(result: xr.Dataset) -> xr.Dataset:
    """A result with a clip axis of one, without it.

    Raises
    ------
    InputError
        If there are several clips.
    """
    if result.sizes.get("clip", 1) != 1:
        raise InputError(
            f"the result of {result.attrs.get('method')} is of {result.sizes['clip']} clips, and blocks are of one: "
            "give result.isel(clip=[0]), for instance"
        )
    return result.isel(clip=0) if "clip" in result.dims else result
