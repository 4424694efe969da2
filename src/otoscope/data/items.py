"""The common form of all data sets: sounds with their labels and their part of the official split."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np

from otoscope.data.item import Item as Item
from otoscope.data.packed import File, Packed, Span, pack
from otoscope.data.problems import MISSING, UNREADABLE, Problems
from otoscope.embedded import Embedded
from otoscope.errors import InputError
from otoscope.text import writable

SUFFIXES = frozenset(".wav .flac .ogg .oga .opus .mp3 .aif .aiff .aifc .au .caf .w64 .rf64".split())
"""Suffixes of sound files that can be read."""

UNREADABLE_SUFFIXES = frozenset(
    ".m4a .m4b .mp4 .aac .wma .webm .mka .mkv .3gp .amr .sph .nist .ape .wv .mpc .ra .dsf".split()
)
"""Suffixes of sound files that cannot be read."""

CONVERT = "convert it to .flac"
"""What is said of such a file."""

SPLITS = (
    "train",
    "training",
    "unbalanced",
    "validation",
    "valid",
    "val",
    "dev",
    "test",
    "testing",
    "eval",
    "evaluation",
)
"""Names of parts of a split, as folders and archives have them."""


@dataclass(frozen=True)
class DataSet:
    """The items of a data set, and its classes.

    Parameters
    ----------
    items : sequence of Item
        In an order that is always the same.
    classes : tuple of str
        All labels, in the order that the set defines, or alphabetical.
    notes : tuple of str
        Remarks for the user on what was found.
    multilabel : bool
        Whether an item may have several labels.
    problems : Problems
        Names of what was left out, by cause, such as ``missing``.
    """

    items: Sequence[Item]
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    multilabel: bool = False
    problems: Problems = field(default_factory=Problems)

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notes, and what was left out."""
        return (*self.notes, *([self.problems.note] if self.problems else []))

    def part(self, *splits: str) -> DataSet:
        """The items of some parts of the split, with all classes.

        Raises
        ------
        InputError
            If a part has no item.
        """
        there = dict.fromkeys(splits_of(self.items))
        for split in splits:
            if split not in there:
                raise InputError(f"there is no item of the split {split!r}; the splits are {', '.join(there)}")
        return replace(
            self, items=pick(self.items, [n for n, one in enumerate(splits_of(self.items)) if one in splits])
        )


def splits_of(items: Sequence[Item]) -> Iterator[str]:
    """The split of each item."""
    return items.splits() if isinstance(items, Packed) else (item.split for item in items)


def labels_of(items: Sequence[Item]) -> Iterator[tuple[str, ...]]:
    """The labels of each item."""
    return items.labels() if isinstance(items, Packed) else (item.labels for item in items)


