"""Any table of sounds, one a row: csv with any separator, JSON lines or Parquet.

A column `path` (or `file`) holds the file of each sound, relative to the table. `start` and `stop`, in s, are for
pieces of files, or `offset` and `duration`; `split` is the part; `label` is the class, or a list of classes, which may
be empty; every other column is a fact, and can be the class as well.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from otoscope.data.items import SUFFIXES, DataSet, Item, Request, Source, alphabetical_classes
from otoscope.data.packed import pack
from otoscope.data.problems import BROKEN_ROW, EMPTY, MISSING, NO_PIECE, UNLABELLED, UNREADABLE, Problems
from otoscope.data.rows import Broken, Row, read_rows
from otoscope.errors import InputError
from otoscope.text import writable

PATHS = ("path", "file", "filename")
"""Names of the column of files, in any case, the first that is there."""

_ALSO_PATHS = tuple(
    "audio_filepath audio_path audio_file wav_path wav_file file_path filepath file_name fname audio wav".split()
)
"""Names of it that others use, where one alone is there: NeMo, SpeechBrain, Hugging Face."""

_LABELS = ("label", "labels")
_SPLIT = "split"
_SPANS = (
    ("start", "stop"), ("start", "end"), ("start_time", "end_time"), ("onset", "offset"), ("begin", "end"),
)  # fmt: skip
"""Columns of where a piece begins and ends, in s."""

_LENGTHS = (("start", "duration"), ("offset", "duration"), ("start_time", "duration"), ("onset", "duration"))
"""Of where it begins, and how long it is."""


class _Columns(NamedTuple):
    """The columns of a table that are not facts: "" for one that is not there."""

    file: str
    label: str
    split: str
    start: str
    stop: str
    length: str  # instead of a stop

    @property
    def used(self) -> frozenset[str]:
        """Those whose values are not repeated as facts."""
        own = self.label if self.label.lower() in _LABELS else ""
        return frozenset(name for name in (self.file, own, self.split, self.start, self.stop, self.length) if name)


_ENDLESS = 1e9  # s, longer than any sound


def _read(request: Request) -> DataSet:
    table = request.folder
    columns, rows, unit = read_rows(table, (*PATHS, *_ALSO_PATHS))
    file = _file_column(table, columns)
    label, notes = _label_column(table, columns, request.task)
    chosen = _Columns(file, label, _first(columns, [_SPLIT]), *_span(columns))
    problems = Problems()
    reader = _Reader(table, chosen, unit, columns, problems)
    items = pack(reader.items(rows))
    if not items and problems:
        raise InputError(f"{table} has no sound that can be used: {problems.said}")
    if not items:
        raise InputError(f"{table} has no rows below its heading")
    return DataSet(items, alphabetical_classes(items), notes, multilabel=reader.several, problems=problems)


def _first(columns: Sequence[str], wanted: Sequence[str]) -> str:
    """The column, in any case, that has the first of some names; "" where none has."""
    return next((name for one in wanted for name in columns if name.lower() == one), "")


def _file_column(table: Path, columns: Sequence[str]) -> str:
    found = _first(columns, PATHS)
    others = [name for name in columns if name.lower() in _ALSO_PATHS]
    if found or len(others) == 1:
        return found or others[0]
    if others:
        raise InputError(f"{table} has the columns {', '.join(others)}: call the one that holds the sound files path")
    text = f"{table} has no column {PATHS[0]!r} or {PATHS[1]!r}; its columns are {', '.join(columns)}"
    if any(os.path.splitext(name)[1].lower() in SUFFIXES for name in columns):
        raise InputError(f"{text}: is the heading missing? The first line has to name the columns, as in path,label")
    raise InputError(f"{text}: call the one that holds the sound files path")


def _span(columns: Sequence[str]) -> tuple[str, str, str]:
    """The columns of the start of a piece, and of its stop or its length; "" where there are none."""
    for first, last in _SPANS:
        if (start := _first(columns, [first])) and (stop := _first(columns, [last])):
            return start, stop, ""
    for first, length in _LENGTHS:
        if (start := _first(columns, [first])) and (long := _first(columns, [length])):
            return start, "", long
    return _first(columns, ["start"]), _first(columns, ["stop"]), ""


def _label_column(table: Path, columns: Sequence[str], asked: str) -> tuple[str, tuple[str, ...]]:
    """The column of the classes; where there is none and none was asked for, a note on what could be one."""
    if asked:
        found = asked if asked in columns else _first(columns, [asked])
        if not found:
            raise InputError(f"{table} has no column {asked!r}; its columns are {', '.join(columns)}")
        return found, ()
    found = _first(columns, _LABELS)
    known = {_first(columns, (*PATHS, *_ALSO_PATHS)), _first(columns, [_SPLIT]), *_span(columns)}
    others = [name for name in columns if name and name not in known]
    if found or not others:
        return found, ()
    return "", (
        f"{table} has no column 'label', so the sounds have no classes: choose one of {', '.join(others)} (--by)",
    )


class _Reader:
    """From rows to items; what cannot be one is a problem."""

    def __init__(self, table: Path, chosen: _Columns, unit: str, columns: Sequence[str], problems: Problems) -> None:
        self.chosen, self.unit, self.problems = chosen, unit, problems
        self.several = False  # labels of one sound
        self._base = str(table.parent)
        self._facts = [name for name in columns if name and name not in chosen.used]
        self._seen: dict[str, str] = {}  # what is wrong with a file, for those of many pieces

    def items(self, rows: Iterator[Row]) -> Iterator[Item]:
        for number, row in rows:
            if isinstance(row, Broken):
                self.problems.add(BROKEN_ROW, f"{self.unit} {number}", row)
            elif (item := self._item(number, row)) is not None:
                yield item

    def _item(self, number: int, row: Mapping[str, Any]) -> Item | None:
        where, chosen = f"{self.unit} {number}", self.chosen
        name = _path_in(row.get(chosen.file))
        if not name:
            self.problems.add(MISSING, where, f"the column {chosen.file} is empty")
            return None
        path = os.path.join(self._base, os.path.expanduser(name))
        first, last, length = (_cell(row, column) for column in (chosen.start, chosen.stop, chosen.length))
        prefix = f"{where}: "
        if any(map(text_of, (first, last, length))):  # a file may have many pieces
            name, prefix = f"{name}, {where}", ""
        cause = self._cause(path)
        if cause:
            self.problems.add(cause, name, prefix + more_on(cause, path))
            return None
        value = _cell(row, chosen.label)
        labels = _labels(value)
        if chosen.label and not labels and not _is_none(value):
            self.problems.add(UNLABELLED, name, f"{prefix}the column {chosen.label} is empty")
            return None
        try:
            piece = _piece(first, last, length)
        except InputError as error:
            self.problems.add(NO_PIECE, name, str(error))
            return None
        self.several |= isinstance(value, (list, tuple))
        facts = {key: text for key in self._facts if (text := text_of(row.get(key)))}
        return Item(Path(path), labels, text_of(_cell(row, chosen.split)) or "all", *piece, facts)

    def _cause(self, path: str) -> str:
        if path not in self._seen:
            if len(self._seen) > 1 << 12:
                self._seen.clear()
            self._seen[path] = problem_of(path)
        return self._seen[path]


def problem_of(path: str) -> str:
    """The cause why a file cannot be read, as far as its place tells; "" where it does not."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # ValueError: a zero byte in it
        return MISSING
    if not stat.S_ISREG(found.st_mode):
        return MISSING
    if os.path.splitext(path)[1].lower() not in SUFFIXES:
        return UNREADABLE
    return "" if found.st_size else EMPTY


