"""Any folder: with a subfolder of sounds for each class, with recordings named as those of FSDD, or without classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from otoscope.data import fsdd
from otoscope.data.items import DataSet, Item, Request, Source, alphabetical_classes, sound_files
from otoscope.data.packed import pack
from otoscope.data.problems import EMPTY, UNLABELLED, Problems
from otoscope.errors import InputError


def classed(files: Mapping[str, Path], task: str, where: str | Path, problems: Problems | None = None) -> DataSet:
    """Sounds whose classes are the folders that they lie in, or their names as in FSDD; else without classes.

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
    folders = {name.partition("/")[0] for name in files if "/" in name}
    if len(folders) < 2 and all(fsdd.NAME.fullmatch(path.name) for path in files.values()):
        task = next(iter(fsdd.SOURCE.tasks)) if task in ("", "label") else task
        if task not in fsdd.SOURCE.tasks:
            raise InputError(f"the recordings in {where} are labelled by digit or speaker, not by {task!r}")
        return fsdd.recordings(files.values(), task)
    if task not in ("", "label") or (task and not folders):
        has = "has a subfolder for each class and no" if folders else "has no subfolder for each class, so no"
        raise InputError(f"{where} {has} labels of {task!r}: leave that out, or list the sounds in a table")
    problems = Problems() if problems is None else problems
    items = pack(_items(files, bool(folders), problems))
    return DataSet(items, alphabetical_classes(items), problems=problems)


def _items(files: Mapping[str, Path], by_folder: bool, problems: Problems) -> Iterator[Item]:
    for name, path in files.items():
        label, slash, _ = name.partition("/")
        if not path.stat().st_size:
            problems.add(EMPTY, str(path))
        elif by_folder and not slash:
            problems.add(UNLABELLED, str(path), "it is beside the folders of the classes")
        else:
            yield Item(path, (label,) if by_folder else ())


def _read(request: Request) -> DataSet:
    return classed(sound_files(request.folder, request.url), request.task, request.folder)


SOURCE = Source(
    name="folder",
    about="any folder with a subfolder of sounds for each class, or of sounds without classes",
    licence="your own",
    url="your own recordings",
    layout=(),
    tasks={},
    splits=(),
    sample_rate=None,
    read=_read,
)
