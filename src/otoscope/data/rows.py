"""The rows of a list of any kind: csv with any separator and encoding, JSON lines, Parquet."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from otoscope.errors import InputError
from otoscope.optional import needs

SUFFIXES = frozenset(".csv .tsv .psv .txt .jsonl .ndjson .json .parquet .pq".split())
"""Suffixes of lists."""

Row = tuple[int, Mapping[str, Any]]
"""The number of a row, as a message names it, and its values by column; an empty value is None or ""."""

_SEPARATORS = ",;\t|"
_SAID = re.compile(r'"?sep=([^\r\n])"?\s*', re.IGNORECASE)  # a first line that Excel reads, before the heading
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_BLOCK = 1 << 20  # bytes that are looked at together


def read_rows(path: Path, wanted: Sequence[str]) -> tuple[list[str], Iterator[Row], str]:
    """The columns and the rows of a list.

    Parameters
    ----------
    path : Path
        Its suffix says of which kind it is.
    wanted : sequence of str
        Columns of which it should have one: the separator is the one by which it does.

    Returns
    -------
    columns : list of str
    rows : iterator of (int, mapping)
        The number of a line of text, or of a row.
    unit : str
        What that numbers: "line" or "row".

    Raises
    ------
    InputError
        If it is not a list of that kind, or has no rows; while rows are read, if one of them is broken.
    """
    if not path.is_file():
        raise InputError(f"there is no table {path}")
    kind = path.suffix.lower()
    if kind in (".parquet", ".pq"):
        return _parquet(path)
    encoding = encoding_of(path)
    if kind in (".jsonl", ".ndjson", ".json"):
        return _json_lines(path, encoding)
    return _csv(path, encoding, wanted)


def encoding_of(path: Path) -> str:
    """The encoding of a text file: by its first bytes, else UTF-8 if all of it is, else Windows-1252 or Latin-1.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "list.csv").write_text("file,label\\nä.wav,ü\\n", encoding="cp1252")
    ...     encoding_of(Path(folder, "list.csv"))
    'cp1252'
    """
    with open(path, "rb") as file:
        head = file.read(4096)
        for mark, name in (
            (codecs.BOM_UTF8, "utf-8-sig"),
            (codecs.BOM_UTF16_LE, "utf-16"),
            (codecs.BOM_UTF16_BE, "utf-16"),
        ):
            if head.startswith(mark):
                return name
        zeros = [head[first::2].count(0) / max(1, len(head) // 2) for first in (0, 1)]
        if max(zeros) > 0.4:  # of text in Latin letters, every other byte
            return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
        possible = {name: codecs.getincrementaldecoder(name)() for name in ("utf-8", "cp1252")}
        file.seek(0)
        while block := file.read(_BLOCK):
            for name in list(possible):
                try:
                    possible[name].decode(block)
                except UnicodeDecodeError:
                    del possible[name]
            if not possible:
                return "latin-1"
    if "utf-8" in possible:
        try:
            possible["utf-8"].decode(b"", final=True)
        except UnicodeDecodeError:
            del possible["utf-8"]
    return next(iter(possible), "latin-1")


def _csv(path: Path, encoding: str, wanted: Sequence[str]) -> tuple[list[str], Iterator[Row], str]:
    with open(path, newline="", encoding=encoding) as file:
        lines = (line for line in file if line.strip())
        heading = next(lines, "")
        said = _SAID.fullmatch(heading)
        heading = next(lines, "") if said else heading
    if not heading:
        raise InputError(f"{path} has no rows: it is empty")
    mark = said[1] if said else _separator(heading, wanted)
    columns = _columns(next(csv.reader([heading], delimiter=mark, skipinitialspace=True)))
    return _once(path, columns), _csv_rows(path, encoding, mark, columns, above=2 if said else 1), "line"


def _separator(heading: str, wanted: Sequence[str]) -> str:
    """That by which a heading has a wanted column, or else by which it has most columns."""

    def fit(mark: str) -> tuple[bool, int]:
        columns = _columns(next(csv.reader([heading], delimiter=mark, skipinitialspace=True)))
        return any(name.lower() in wanted for name in columns), len(columns)

    return max(_SEPARATORS, key=fit)


def _columns(cells: Sequence[str]) -> list[str]:
    return [cell.strip() for cell in cells]


def _once(path: Path, columns: list[str]) -> list[str]:
    """The columns, each of another name: of two with one name a row would keep only the last."""
    for place, name in enumerate(columns):
        if name and name in columns[:place]:
            raise InputError(
                f"{path}: columns {columns.index(name) + 1} and {place + 1} are both called {name!r}: rename one"
            )
    return columns


def _csv_rows(path: Path, encoding: str, mark: str, columns: list[str], above: int) -> Iterator[Row]:
    """The rows below the heading, the last of the lines above them."""
    with open(path, newline="", encoding=encoding) as file:
        records = ((line, cells) for line, cells in _records(path, file, mark) if any(cells))
        for line, cells in itertools.islice(records, above, None):
            yield line, dict(zip(columns, cells, strict=False))


def _records(path: Path, file: Iterable[str], mark: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row, with its first line. A cell of several lines has to end with its quote."""
    lines: list[str] = []  # of one row

    def kept() -> Iterator[str]:
        for line in file:
            lines.append(line)
            yield line

    reader, first = csv.reader(kept(), delimiter=mark, skipinitialspace=True), 1
    try:
        for cells in reader:
            if len(lines) > 1 or lines[0].count('"') % 2:
                list(csv.reader(lines, delimiter=mark, skipinitialspace=True, strict=True))
            yield first, cells
            first = reader.line_num + 1
            lines.clear()
    except csv.Error as error:
        raise InputError(
            f"{path}, line {first}: "
            + (
                "a quote opens a cell here and none closes it: close it, or double the quote and put quotes around "
                "the cell"
                if any('"' in line for line in lines)
                else f"this is not a csv table: {error}"
            )
        ) from None


