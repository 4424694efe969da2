"""The rows of a list of any kind: csv with any separator and encoding, JSON lines, Parquet."""

from __future__ import annotations

import codecs
import csv
import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from otoscope.errors import InputError
from otoscope.optional import needs
from otoscope.text import from_json, writable

SUFFIXES = frozenset(".csv .tsv .psv .txt .jsonl .ndjson .json .parquet .pq".split())
"""Suffixes of lists."""


class Broken(str):
    """What is said of a row whose values cannot be assigned to columns."""


Row = tuple[int, Mapping[str, Any] | Broken]
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
    rows : iterator of (int, mapping or Broken)
        The number of a line of text, or of a row.
    unit : str
        What that numbers: "line", "row" or "entry".

    Raises
    ------
    InputError
        If it is not a list of that kind, or has no rows; while rows are read, if one of them is broken.
    """
    if not path.is_file():
        raise InputError(f"there is no table {path}")
    kind = path.suffix.lower()
    if kind in (".parquet", ".pq"):
        return _parquet(path, wanted)
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
        first = next((line for line in file if line.strip()), "")
    if not first:
        raise InputError(f"{path} has no rows: it is empty")
    said = _SAID.fullmatch(first)
    above = 1 if said else 0  # a line above the heading
    mark = said[1] if said else _best_separator(path, encoding, wanted)
    columns = _heading(path, encoding, mark, above)
    if not columns:
        raise InputError(f"{path} has no rows: it is empty")
    return _once(path, columns), _csv_rows(path, encoding, mark, columns, above=above + 1), "line"


def separator_in(path: Path, wanted: Sequence[str]) -> str | None:
    """What stands between the cells of a table, as :func:`read_rows` finds it; None of JSON and Parquet.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "list.csv").write_text("file;start\\na.wav;0,5\\n")
    ...     separator_in(Path(folder, "list.csv"), ["start"])
    ';'
    """
    if path.suffix.lower() in (".parquet", ".pq", ".jsonl", ".ndjson", ".json"):
        return None
    encoding = encoding_of(path)
    with open(path, newline="", encoding=encoding) as file:
        said = _SAID.fullmatch(next((line for line in file if line.strip()), ""))
    return said[1] if said else _best_separator(path, encoding, wanted)


def _best_separator(path: Path, encoding: str, wanted: Sequence[str]) -> str:
    """That by which a heading has a wanted column, or else by which it has most columns."""

    def fit(mark: str) -> tuple[bool, int]:
        try:
            columns = _heading(path, encoding, mark)
        except InputError:  # which is said of the one that fits best
            return False, 0
        return any(name.lower() in wanted for name in columns), len(columns)

    return max(_SEPARATORS, key=fit)


def _heading(path: Path, encoding: str, mark: str, above: int = 0) -> list[str]:
    """The columns, in whose names there may be line breaks."""
    with open(path, newline="", encoding=encoding) as file:
        records = (cells for _, cells in _records(path, file, mark) if any(cells))
        return _columns(next(itertools.islice(records, above, None), []))


def _columns(cells: Sequence[str]) -> list[str]:
    return [" ".join(cell.split()) for cell in cells]


def _once(path: Path, columns: list[str]) -> list[str]:
    """The columns, each of another name: of two with one name a row would keep only the last.

    Nor may they differ in case alone, which the tables of a run do not tell apart.
    """
    first: dict[str, int] = {}
    for place, name in enumerate(columns):
        before = first.setdefault(name.lower(), place)
        if name and before < place:
            called = f"both called {name!r}" if columns[before] == name else f"called {columns[before]!r} and {name!r}"
            raise InputError(f"{path}: columns {before + 1} and {place + 1} are {called}: rename one")
    return columns


def _csv_rows(path: Path, encoding: str, mark: str, columns: list[str], above: int) -> Iterator[Row]:
    """The rows below the heading, the last of the lines above them."""
    with open(path, newline="", encoding=encoding) as file:
        records = ((line, cells) for line, cells in _records(path, file, mark) if any(cells))
        for line, cells in itertools.islice(records, above, None):
            yield line, _row(columns, cells)


def _row(columns: Sequence[str], cells: Sequence[str]) -> Mapping[str, Any] | Broken:
    """The cells by their columns; empty ones too many at the end, as spreadsheets write them, are nothing."""
    count = len(columns)
    if len(cells) < count or any(map(str.strip, cells[count:])):
        more = "; put quotes around a cell with the separator in it" if len(cells) > count else ""
        return Broken(f"it has {len(cells)} cells, and the table has {count} columns{more}")
    return dict(zip(columns, cells, strict=False))


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
    """One object a line; or all in one list, or by their names in one object. Columns are those of all of them."""
    whole = _whole(path, encoding)
    rows: Iterable[Row] = _lines(path, encoding) if whole is None else whole
    columns = dict.fromkeys(name for _, row in rows if isinstance(row, Mapping) for name in row)
    if not columns:
        raise InputError(f"{path} has no rows: it is empty")
    rows = _lines(path, encoding) if whole is None else whole
    return _once(path, list(columns)), iter(rows), "line" if whole is None else "entry"


def _lines(path: Path, encoding: str) -> Iterator[Row]:
    with open(path, encoding=encoding) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, _object(path, number, line)


def _whole(path: Path, encoding: str) -> list[Row] | None:
    """The objects of a file that is one list, or one object with all by their names; None of any other."""
    with open(path, encoding=encoding) as file:
        first = next((line for line in file if line.strip()), "").strip()
        if not first.startswith("[") and _is_row(first):
            return None
        file.seek(0)
        try:
            found = from_json(file.read(), _pairs)
        except ValueError as error:
            if first.startswith("["):
                raise InputError(f"{path} is not a list in JSON: {error}") from None
            return None  # the line is named that is not an object
    if isinstance(found, dict) and _are_objects(found.values()):
        found = [{"id": name} | entry for name, entry in found.items()]
    elif isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list) and _are_objects(value)]
        if len(lists) != 1:
            return None
        found = lists[0]
    for number, row in enumerate(found, 1):
        if not isinstance(row, dict):
            raise InputError(f"{path}: entry {number} is not a JSON object with a path and a label")
    return list(enumerate(found, 1))


def _is_row(line: str) -> bool:
    """Whether a line is a JSON object alone, which holds more than objects by their names."""
    try:
        found = from_json(line)
    except ValueError:
        return False
    return isinstance(found, dict) and not _are_objects(found.values())


def _are_objects(values: Collection[Any]) -> bool:
    return len(values) > 0 and all(isinstance(value, dict) for value in values)


def _object(path: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        row = from_json(line, _pairs)
    except ValueError as error:
        raise InputError(f"{path}, line {number}: this is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise InputError(f"{path}, line {number}: this is not a JSON object with a path and a label")
    return row


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, each of whose keys is there once."""
    pairs = [(writable(name), value) for name, value in pairs]
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is there twice: rename one")
    return found


def _parquet(path: Path, wanted: Sequence[str]) -> tuple[list[str], Iterator[Row], str]:
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
    sounds = [name for name in columns if name not in plain]
    if sounds and not any(name.lower() in wanted for name in plain):
        raise InputError(
            f"{path} has no column of paths, and its column {sounds[0]!r} holds bytes or several values: of sounds "
            "within a table of Hugging Face datasets, save it with load_dataset('parquet', ...).save_to_disk(FOLDER)"
        )
    return plain, _parquet_rows(file, plain), "row"


def _parquet_rows(file: Any, columns: list[str]) -> Iterator[Row]:
    number = 0
    for batch in file.iter_batches(batch_size=1 << 14, columns=columns):
        for row in batch.to_pylist():
            number += 1
            yield number, row
