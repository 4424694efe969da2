"""What every data set is read into: sounds with their labels and their part of the official split."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import xarray as xr

from otoscope.errors import InputError

SUFFIXES = frozenset(".wav .flac .ogg .oga .opus .mp3 .aif .aiff .aifc .au .caf .w64 .rf64".split())
"""How the names of sound files end."""


@dataclass(frozen=True)
class Item:
    """One sound of a data set.

    Parameters
    ----------
    sound : Path or DataArray
        A file, or a clip where the set is synthesised.
    labels : tuple of str
        One, or several where a clip may have several.
    split : str
        Part of the official split, such as ``train`` or ``fold1``; ``all`` where there is none.
    start, stop : float, optional
        Of the item in its file, in s; the whole file by default.
    facts : mapping of str to str
        What else is known of it, such as ``speaker`` or ``attack``.
    """

    sound: Path | xr.DataArray
    labels: tuple[str, ...]
    split: str = "all"
    start: float | None = None
    stop: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DataSet:
    """The items of a data set, and its classes.

    Parameters
    ----------
    items : tuple of Item
        In an order that is always the same.
    classes : tuple of str
        All labels there are, in the order of the set where it has one, and else of the alphabet.
    notes : tuple of str
        What a user should know of what was found.
    multilabel : bool
        Whether an item may have several labels.
    """

    items: tuple[Item, ...]
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    multilabel: bool = False

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def part(self, *splits: str) -> DataSet:
        """The items of some parts of the split, with all classes.

        Raises
        ------
        InputError
            If a part has no item.
        """
        there = dict.fromkeys(item.split for item in self.items)
        for split in splits:
            if split not in there:
                raise InputError(f"there is no item of the split {split!r}; there are items of {', '.join(there)}")
        return replace(self, items=tuple(item for item in self.items if item.split in splits))


@dataclass(frozen=True)
class Asked:
    """What a reader is asked for.

    Parameters
    ----------
    folder : Path
        Where the data set lies.
    task : str
        What is told apart.
    splits : tuple of str
        The parts that are wanted: the others need not be there.
    url : str
        Where the data set is to be had, for messages.
    sample_rate : int
        Of clips that are synthesised, in Hz.
    """

    folder: Path
    task: str
    splits: tuple[str, ...]
    url: str
    sample_rate: int = 16_000


@dataclass(frozen=True)
class Source:
    """A data set that can be read: where it comes from, and how.

    Parameters
    ----------
    name : str
        By which it is read.
    about : str
        What it is.
    licence, url : str
        Under which terms it can be had, and where.
    layout : tuple of str
        Files and folders by which its folder is known; ``|`` stands between names of which one is enough.
    tasks : mapping of str to int
        What can be told apart, the default first, and how many classes each has; empty where the set itself says so
        (columns of a table).
    splits : tuple of str
        Parts of the official split; empty where the set itself says so.
    sample_rate : int or None
        Of the recordings, in Hz; None where they differ.
    read : callable
        From what is asked for to the data set. It may return more splits than are wanted.
    multilabel : bool
        Whether an item may have several labels.
    """

    name: str
    about: str
    licence: str
    url: str
    layout: tuple[str, ...]
    tasks: Mapping[str, int]
    splits: tuple[str, ...]
    sample_rate: int | None
    read: Callable[[Asked], DataSet]
    multilabel: bool = False


def by_alphabet(items: Iterable[Item]) -> tuple[str, ...]:
    """The labels of items, as the classes of a data set that has no order of its own."""
    return tuple(sorted({label for item in items for label in item.labels}))


# -- Files ------------------------------------------------------------------------------------------------


def check_folder(source: Source, folder: Path) -> None:
    """Check that a folder is that of a data set.

    Raises
    ------
    InputError
        That says what the folder must contain.
    """
    if not folder.is_dir():
        found = f"{folder} is a file, not a folder" if folder.exists() else f"there is no folder {folder}"
        get = f"; download {source.name} from {source.url}" if "://" in source.url else ""
        raise InputError(found + get)
    for part in source.layout:
        names = part.split("|")
        if not any((folder / name).exists() for name in names):
            raise InputError(
                f"{folder} is not the folder of {source.name}: it does not contain {' or '.join(names[:2])}; give the "
                f"folder that does, or download it from {source.url}"
            )


def sound_files(folder: Path, get: str) -> dict[str, Path]:
    """The sound files in a folder and below it, by their names within it (with ``/``), in order.

    Parameters
    ----------
    folder : Path
    get : str
        Where it is to be had, for the message.

    Raises
    ------
    InputError
        If there is no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; get it from {get}")
    found = {}
    for place, _, names in os.walk(folder, followlinks=True):
        inside = Path(place).relative_to(folder)
        for name in names:
            # macOS leaves "._name" files, which are no sounds, in archives.
            if os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith("._"):
                found[(inside / name).as_posix()] = Path(place, name)
    if not found:
        raise InputError(f"no sound file is in the folder {folder}; get it from {get}")
    return dict(sorted(found.items()))


