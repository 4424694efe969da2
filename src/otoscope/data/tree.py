"""Any folder: with a subfolder of sounds for each class, with recordings named as those of FSDD, or without classes.

Above the folders of the classes there may be those of a split, such as ``train`` and ``test``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from otoscope.data import fsdd
from otoscope.data.items import SPLITS, DataSet, Item, Request, Source, alphabetical_classes, sound_files
from otoscope.data.packed import pack
from otoscope.data.problems import EMPTY, UNLABELLED, Problems
from otoscope.errors import InputError


class _Place(NamedTuple):
    """What the folders above a sound say: its part, its class, and whether there are more folders below that."""

    split: str
    label: str
    deeper: bool


def classed(files: Mapping[str, Path], task: str, where: str | Path, problems: Problems | None = None) -> DataSet:
    """Sounds whose classes are the folders that they lie in, or their names as in FSDD; else without classes.

    Where all folders have names of parts, such as ``train``, they are parts, and those below them the classes.

    Parameters
    ----------
    files : mapping of str to Path
        By their paths within a folder, with ``/``.
    task : str
        What the labels are, "" where that was not said.
    where : str or Path
        The folder or pattern, for messages.
    problems : Problems, optional
        What was left out before.

    Raises
    ------
    InputError
        If a task is asked for and these sounds have no such labels.
    """
    problems = Problems() if problems is None else problems
    top = {name.partition("/")[0] for name in files if "/" in name}
    parts = top if all(name.lower() in SPLITS for name in top) else set[str]()
    labels = {label for name in files if (label := _place(name, parts).label)}
    if len(labels) < 2 and all(fsdd.NAME.fullmatch(path.name) for path in files.values()):
        task = next(iter(fsdd.SOURCE.tasks)) if task in ("", "label") else task
        if task not in fsdd.SOURCE.tasks:
            raise InputError(f"the recordings in {where} are labelled by digit or speaker, not by {task!r}")
        return replace(fsdd.recordings(files.values(), task), problems=problems)
    if task not in ("", "label") or (task and not labels):
        has = "has a subfolder for each class and no" if labels else "has no subfolder for each class, so no"
        raise InputError(f"{where} {has} labels of {task!r}: leave that out, or list the sounds in a table")
    items = pack(_items(files, parts, bool(labels), problems))
    return DataSet(items, alphabetical_classes(items), _notes(files, parts), problems=problems)


def _place(name: str, parts: Collection[str]) -> _Place:
    split, _, within = name.partition("/") if parts and "/" in name else ("all", "", name)
    label, *deeper = within.split("/")[:-1] or [""]
    return _Place(split, label, bool(deeper))


def _notes(files: Mapping[str, Path], parts: Collection[str]) -> tuple[str, ...]:
    """What is to be said of the folders: that they are parts, and that sounds lie deeper than the classes."""
    notes = []
    if parts:
        named = ", ".join(sorted(parts))
        notes.append(f"taken as parts of a split, and not as classes: the folder{'s' * (len(parts) > 1)} {named}")
    deep = [name for name in files if _place(name, parts).deeper]
    if deep:
        more = f"first {deep[0]}, whose class is {_place(deep[0], parts).label!r}"
        notes.append(f"{len(deep)} of {len(files)} sounds lie deeper than the folders of the classes, {more}")
    return tuple(notes)


def _items(files: Mapping[str, Path], parts: Collection[str], by_folder: bool, problems: Problems) -> Iterator[Item]:
    for name, path in files.items():
        split, label, _ = _place(name, parts)
        if not path.stat().st_size:
            problems.add(EMPTY, str(path))
        elif by_folder and not label:
            problems.add(UNLABELLED, str(path), "it is beside the folders of the classes")
        else:
            yield Item(path, (label,) if label else (), split)


def _read(request: Request) -> DataSet:
    problems = Problems()
    return classed(sound_files(request.folder, request.url, problems), request.task, request.folder, problems)


SOURCE = Source(
    name="folder",
    about="any folder with a subfolder of sounds for each class, in each of train, test and so on, or without classes",
    licence="your own",
    url="your own recordings",
    layout=(),
    tasks={},
    splits=(),
    sample_rate=None,
    read=_read,
)
