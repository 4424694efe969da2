"""Any table of sounds, one a row: csv with any separator, JSON lines or Parquet.

A column `path` (or `file`) holds the file of each sound, relative to the table. `start` and `stop`, in s, are for
pieces of files; `split` is the part; `label` is the class; every other column is a fact, and can be the class as well.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from otoscope.data.items import SUFFIXES, DataSet, Item, Request, Source, alphabetical_classes
from otoscope.data.packed import pack
from otoscope.data.problems import EMPTY, MISSING, NO_PIECE, UNLABELLED, UNREADABLE, Problems
from otoscope.data.rows import read_rows
from otoscope.errors import InputError

PATHS = ("path", "file", "filename")
"""Names of the column of files, in any case."""

_OTHER = frozenset({*PATHS, "start", "stop", "split"})


def _read(request: Request) -> DataSet:
    table = request.folder
    columns, rows, unit = read_rows(table, PATHS)
    file = _column(table, columns, PATHS)
    label, notes = _label_column(table, columns, request.task)
    problems = Problems()
    reader = _Reader(table, file, label, unit, columns, problems)
    items = pack(reader.items(rows))
    if not items and problems:
        raise InputError(f"{table} has no sound that can be used: {problems.said}")
    if not items:
        raise InputError(f"{table} has no rows below its heading")
    return DataSet(items, alphabetical_classes(items), notes, multilabel=reader.several, problems=problems)


def _column(table: Path, columns: Sequence[str], wanted: Sequence[str]) -> str:
    found = next((name for one in wanted for name in columns if name.lower() == one), None)
    if found is None:
        names = f"{wanted[0]!r}" + (f" or {wanted[1]!r}" if len(wanted) > 1 else "")
        raise InputError(f"{table} has no column {names}; its columns are {', '.join(columns)}")
    return found


def _label_column(table: Path, columns: Sequence[str], asked: str) -> tuple[str | None, tuple[str, ...]]:
    """The column of the classes; where there is none and none was asked for, a note on what could be one."""
    if asked in columns:
        return asked, ()
    if asked:
        return _column(table, columns, [asked]), ()
    found = next((name for name in columns if name.lower() == "label"), None)
    others = [name for name in columns if name.lower() not in _OTHER]
    if found is not None or not others:
        return found, ()
    return None, (
        f"{table} has no column 'label', so the sounds have no classes: choose one of {', '.join(others)} (--by)",
    )


class _Reader:
    """From rows to items; what cannot be one is a problem."""

    def __init__(
        self, table: Path, file: str, label: str | None, unit: str, columns: Sequence[str], problems: Problems
    ) -> None:
        self.file, self.label, self.unit, self.problems = file, label, unit, problems
        self.several = False  # labels of one sound
        self._base = str(table.parent)
        named = {name.lower(): name for name in columns}
        self._start, self._stop, self._split = (named.get(name, name) for name in ("start", "stop", "split"))
        own = {*_OTHER, *(["label"] if (label or "").lower() == "label" else [])}  # what an item says itself
        self._facts = [name for name in columns if name.lower() not in own]
        self._seen: dict[str, str] = {}  # what is wrong with a file, for those of many pieces

    def items(self, rows: Iterator[tuple[int, Mapping[str, Any]]]) -> Iterator[Item]:
        for number, row in rows:
            item = self._item(number, row)
            if item is not None:
                yield item

    def _item(self, number: int, row: Mapping[str, Any]) -> Item | None:
        where = f"{self.unit} {number}"
        name = text_of(row.get(self.file))
        if not name:
            self.problems.add(MISSING, where, f"the column {self.file} is empty")
            return None
        path = os.path.join(self._base, os.path.expanduser(name))
        first, last = row.get(self._start), row.get(self._stop)
        prefix = f"{where}: "
        if text_of(first) or text_of(last):  # a file may have many pieces
            name, prefix = f"{name}, {where}", ""
        cause = self._cause(path)
        if cause:
            self.problems.add(cause, name, prefix + more_on(cause, path))
            return None
        labels = _labels(row.get(self.label)) if self.label else ()
        if self.label and not labels:
            self.problems.add(UNLABELLED, name, f"{prefix}the column {self.label} is empty")
            return None
        try:
            piece = _piece(first, last)
        except InputError as error:
            self.problems.add(NO_PIECE, name, str(error))
            return None
        self.several |= len(labels) > 1
        facts = {key: text for key in self._facts if (text := text_of(row.get(key)))}
        return Item(Path(path), labels, text_of(row.get(self._split)) or "all", *piece, facts)

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
    return str(value).strip()


def _labels(value: Any) -> tuple[str, ...]:
    """The labels in a cell: several where it is a list."""
    values = value if isinstance(value, (list, tuple)) else [value]
    return tuple(dict.fromkeys(text for text in map(text_of, values) if text))


def _piece(first: Any, last: Any) -> tuple[float | None, float | None]:
    """The start and stop of a row in s; an InputError where they are no piece of a sound."""
    given = f"{text_of(first) or 0} to {text_of(last) or 'the end'}"
    try:
        start, stop = _number(first), _number(last)
    except ValueError:
        raise InputError(f"start and stop have to be numbers, in s, not {given}") from None
    if not 0 <= (start or 0.0) < math.inf:
        raise InputError(f"a piece starts at 0 s or later: {given} s is none")
    if stop is not None and not (start or 0.0) < stop < math.inf:
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