def more_on(cause: str, path: str) -> str:
    """What is found in place of a file that cannot be read."""
    if cause == UNREADABLE:
        return "such files cannot be read, convert them to .flac"
    if cause == EMPTY:
        return "it has no bytes"
    stem = os.path.splitext(path)[0]
    other = next((suffix for suffix in sorted(SUFFIXES) if os.path.isfile(stem + suffix)), None)
    there = f", but {os.path.basename(stem)}{other} is there: change the table" if other else ""
    return f"there is no file {path}{there}"


def text_of(value: Any) -> str:
    """A value of a table as a fact or a label; "" where it is none.

    A whole number is the same text whatever its type: a column of whole numbers becomes one of floats where a value is
    missing.

    Examples
    --------
    >>> [text_of(value) for value in (1, 1.0, 1.5, " a ", True, None, float("nan"), [1.0, 2.0])]
    ['1', '1', '1.5', 'a', 'True', '', '', '1,2']
    """
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if value is None or isinstance(value, (dict, bytes)):
        return ""
    if isinstance(value, (list, tuple)):
        return ",".join(map(text_of, value))
    if isinstance(value, (float, Decimal)) and not math.isfinite(value):
        return "" if math.isnan(value) else str(value)
    if isinstance(value, (float, Decimal)) and value == int(value):
        value = int(value)
    return writable(str(value).strip())


def _cell(row: Mapping[str, Any], column: str) -> Any:
    """The value of a column, None of one that is not there: an index that pandas wrote is called "", too."""
    return row.get(column) if column else None


def _path_in(value: Any) -> str:
    """The path in a cell; Hugging Face datasets write an object with it."""
    path = value.get("path") if isinstance(value, Mapping) else value
    return path.strip() if isinstance(path, str) else text_of(path)  # byte for byte as the file is called


def _is_none(value: Any) -> bool:
    """Whether a cell says that a sound has no label, and does not only leave it out."""
    return isinstance(value, (list, tuple)) and len(value) == 0


def _labels(value: Any) -> tuple[str, ...]:
    """The labels in a cell: several where it is a list."""
    values = value if isinstance(value, (list, tuple)) else [value]
    return tuple(dict.fromkeys(text for text in map(text_of, values) if text))


def _piece(first: Any, last: Any, length: Any) -> tuple[float | None, float | None]:
    """The start and stop of a row in s; an InputError where they are not a piece of a sound."""
    given = f"{text_of(first) or 0} to {text_of(last) or 'the end'}"
    try:
        start, stop, lasts = _number(first), _number(last), _number(length)
    except ValueError:
        given = f"{text_of(first) or 0} for {text_of(length)}" if text_of(length) else given
        raise InputError(f"start and stop have to be numbers, in s, not {given}") from None
    if start is not None and lasts is not None:
        stop = round(start + lasts, 9)  # as the sum of two decimal numbers is
        given = f"{start:g} to {stop:g}"
    if start is not None and not start >= 0:
        raise InputError(f"a piece starts at 0 s or later: {given} s is none")
    if start is not None and start >= _ENDLESS:
        raise InputError(f"no sound is so long as to have a piece from {start:g} s")
    if stop is not None and not (start or 0.0) < stop < _ENDLESS:
        raise InputError(f"a piece stops after it starts: {given} s is none")
    return start, stop


def _number(value: Any) -> float | None:
    text = text_of(value)
    return float(text.replace(",", ".")) if text else None  # a decimal comma, between other separators


SOURCE = Source(
    name="table",
    about="any table, csv, tsv, JSON lines or Parquet, with a column path, and optionally label, split, start and stop",
    licence="your own",
    url="your own recordings",
    layout=(),
    tasks={},
    splits=(),
    sample_rate=None,
    read=_read,
)
