"""The data sets that can be read, by name, and the forms that DATA can take on the command line."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from otoscope.data import (
    aev,
    arrow,
    asvspoof,
    audioset,
    builtin,
    esc,
    files,
    fsd50k,
    fsdd,
    iemocap,
    librispeech,
    rows,
    shards,
    speech_commands,
    table,
    timit,
    tree,
    voxceleb,
)
from otoscope.data.items import DataSet, Request, Source, check_folder
from otoscope.data.joined import JOINS, join, names_of_joined
from otoscope.errors import InputError

SETS: dict[str, Source] = {
    source.name: source
    for source in (
        builtin.SOURCE,
        fsdd.SOURCE,
        esc.ESC10,
        esc.ESC50,
        speech_commands.SOURCE,
        librispeech.SOURCE,
        voxceleb.SOURCE,
        timit.SOURCE,
        aev.SOURCE,
        iemocap.SOURCE,
        asvspoof.SOURCE,
        audioset.SOURCE,
        fsd50k.SOURCE,
        *(one.SOURCE for one in (tree, files, table, shards, arrow)),
    )
}
"""All data sets, by name."""

_VOWELS = builtin.SOURCE.name
_OWN = {one.SOURCE.name for one in (tree, files, table, shards, arrow)}
_ALSO = {"csv": table.SOURCE.name}
"""Other names of sets."""

_PUBLISHED = "|".join(name for name in SETS if name not in (_VOWELS, *_OWN))
_NAMES = "|".join((rf"(?:{_PUBLISHED})(?:{re.escape(JOINS)}(?:{_PUBLISHED}))+", *SETS, *_ALSO))

_PLACE = re.compile(rf"(?P<name>{_NAMES})(?:@(?P<splits>[^:]+))?(?::(?P<folder>.+))?", re.DOTALL)


class Place(NamedTuple):
    """A data set, its folder and splits, as in ``fsdd@test:/data/fsdd``."""

    name: str
    folder: Path | None
    splits: tuple[str, ...] | None


def read(
    name: str,
    folder: str | Path | None = None,
    *,
    task: str | None = None,
    split: str | Sequence[str] | None = None,
    sample_rate: int = 16_000,
) -> DataSet:
    """Read the list of a data set's sounds. No sound is opened.

    Parameters
    ----------
    name : str
        One of `SETS`, or several published ones with ``+`` between them, as ``fsdd+esc10``, which are read as one.
    folder : str or Path, optional
        Its folder, unpacked as published; of joined sets the folder that contains theirs; for ``table`` the table, for
        ``files`` a pattern, for ``shards`` archives. By default the folder with the name of the set in the folder given
        by the environment variable OTOSCOPE_DATA. ``vowels`` needs none.
    task : str, optional
        What the labels are, such as ``digit`` or ``speaker``; the first task of the set by default. Of a table, a
        column; ``label`` by default.
    split : str or sequence of str, optional
        Parts of the official split; all by default. The other parts may be missing. Of joined sets they have the name
        of the set before them, as ``fsdd/train``.
    sample_rate : int
        Of the clips of ``vowels``, in Hz.

    Returns
    -------
    DataSet

    Raises
    ------
    InputError
        If a name is unknown, the folder is not that of the data set, or a part is missing; the message says where to
        download it.

    Examples
    --------
    >>> vowels = read("vowels", task="register")
    >>> len(vowels), vowels.classes
    (240, ('low', 'mid', 'high'))
    """
    source = source_of(name)
    name = source.name
    splits = (split,) if isinstance(split, str) else split
    for one in splits or ():
        if source.splits and one not in source.splits:
            raise InputError(f"{name} has no split {one!r}; the splits are {', '.join(source.splits)}")
    task = _task(source, task)
    if name == _VOWELS and folder is not None:
        raise InputError(f"{name} is built in: give no folder")
    place = Path(folder) if folder is not None else find_folder(name)
    if place is None and name != _VOWELS:
        raise InputError(
            f"{name} is not found: give its {'place' if name in _OWN else 'folder'}, as in {name}:FOLDER"
            + (
                ""
                if name in _OWN
                else f", or set OTOSCOPE_DATA to the folder that contains {name}; download it from {source.url}"
            )
        )
    if source.layout and place is not None:
        check_folder(source, place)
    request = Request(place or Path(), task, tuple(splits or source.splits), source.url, sample_rate)
    found = source.read(request)
    if not found.items:
        raise InputError(_nothing(place or name, name, task, found))
    return found if splits is None else found.part(*splits)


def find_folder(name: str) -> Path | None:
    """The folder of a data set within OTOSCOPE_DATA, None where there is none."""
    data = os.environ.get("OTOSCOPE_DATA")
    return folder_within(Path(data), name) if data and name not in (_VOWELS, *_OWN) else None


def folder_within(folder: Path, name: str) -> Path | None:
    """The folder of a data set within a folder of data sets, which is that folder itself for joined sets.

    Returns
    -------
    Path or None
        None where it, or one of those that are joined, is not there.
    """
    joined = names_of_joined(name)
    if not all((folder / one).is_dir() for one in joined):
        return None
    return folder / name if len(joined) == 1 else folder


def _nothing(place: Path | str, name: str, task: str, found: DataSet) -> str:
    """What is said of a data set without a sound that can be used."""
    said = f"{place} has no sound that can be used" if name in _OWN else f"{place} has no sound of {name}"
    labelled = f" with a label of the task {task!r}" if task and not found.problems else ""
    return said + labelled + (f": {found.problems.said}" if found.problems else "")


def parse(place: str | Path) -> Place:
    """Parse DATA: ``NAME``, ``NAME:FOLDER``, ``NAME@SPLIT:FOLDER``, or a path of one's own.

    Parameters
    ----------
    place : str or Path
        Several splits are separated by commas. A path is, by its suffix and what is there, a table (``.csv``, ``.tsv``,
        ``.jsonl``, ``.parquet``), tar archives (one, a folder of them, or with braces), a folder that Hugging Face
        `datasets` saved, sound files by a pattern, a sound file, or a folder of sounds.

    Returns
    -------
    Place

    Raises
    ------
    InputError
        If it is none of them.

    Examples
    --------
    >>> parse("esc10@fold1,fold2:/data/esc10").splits
    ('fold1', 'fold2')
    >>> parse("clips/*.flac").name, parse("train-{000..009}.tar").name
    ('files', 'shards')
    """
    match = _PLACE.fullmatch(str(place))
    if match and (match["folder"] or _ALSO.get(match["name"], match["name"]) not in _OWN):
        name, splits = match["name"], tuple(match["splits"].split(",")) if match["splits"] else None
        folder = Path(match["folder"]).expanduser() if match["folder"] else None
        return Place(_ALSO.get(name, name), folder, splits)
    path = Path(place).expanduser()
    own = _own(path)
    if own is not None:
        return Place(own, path, None)
    name = str(place).partition(":")[0].partition("@")[0]
    raise InputError(
        f"{place} is not a data set: give a folder or a pattern of sounds, a table (csv, tsv, jsonl, parquet), tar "
        f"archives, or the name of a set, as in {_VOWELS} or fsdd:FOLDER"
        + ("" if "/" in name else f" (the sets are {', '.join(SETS)})")
    )


def _own(path: Path) -> str | None:
    """Of which kind the sounds are that a path leads to; None where it leads nowhere."""
    text = str(path).lower()
    if path.is_dir():
        if arrow.is_saved(path):
            return arrow.SOURCE.name
        return shards.SOURCE.name if shards.only_archives(path) else tree.SOURCE.name
    if shards.is_archive(text):
        return shards.SOURCE.name
    if files.is_sound(path) or files.is_pattern(str(path)):
        return files.SOURCE.name
    return table.SOURCE.name if path.suffix.lower() in rows.SUFFIXES else None


def read_place(place: str | Path, *, task: str | None = None, sample_rate: int = 16_000) -> DataSet:
    """Read the data set given as ``fsdd@test:/data/fsdd`` or the like; see `parse` and `read`."""
    name, folder, splits = parse(place)
    return read(name, folder, task=task, split=splits, sample_rate=sample_rate)


def source_of(name: str) -> Source:
    """The data set of a name, or several joined by ``+``.

    Raises
    ------
    InputError
        If there is none, or they cannot be joined.
    """
    name = _ALSO.get(name, name)
    joined = names_of_joined(name)
    if len(joined) > 1:
        return join([source_of(one) for one in joined])
    if name not in SETS:
        raise InputError(f"there is no data set {name!r}; the data sets are {', '.join(SETS)}")
    return SETS[name]


def _task(source: Source, task: str | None) -> str:
    if task is not None and source.tasks and task not in source.tasks:
        raise InputError(f"{source.name} is labelled by {' or '.join(source.tasks)}, not by {task!r}")
    return task or next(iter(source.tasks), "")