def _json_lines(path: Path, encoding: str) -> tuple[list[str], Iterator[Row], str]:
    first = next(_objects(path, encoding), None)
    if first is None:
        raise InputError(f"{path} has no rows: it is empty")
    return list(first[1]), _objects(path, encoding), "line"


def _objects(path: Path, encoding: str) -> Iterator[Row]:
    """The objects of a file: one a line, or all in one list."""
    with open(path, encoding=encoding) as file:
        start = file.read(1)
        while start.isspace():
            start = file.read(1)
        file.seek(0)
        if start == "[":
            yield from _listed(path, file)
            return
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, _object(path, number, line)


def _listed(path: Path, file: io.TextIOBase) -> Iterator[Row]:
    try:
        rows = json.loads(file.read(), object_pairs_hook=_pairs)
    except ValueError as error:
        raise InputError(f"{path} is not a list in JSON: {error}") from None
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InputError(f"{path}: entry {number} is not a JSON object with a path and a label")
        yield number, row


def _object(path: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line, object_pairs_hook=_pairs)
    except ValueError as error:
        raise InputError(f"{path}, line {number}: this is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise InputError(f"{path}, line {number}: this is not a JSON object with a path and a label")
    return row


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, each of whose keys is there once."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is there twice: rename one")
    return found


def _parquet(path: Path) -> tuple[list[str], Iterator[Row], str]:
    parquet = needs("pyarrow.parquet", extra="sweep", purpose=f"the table {path}")
    arrow = needs("pyarrow", extra="sweep")
    try:
        file = parquet.ParquetFile(path)
    except (arrow.ArrowException, OSError) as error:
        raise InputError(f"{path} is not a Parquet table: {str(error).splitlines()[0]}") from None
    if not file.metadata.num_rows:
        raise InputError(f"{path} has no rows")
    columns = _once(path, list(file.schema_arrow.names))
    kinds = arrow.types
    plain = [
        field.name for field in file.schema_arrow if not (kinds.is_binary(field.type) or kinds.is_struct(field.type))
    ]
    return columns, _parquet_rows(file, plain), "row"


def _parquet_rows(file: Any, columns: list[str]) -> Iterator[Row]:
    number = 0
    for batch in file.iter_batches(batch_size=1 << 14, columns=columns):
        for row in batch.to_pylist():
            number += 1
            yield number, row
