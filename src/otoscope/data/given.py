"""Sounds that Python gives, in any form, as a data set."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import xarray as xr

from otoscope.audio import as_clip
from otoscope.data.find import drawn, find_data
from otoscope.data.items import DataSet, Item, alphabetical_classes
from otoscope.data.table import text_of
from otoscope.errors import InputError


def given_data(
    given: str | Path | DataSet | Iterable[Any],
    *,
    by: str | None = None,
    limit: int | None = None,
    sample_rate: int = 16_000,
) -> DataSet:
    """The data set that is named, or made of items, files and waves.

    Parameters
    ----------
    given : str, Path, DataSet or iterable
        What the command line calls DATA; what :func:`otoscope.data.read` returns; or items, files and waves, each alone
        or as a pair with its label, or with a list of labels.
    by : str, optional
        What the classes are, of a data set that is named.
    limit : int, optional
        Take at most so many, as evenly over the classes as can be.
    sample_rate : int
        Of waves, in Hz.

    Returns
    -------
    DataSet
        A clip may have several classes where a list of labels is given, or an item has several.

    Raises
    ------
    InputError
        If there is none, or one of them is not a sound.

    Examples
    --------
    >>> found = given_data([("a.wav", "dog"), ("b.wav", ["dog", "cat"])])
    >>> [item.labels for item in found], found.classes, found.multilabel
    ([('dog',), ('dog', 'cat')], ('cat', 'dog'), True)
    """
    if isinstance(given, (str, Path)):
        return find_data(given, by=by, limit=limit, sample_rate=sample_rate)
    if by is not None:
        raise InputError(
            f"{by!r} chooses the class of a data set that is named, and these sounds have their labels: give the name, "
            "or sounds with other labels"
        )
    return drawn(given if isinstance(given, DataSet) else _listed(given, sample_rate), limit)


def _listed(given: Iterable[Any], rate: int) -> DataSet:
    items, several = [], False
    for number, one in enumerate(given):
        items.append(_item(one, number, rate))
        listed = isinstance(one, tuple) and not isinstance(one, Item) and isinstance(one[1], (list, tuple))
        several |= listed or len(items[-1].labels) > 1
    return DataSet(tuple(items), alphabetical_classes(items), multilabel=several)


def _item(given: Any, number: int, rate: int) -> Item:
    if isinstance(given, Item):
        return given
    if isinstance(given, tuple) and len(given) != 2:
        raise InputError(f"sound {number} is a tuple of {len(given)}: give a sound, or a pair of it and its label")
    sound, label = given if isinstance(given, tuple) else (given, None)
    texts = map(text_of, label) if isinstance(label, (list, tuple)) else [text_of(label)]
    labels = tuple(dict.fromkeys(text for text in texts if text))
    if isinstance(sound, (str, Path)):
        return Item(Path(sound), labels)
    name = sound.attrs.get("name", str(number)) if isinstance(sound, xr.DataArray) else str(number)
    return Item(as_clip(sound, rate, name=name), labels)
