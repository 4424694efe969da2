"""Any csv table of sounds: a column `file`, relative to the table, and columns of labels.

A column `split` holds the part of each sound; `start` and `stop`, in s, are for pieces of files.
"""

from __future__ import annotations

import csv
import math

from otoscope.data.items import DataSet, Item, Request, Source, alphabetical_classes
from otoscope.errors import InputError


def _read(request: Request) -> DataSet:
    path, column = request.folder, request.task
    if not path.is_file():
        raise InputError(f"there is no table {path}")
    try:
        with open(path, newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.DictReader(lines))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is not a csv table in UTF-8: {error}") from None
    if not rows:
        raise InputError(f"{path} has no rows below its heading")
    delimiter = next((mark for mark in ";\t" if len(rows[0]) == 1 and mark in str(next(iter(rows[0])))), None)
    if delimiter:
        raise InputError(f"the columns of {path} are separated by {delimiter!r}: save the table with commas")
    for wanted in ("file", column):
        if wanted not in rows[0]:
            raise InputError(f"{path} has no column {wanted!r}; its columns are {', '.join(map(str, rows[0]))}")
    items = []
    for number, row in enumerate(rows, 2):
        if not row["file"] or not row[column]:
            raise InputError(f"{path}, line {number}: the file or its {column} is empty")
        file = path.parent / row["file"]
        if not file.is_file():
            raise InputError(f"{path}, line {number}: there is no file {file}")
        try:
            start, stop = (float(row[name]) if row.get(name) else None for name in ("start", "stop"))
        except ValueError:
            raise InputError(f"{path}, line {number}: start and stop have to be numbers, in s") from None
        if not 0 <= (start or 0.0) < (math.inf if stop is None else stop):
            raise InputError(f"{path}, line {number}: a piece cannot reach from {start} to {stop} s")
        facts = {name: text for name, text in row.items() if name not in ("file", "start", "stop") and text}
        items.append(Item(file, (row[column],), row.get("split") or "all", start, stop, facts))
    return DataSet(tuple(items), alphabetical_classes(items))


SOURCE = Source(
    name="csv",
    about="any csv table with the columns file and label, and optionally split, start and stop",
    licence="your own",
    url="your own recordings",
    layout=(),
    tasks={},
    splits=(),
    sample_rate=None,
    read=_read,
)