def read_lines(path: Path, get: str, columns: int = 1) -> list[list[str]]:
    """The words of each line of a list that is not empty.

    Parameters
    ----------
    path : Path
    get : str
        Where it is to be had, for the message.
    columns : int
        How many words each line has.

    Raises
    ------
    InputError
        If it cannot be read, is empty, or has a line of other length or one that was there before.
    """
    rows = []
    seen: dict[str, int] = {}
    for number, line in enumerate(read_text(path, get).splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if len(words) != columns:
            raise InputError(
                f"{path}, line {number}: {len(words)} columns instead of {columns}; get it anew from {get}"
            )
        key = " ".join(words)
        if key in seen:
            raise InputError(f"{path}, line {number} says again what line {seen[key]} says; get it anew from {get}")
        seen[key] = number
        rows.append(words)
    if not rows:
        raise InputError(f"{path} is empty; get it anew from {get}")
    return rows


def read_table(
    path: Path, get: str, columns: Sequence[str], names: Sequence[str] | None = None
) -> list[dict[str, str]]:
    """The rows of a csv table.

    Parameters
    ----------
    path : Path
    get : str
        Where it is to be had, for the message.
    columns : sequence of str
        Those that have to be there, and not be empty in any row.
    names : sequence of str, optional
        Of all columns, where the table has no heading.

    Raises
    ------
    InputError
        If it cannot be read, has no rows, lacks a column, or a row is broken or was there before.
    """
    lines = (line for line in read_text(path, get).splitlines() if not line.startswith("#"))
    try:
        rows = list(csv.DictReader(lines, names, skipinitialspace=True))
    except csv.Error as error:
        raise InputError(f"{path} is no csv table: {error}; get it anew from {get}") from None
    if not rows:
        raise InputError(f"{path} has no rows; get it anew from {get}")
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):
        for column in columns:
            if column not in row:
                raise InputError(f"{path} has no column {column!r}; its columns are {', '.join(map(str, row))}")
            if not row[column]:
                raise InputError(f"{path}, row {number} has nothing in the column {column!r}; get it anew from {get}")
        if row[columns[0]] in seen:
            raise InputError(f"{path}, row {number} says {row[columns[0]]!r} again; get it anew from {get}")
        seen.add(row[columns[0]])
    return rows


def read_text(path: Path, get: str) -> str:
    """A text file of a data set.

    Raises
    ------
    InputError
        If it is not there or no text in UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; get it from {get}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is no text in UTF-8; get it anew from {get}") from None


def check_present(listed: Iterable[str], found: Mapping[str, Path], folder: Path, where: str, get: str) -> None:
    """See that every file that a list names is there.

    Parameters
    ----------
    listed : iterable of str
        Names of files within the folder.
    found : mapping
        As `sound_files` returns it.
    folder : Path
    where : str
        What lists them, for the message.
    get : str
        Where they are to be had.

    Raises
    ------
    InputError
        That counts those that are missing, and names the first.
    """
    names = list(listed)
    missing = [name for name in names if name not in found]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(names)} recordings that {where} names are missing from {folder}, first "
            f"{missing[0]}; get them from {get}"
        )
