"""AudioSet: clips of 10 s of 527 kinds of sound, several in most.

J. Gemmeke et al., "Audio Set: An ontology and human-labeled dataset for audio events", ICASSP 2017. What is published
is lists: ``balanced_train_segments.csv`` (22,160 clips), ``unbalanced_train_segments.csv`` (2,041,789) and
``eval_segments.csv`` (20,371), rows of YouTube ID, start and end in s, and labels; and ``class_labels_indices.csv``,
the 527 classes with their names. The sound itself is on YouTube, and every copy lacks some clips.

The folder holds the tables, and the clips as downloaders leave them, already cut. They lie in a folder with the name of
the list, without ``.csv`` (or ``bal_train``, ``unbal_train``, ``eval``), beside the tables or in ``audios`` or
``audio``, also in parts (``unbalanced_train_segments_part00``) and in any subfolder. Their names begin with the ID, or
with ``Y`` and the ID, and may end in the start, or in start and end, in s or ms: ``ID.wav``, ``YID.wav``,
``ID_30.000.wav``, ``ID_30000.wav``, ``ID_30_40.wav``, ``ID_30000_40000.flac``, ``ID_000030.wav``.

Clips may also lie in tar archives, as WebDataset has them, under such names: in these folders, or in archives whose
names begin with that of the list, such as ``unbal_train000.tar``, at the same places or in ``data``. They are read from
their places in the archives; an archive beside clips adds to them.
"""

from __future__ import annotations

import csv
import os
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path

from otoscope.data.items import (
    SUFFIXES,
    UNREADABLE_SUFFIXES,
    DataSet,
    Item,
    Request,
    Source,
    download_again,
    read_table,
)
from otoscope.data.packed import Packer
from otoscope.data.problems import EMPTY, MISSING, UNREADABLE, Problems
from otoscope.data.shards import sounds_in
from otoscope.embedded import Embedded
from otoscope.errors import InputError

LISTS = {"train": "balanced_train_segments", "unbalanced": "unbalanced_train_segments", "eval": "eval_segments"}
"""The list of each part, and the folder of its clips."""

CLASSES = "class_labels_indices.csv"

_SHORT = {"train": "bal_train", "unbalanced": "unbal_train", "eval": "eval"}  # other names of the folders
_WITHIN = (".", "audios", "audio")
_WITHIN_ARCHIVES = (*_WITHIN, "data")

Segment = tuple[str, str, str, str]
"""ID, start and end in s, and labels, as a list has them."""


def _read(request: Request) -> DataSet:
    rows = read_table(request.folder / CLASSES, request.url, ("mid", "display_name"))
    names = {row["mid"]: row["display_name"] for row in rows}
    problems = Problems()
    splits = [split for split in LISTS if split in request.splits]
    packer = Packer()
    for split in splits:
        _add_part(packer, request, split, names, problems)
    return DataSet(packer.packed(), tuple(names.values()), multilabel=True, problems=problems)


def _add_part(packer: Packer, request: Request, split: str, names: dict[str, str], problems: Problems) -> None:
    table = request.folder / f"{LISTS[split]}.csv"
    segments = _segments(table, request.url)
    clips = _Clips(*places(request.folder, split), problems)
    listed = kept = 0
    for name, start, end, mids in segments:
        listed += 1
        try:
            labels = tuple([names[mid] for mid in mids.split(",")])
        except KeyError as error:
            raise InputError(f"{table}: {name} has the label {error}, which {CLASSES} does not list") from None
        found = clips.take(name, start, end)
        if found is None:
            problems.add(*(clips.broken(name, start, end) or (MISSING, name, f"{table.name} names it")))
            continue
        kept += 1
        if isinstance(found, Embedded):
            packer.append(Item(found, labels, split, facts={"id": name}))
        else:
            packer.add(found, labels, split, facts={"id": name})
    if listed and not kept:
        raise InputError(
            f"{clips.where} has none of the {listed} clips of {table.name}: name them by their ID, as ID.wav"
        )


def places(root: Path, split: str) -> tuple[list[Path], list[Path]]:
    """The folders that hold the clips of a part, and the archives that do.

    Raises
    ------
    InputError
        If there is none.
    """
    found, archives = folders(root, split), archives_beside(root, split)
    archives += [path for place in found for path in sorted(place.rglob("*.tar"))]
    if not found and not archives:
        raise InputError(f"there is no folder {root / LISTS[split]} with the clips of the split {split!r}")
    return found, archives


def archives_beside(root: Path, split: str) -> list[Path]:
    """The tar archives that are called by a part."""
    found = []
    for within in _WITHIN_ARCHIVES:
        for name in (LISTS[split], _SHORT[split]):
            found += [path for path in (root / within).glob(f"{name}*.tar") if path.is_file()]
    return sorted(found)


def folders(root: Path, split: str) -> list[Path]:
    """The folders that hold the clips of a part."""
    found = []
    for within in _WITHIN:
        for name in (LISTS[split], _SHORT[split]):
            found += sorted(path for path in (root / within).glob(f"{name}_part*") if path.is_dir())
            found += [root / within / name] if (root / within / name).is_dir() else []
    return found


def _segments(table: Path, url: str) -> Iterator[Segment]:
    try:
        file = open(table, newline="", encoding="utf-8-sig")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise InputError(f"cannot read {table}: {error.strerror}{download_again(url)}") from None
    return _rows(table, file, url)


