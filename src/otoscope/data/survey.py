"""What is present of a data set: sounds of each part and class, and what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from otoscope.data.items import DataSet, Item
from otoscope.data.sets import read, source_of
from otoscope.errors import InputError


class Part(NamedTuple):
    """One part of the split.

    Parameters
    ----------
    split : str
    sounds : int
    classes : mapping of str to int
        Number of sounds with each label, for all classes of the data set.
    missing : str
        Why the part cannot be read; empty where it can.
    """

    split: str
    sounds: int
    classes: Mapping[str, int]
    missing: str = ""


class Survey(NamedTuple):
    """The parts and classes of a data set, and remarks on what was found."""

    parts: tuple[Part, ...]
    classes: tuple[str, ...]
    notes: tuple[str, ...]


def survey(
    name: str, folder: str | Path | None = None, *, task: str | None = None, splits: Iterable[str] | None = None
) -> Survey:
    """Count the sounds of a data set, part by part.

    Parameters
    ----------
    name, folder, task
        As :func:`otoscope.data.read`.
    splits : iterable of str, optional
        The parts to count; all by default.

    Returns
    -------
    Survey

    Raises
    ------
    InputError
        If no part can be read.

    Examples
    --------
    >>> found = survey("vowels", task="register")
    >>> found.parts[0].split, sum(found.parts[0].classes.values())
    ('all', 240)
    """
    wanted = None if splits is None else tuple(splits)
    try:
        whole = read(name, folder, task=task, split=wanted)
    except InputError as error:
        found = {split: _read_or_reason(name, folder, task, split) for split in wanted or source_of(name).splits}
        read_parts = [one for one in found.values() if isinstance(one, DataSet)]
        if not read_parts:
            raise error
        classes = tuple(dict.fromkeys(label for one in read_parts for label in one.classes))
        notes = tuple(dict.fromkeys(note for one in read_parts for note in one.remarks))
        parts = [
            _part(split, one, classes) if isinstance(one, DataSet) else Part(split, 0, {}, one)
            for split, one in found.items()
        ]
        return Survey(tuple(parts), classes, notes)
    order = wanted or source_of(name).splits or tuple(dict.fromkeys(item.split for item in whole))
    by_split: dict[str, list[Item]] = {split: [] for split in order}
    for item in whole:
        by_split.setdefault(item.split, []).append(item)
    parts = [_part(split, items, whole.classes) for split, items in by_split.items() if items]
    return Survey(tuple(parts), whole.classes, whole.remarks)


def _read_or_reason(name: str, folder: str | Path | None, task: str | None, split: str) -> DataSet | str:
    try:
        return read(name, folder, task=task, split=split)
    except InputError as error:
        return str(error)


def _part(split: str, items: Iterable[Item], classes: tuple[str, ...]) -> Part:
    held = list(items)
    counts = Counter(label for item in held for label in item.labels)
    return Part(split, len(held), {label: counts[label] for label in classes})
