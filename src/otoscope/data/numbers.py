"""Facts that are numbers, as tables write them: with decimal commas, and with words for what is missing."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "--undefined--", "undefined", "-", "--", "?"))
"""What stands in a column of numbers where there is none, in any case; of Praat, R, pandas and people."""

_FEW = 0.1  # of the values of a column that may be no numbers without its being names
_WITH_COMMA = re.compile(r"[-+]?\d+(,\d+)?")


class Numbers(NamedTuple):
    """A column of numbers.

    Attributes
    ----------
    values : ndarray of float, (clip,)
        NaN where there is none.
    unreadable : tuple of str
        The values that are not numbers, other than those that stand for a missing one.
    """

    values: np.ndarray
    unreadable: tuple[str, ...]


def numbers_in(texts: Sequence[str], *, strict: bool = False) -> Numbers | None:
    """A column of texts as numbers.

    Parameters
    ----------
    texts : sequence of str, (clip,)
        With a decimal point, or all of them with a decimal comma or none.
    strict : bool
        Whether all that are not missing have to be numbers; else nine in ten.

    Returns
    -------
    Numbers or None
        None where the column holds names, or nothing.

    Examples
    --------
    >>> numbers_in(["-21,02", "n/a", "3"])
    Numbers(values=array([-21.02,    nan,   3.  ]), unreadable=())
    >>> numbers_in(["1.5"] * 19 + ["soft"]).unreadable
    ('soft',)
    >>> numbers_in(["1.5"] * 19 + ["soft"], strict=True), numbers_in(["a", "-"])
    (None, None)
    """
    known = [text for text in texts if text.strip().lower() not in MISSING]
    least = len(known) if strict else (1 - _FEW) * len(known)
    comma = [text for text in known if _WITH_COMMA.fullmatch(text.strip())]
    with_comma = len(comma) >= least and any("," in text for text in comma)
    values, unreadable = np.full(len(texts), math.nan), []
    for place, text in enumerate(texts):
        if text.strip().lower() in MISSING:
            continue
        try:
            values[place] = float(text.replace(",", ".") if with_comma else text)
        except ValueError:
            unreadable.append(text)
    if not known or len(known) - len(unreadable) < least:
        return None
    return Numbers(values, tuple(unreadable))