def _rows(table: Path, file: Iterable[str], url: str) -> Iterator[Segment]:
    number = 0
    with file as lines:  # type: ignore[attr-defined]
        for cells in csv.reader((line for line in lines if not line.startswith("#")), skipinitialspace=True):
            if not cells:
                continue
            number += 1
            if len(cells) != 4 or not all(cells):
                raise InputError(
                    f"{table}, row {number}: {cells} is not an ID, a start, an end and labels{download_again(url)}"
                )
            yield cells[0], cells[1], cells[2], cells[3]
    if not number:
        raise InputError(f"{table} has no rows{download_again(url)}")


class _Clips:
    """The files of clips by their names, each given once."""

    def __init__(self, places: list[Path], archives: list[Path], problems: Problems) -> None:
        self.where = ", ".join(map(str, [*places, *archives]))
        self._archives = _Archived(archives, problems)
        self._ends: list[tuple[str, str]] = []  # folder and suffix
        self._files: dict[str, int] = {}  # a name without its suffix, and the place of its folder and suffix
        self._broken: dict[str, tuple[str, str, str]] = {}  # by the same, the cause, the file and more on it
        self._usual = 0  # the form of names that fitted last
        known: dict[tuple[str, str], int] = {}
        for path in _walk(places):
            folder, _, file = path.path.rpartition(os.sep)
            stem, suffix = os.path.splitext(file)
            kind = suffix.lower()
            if kind in UNREADABLE_SUFFIXES and not file.startswith("."):
                self._broken[stem] = (UNREADABLE, path.path, "convert it to .flac")
            if kind not in SUFFIXES or file.startswith("._"):
                continue
            if not path.stat().st_size:
                self._broken[stem] = (EMPTY, path.path, "it has no bytes")
                continue
            end = folder, suffix
            if end not in known:
                known[end] = len(self._ends)
                self._ends.append(end)
            self._files[stem] = known[end]

    def take(self, name: str, start: str, end: str) -> str | Embedded | None:
        """The file of a clip, or its place in an archive; None where there is none."""
        if self._usual < 2:  # the usual form, without the others
            stem = f"Y{name}" if self._usual else name
            found = self._files.pop(stem, None)
            if found is not None:
                folder, suffix = self._ends[found]
                return f"{folder}{os.sep}{stem}{suffix}"
        forms = _forms(name, start, end)
        for place in (min(self._usual, len(forms) - 1), *range(len(forms))):
            found = self._files.pop(forms[place], None)
            if found is not None:
                self._usual = place
                folder, suffix = self._ends[found]
                return f"{folder}{os.sep}{forms[place]}{suffix}"
        return self._archives.take(forms)

    def broken(self, name: str, start: str, end: str) -> tuple[str, str, str] | None:
        """What is wrong with the file of a clip; None where there is none."""
        return next((self._broken[form] for form in _forms(name, start, end) if form in self._broken), None)


class _Archived:
    """The clips in archives by their names, each given once; in columns, since there are millions."""

    def __init__(self, archives: list[Path], problems: Problems) -> None:
        self._archives = archives
        self._ends: list[tuple[str, str]] = []  # what comes before a name in an archive, and its suffix
        self._numbers: dict[str, int] = {}  # of a name without its suffix
        self._in, self._kinds, self._offsets, self._sizes = array("i"), array("i"), array("q"), array("q")
        known: dict[tuple[str, str], int] = {}
        for number, archive in enumerate(archives):
            for sound in sounds_in(archive, problems):
                folder, slash, file = sound.member.rpartition("/")
                stem, suffix = os.path.splitext(file)
                end = folder + slash, suffix
                if end not in known:
                    known[end] = len(self._ends)
                    self._ends.append(end)
                self._numbers[stem] = len(self._in)
                self._in.append(number)
                self._kinds.append(known[end])
                self._offsets.append(sound.offset)
                self._sizes.append(sound.size)

    def take(self, forms: Iterable[str]) -> Embedded | None:
        """Where the clip of one of these names lies; None where there is none."""
        for stem in forms if self._numbers else ():
            number = self._numbers.pop(stem, None)
            if number is not None:
                before, suffix = self._ends[self._kinds[number]]
                archive = self._archives[self._in[number]]
                return Embedded(archive, f"{before}{stem}{suffix}", self._offsets[number], self._sizes[number])
        return None


def _forms(name: str, start: str, end: str) -> tuple[str, ...]:
    """What downloaders call a clip.

    Examples
    --------
    >>> _forms("abc", "30.000", "40.000")[:5]
    ('abc', 'Yabc', 'abc_30.000', 'abc_30000', 'abc_30')
    """
    try:
        first, last = float(start), float(end)
    except ValueError:
        return name, f"Y{name}"
    times = (
        start,
        f"{1000 * first:.0f}",
        f"{first:.0f}",
        f"{first:06.0f}",
        f"{1000 * first:.0f}_{1000 * last:.0f}",
        f"{first:.0f}_{last:.0f}",
        f"{start}_{end}",
    )
    stems = name, f"Y{name}"
    return (*stems, *[f"{stem}_{time}" for stem in stems for time in times])


def _walk(places: Iterable[Path]) -> Iterator[os.DirEntry[str]]:
    """The files in some folders and their subfolders, in order of their folders."""
    for place in map(str, places):
        inner = []
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.is_dir():
                    inner.append(Path(entry.path))
                else:
                    yield entry
        yield from _walk(sorted(inner))


SOURCE = Source(
    name="audioset",
    about="AudioSet: 2 million clips of 10 s, each with some of 527 labels",
    licence="CC BY 4.0 (labels); the sound is that of YouTube's users",
    url="https://research.google.com/audioset/download.html",
    layout=(CLASSES,),
    tasks={"event": 527},
    splits=tuple(LISTS),
    sample_rate=None,
    read=_read,
    multilabel=True,
)
