"""Any csv table of sounds: a column `file`, relative to the table, and columns of labels.

A column `split` tells the part of each sound, and `start` and `stop`, in s, which piece of its file it is.
"""

from __future__ import annotations

import csv
import math

from otoscope.data.items import Asked, DataSet, Item, Source, by_alphabet
from otoscope.errors import InputError


def _read(asked: Asked) -> DataSet:
    path, column = asked.folder, asked.task
    if not path.is_file():
        raise InputError(f"no such table: {path}")
    try:
        with open(path, newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.DictReader(lines))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is no csv table in UTF-8: {error}") from None
    if not rows:
        raise InputError(f"{path} has no rows below its heading")
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
            raise InputError(f"{path}, line {number}: there is no piece from {start} to {stop} s")
        facts = {name: text for name, text in row.items() if name not in ("file", "start", "stop") and text}
        items.append(Item(file, (row[column],), row.get("split") or "all", start, stop, facts))
    return DataSet(tuple(items), by_alphabet(items))


SOURCE = Source(
    name="csv",
    about="any csv table with the columns file and label, and split, start and stop if you like",
    licence="your own",
    url="your own recordings",
    layout=(),
    tasks={},
    splits=(),
    sample_rate=None,
    read=_read,
)