def label_codes(items: Sequence[Item], classes: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of all labels of all items, one after another, and where those of each item end.

    Raises
    ------
    InputError
        If an item has a label that is none of the classes.
    """
    codes, ends = (items if isinstance(items, Packed) else pack(items)).label_codes(classes)
    if (codes < 0).any():
        place = int(np.searchsorted(ends, np.flatnonzero(codes < 0)[0], side="right"))
        raise InputError(
            f"{items[place].name} has the label {', '.join(items[place].labels)}, which is not a class of the data"
        )
    return codes, ends


def files_of(items: Sequence[Item]) -> Iterator[File]:
    """Where the sound of each item lies."""
    return items.files() if isinstance(items, Packed) else map(_file, items)


def spans_of(items: Sequence[Item]) -> Iterator[Span]:
    """The start and stop of each item in s; None at the ends of its file."""
    return items.spans() if isinstance(items, Packed) else ((item.start, item.stop) for item in items)


def names_of(items: Sequence[Item]) -> Iterator[str]:
    """The name of each item."""
    if not isinstance(items, Packed):
        return (item.name for item in items)
    return (
        items[place].name
        if not path or start is not None or stop is not None
        else writable(f"{path}!{member}" if member else path)
        for place, ((path, member, _, _), (start, stop)) in enumerate(zip(items.files(), items.spans(), strict=True))
    )


def facts_of(items: Sequence[Item], name: str) -> Iterator[str | None]:
    """A fact of each item; None where it has none."""
    return items.facts(name) if isinstance(items, Packed) else (item.facts.get(name) for item in items)


def _file(item: Item) -> File:
    sound = item.sound
    if isinstance(sound, Embedded):
        return str(sound.path), sound.member, sound.offset, sound.size
    return (str(sound) if isinstance(sound, Path) else ""), "", 0, -1


def fact_names(items: Sequence[Item]) -> tuple[str, ...]:
    """The names of all facts that an item may have."""
    return (
        items.fact_names
        if isinstance(items, Packed)
        else tuple(dict.fromkeys(name for one in items for name in one.facts))
    )


def pick(items: Sequence[Item], places: Sequence[int]) -> Sequence[Item]:
    """Some of the items, by their places; those of a packed list stay packed."""
    return items.pick(places) if isinstance(items, Packed) else tuple(items[place] for place in places)


@dataclass(frozen=True)
class Request:
    """What to read of a data set, and from where.

    Parameters
    ----------
    folder : Path
        The folder of the data set.
    task : str
        What the labels are, such as ``digit`` or ``speaker``; "" where the set has no tasks and none was asked for.
    splits : tuple of str
        The parts to read: the others may be missing.
    url : str
        Where to download the data set, for messages.
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
        Its name in :data:`otoscope.data.sets.SETS`.
    about : str
        One line on what it is.
    licence, url : str
        Its licence, and where to download it.
    layout : tuple of str
        Files and folders that its folder has to contain; of names with ``|`` between them, one.
    tasks : mapping of str to int
        What the labels may be, the default first, and the number of classes of each; empty where the data defines it
        (columns of a table).
    splits : tuple of str
        Parts of the official split; empty where the data defines them.
    sample_rate : int or None
        Of the recordings, in Hz; None where they differ.
    read : callable
        From a request to the data set. It may return more splits than requested.
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
    read: Callable[[Request], DataSet]
    multilabel: bool = False


def alphabetical_classes(items: Iterable[Item]) -> tuple[str, ...]:
    """The classes of items in alphabetical order, for a data set that defines none."""
    return items.classes if isinstance(items, Packed) else tuple(sorted({name for one in items for name in one.labels}))


# -- Files ------------------------------------------------------------------------------------------------


def check_folder(source: Source, folder: Path) -> None:
    """Check that a folder is that of a data set.

    Raises
    ------
    InputError
        That says what the folder must contain.
    """
    if not folder.is_dir():
        if folder.exists():
            problem = f"{folder} is a file, not a folder"
        elif folder.is_symlink():
            problem = f"{folder} is a link to {os.readlink(folder)}, which does not exist"
        else:
            problem = f"there is no folder {folder}"
        raise InputError(problem + (f"; download {source.name} from {source.url}" if "://" in source.url else ""))
    for part in source.layout:
        names = part.split("|")
        if not any((folder / name).exists() for name in names):
            raise InputError(
                f"{folder} is not the folder of {source.name}: it does not contain {' or '.join(names[:2])}; give the "
                f"folder that does, or download it from {source.url}"
            )


def download_again(url: str) -> str:
    """The end of a message on missing or damaged files: where to download them. Empty for the user's own recordings.

    Examples
    --------
    >>> "list.txt is empty" + download_again("https://www.openslr.org/12")
    'list.txt is empty; download the data set again from https://www.openslr.org/12'
    """
    return f"; download the data set again from {url}" if "://" in url else ""


def sound_files(folder: Path, url: str, problems: Problems | None = None) -> dict[str, Path]:
    """The sound files in a folder and its subfolders, by their paths within it (with ``/``), in order.

    Parameters
    ----------
    folder : Path
    url : str
        Where to download the data set, for the message.
    problems : Problems, optional
        To which files of kinds that cannot be read are added.

    Raises
    ------
    InputError
        If there is no such folder, or no sound file in it.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}{download_again(url)}")
    found = {}
    unreadable: list[Path] = []
    if _of_the_system(folder):
        raise InputError(f"{folder} is a folder of the operating system, which holds no recordings")
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not _leads_away(place, os.path.join(place, name))]
        inside = Path(place).relative_to(folder)
        for name in names:
            suffix = os.path.splitext(name)[1].lower()
            if name.startswith("._"):  # as macOS names metadata in archives
                continue
            if suffix in SUFFIXES:
                found[(inside / name).as_posix()] = Path(place, name)
            elif suffix in UNREADABLE_SUFFIXES:
                unreadable.append(Path(place, name))
    if problems is not None:
        for path in sorted(unreadable):
            problems.add(UNREADABLE, str(path), CONVERT)
    if not found:
        kinds = Counter(path.suffix.lower() for path in unreadable)
        counts = " and ".join(f"{count} {suffix}" for suffix, count in kinds.items())
        hint = f", only {counts}, which cannot be read: convert them to .flac" if counts else download_again(url)
        raise InputError(f"no sound file is in the folder {folder}{hint}")
    return dict(sorted(found.items()))


def _leads_away(place: str, inner: str) -> bool:
    """Whether a folder within a place is a link to one above it, in which a walk would go round, or is no real one."""
    if os.path.islink(inner):
        here, target = Path(place).absolute(), os.path.realpath(inner)
        if any(os.path.realpath(above) == target for above in (here, *here.parents)):
            return True
    return _of_the_system(inner)


def _of_the_system(folder: str | Path) -> bool:
    """Whether a folder is of /proc or /sys, where files have no end and links lead everywhere."""
    try:
        return os.stat(folder).st_dev in _pseudo()
    except OSError:
        return False


@cache
def _pseudo() -> frozenset[int]:
    return frozenset(os.stat(place).st_dev for place in ("/proc", "/sys") if os.path.ismount(place))


def read_lines(path: Path, url: str, columns: int = 1) -> list[list[str]]:
    """The words of each line of a list, without blank lines.

    Parameters
    ----------
    path : Path
    url : str
        Where to download the data set, for the message.
    columns : int
        Number of words of each line.

    Raises
    ------
    InputError
        If it cannot be read, is empty, or a line is repeated or has another number of words.
    """
    rows = []
    lines: dict[str, int] = {}
    for number, line in enumerate(read_text(path, url).splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if len(words) != columns:
            raise InputError(f"{path}, line {number}: {len(words)} columns instead of {columns}{download_again(url)}")
        key = " ".join(words)
        if key in lines:
            raise InputError(f"{path}, line {number} repeats line {lines[key]}{download_again(url)}")
        lines[key] = number
        rows.append(words)
    if not rows:
        raise InputError(f"{path} is empty{download_again(url)}")
    return rows


def read_table(
    path: Path, url: str, columns: Sequence[str], names: Sequence[str] | None = None
) -> list[dict[str, str]]:
    """The rows of a csv table.

    Parameters
    ----------
    path : Path
    url : str
        Where to download the data set, for the message.
    columns : sequence of str
        Required columns, which may not be empty in any row; the first has another value in every row.
    names : sequence of str, optional
        Of all columns, where the table has no heading.

    Raises
    ------
    InputError
        If it cannot be read, has no rows, lacks a column, or a row is incomplete or repeated.
    """
    lines = (line for line in read_text(path, url).splitlines() if not line.startswith("#"))
    try:
        rows = list(csv.DictReader(lines, names, skipinitialspace=True))
    except csv.Error as error:
        raise InputError(f"{path} is not a csv table: {error}{download_again(url)}") from None
    if not rows:
        raise InputError(f"{path} has no rows{download_again(url)}")
    keys: set[str] = set()
    for number, row in enumerate(rows, 1):
        for column in columns:
            if column not in row:
                raise InputError(f"{path} has no column {column!r}; its columns are {', '.join(map(str, row))}")
            if not row[column]:
                raise InputError(f"{path}, row {number}: the column {column!r} is empty{download_again(url)}")
        if row[columns[0]] in keys:
            raise InputError(f"{path}, row {number} repeats {row[columns[0]]!r}{download_again(url)}")
        keys.add(row[columns[0]])
    return rows


def read_text(path: Path, url: str) -> str:
    """The content of a text file of a data set.

    Raises
    ------
    InputError
        If it cannot be read or is not text in UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}{download_again(url)}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not a text file in UTF-8{download_again(url)}") from None


def missing_of(
    listed: Iterable[str], found: Mapping[str, Path], folder: Path, where: str, url: str, problems: Problems
) -> frozenset[str]:
    """The files of a list that are not in a folder, which are noted.

    Parameters
    ----------
    listed : iterable of str
        Names of files within the folder.
    found : mapping
        From `sound_files`.
    folder : Path
    where : str
        Name of the list, for messages.
    url : str
        Where to download the data set, for messages.
    problems : Problems
        To which they are added.

    Raises
    ------
    InputError
        If all of them are missing, with the name of the first and what is found in its place.
    """
    names = list(listed)
    missing = [name for name in names if name not in found]
    if not missing:
        return frozenset()
    stem = os.path.splitext(missing[0])[0]
    instead = next((name for name in found if os.path.splitext(name)[0] == stem), None)
    more = f", but {instead} is there: convert it back" if instead else download_again(url)
    if len(missing) == len(names):
        raise InputError(
            f"{len(missing)} of {len(names)} recordings that {where} names are missing from {folder}, first "
            + missing[0]
            + more
        )
    for name in missing:
        problems.add(MISSING, name, f"{where} names it and it is not in {folder}{more}")
    return frozenset(missing)
