"""A run folder as tables that DuckDB reads: any question in SQL, and the usual ones by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otoscope.errors import InputError
from otoscope.optional import needs
from otoscope.runs.info import fingerprint, read_info
from otoscope.runs.parts import LEFT_OUT, check_part, parts_in

if TYPE_CHECKING:
    import pandas as pd

_NO_ERRORS = "(clip BIGINT, name VARCHAR, method VARCHAR, cause VARCHAR, message VARCHAR)"
_EXPLAIN = re.compile(r"\s*EXPLAIN\b", re.IGNORECASE)
_LAST = 2**31 - 1  # the largest number of a clip
_AGAIN = "remove it and start otoscope sweep again as it was, or write the evaluation again into a new folder"
_WILD = re.compile(r"[*?\[]")  # what DuckDB takes for a pattern in the name of a file


class Run:
    """The folder of a sweep or an evaluation.

    Parameters
    ----------
    folder : str or Path
    partial : bool
        Ask a sweep that is not done as far as it is.

    Attributes
    ----------
    folder : Path
    info : dict
        What ``run.json`` says: model, data, methods with their arguments, versions.

    Raises
    ------
    InputError
        If there is no run, it is of another version, it is not done, a part of it is damaged or of another run, or
        DuckDB is not installed.
    """

    def __init__(self, folder: str | Path, *, partial: bool = False) -> None:
        self.folder, self.info = Path(folder), _info(Path(folder))
        if self.kind == "sweep" and self.done < self.info["shards"] and not partial:
            raise InputError(
                f"{folder} is not done: {self.done} of {self.info['shards']} shards are there. Start the sweep again "
                "as it was, with the same --out, and it goes on; or ask for what is there with --partial"
            )
        if self.kind == "sweep" and not self.done:
            raise InputError(f"no shard of {folder} is done yet: start the sweep again as it was")
        self._check_parts()

    def __repr__(self) -> str:
        model, data = self.info["model"]["name"], self.info["data"]["given"]
        return f"<{self.kind} of {model} on {data}, {self.info['data']['count']} clips, in {self.folder}>"

    @property
    def kind(self) -> str:
        """ "sweep" or "evaluation"."""
        return str(self.info["kind"])

    @cached_property
    def done(self) -> int:
        """How many shards of a sweep are there; of an evaluation, which is there whole, 1."""
        return len(self._parts("rows")) if self.kind == "sweep" else 1

    @property
    def name(self) -> str:
        """The model and the folder, for the headings of tables."""
        return f"{self.info['model']['name']}, {self.folder}"

    def sql(self, query: str, parameters: Sequence[Any] | None = None) -> pd.DataFrame:
        """The answer to a question in SQL.

        Parameters
        ----------
        query : str
            A SELECT on the tables ``items`` and ``errors`` and, of a sweep, ``rows``, or of an evaluation, ``scores``.
            See the columns with ``DESCRIBE rows``.
        parameters : sequence, optional
            For the question marks in it.

        Returns
        -------
        DataFrame

        Raises
        ------
        InputError
            If it is not SQL, asks for what is not there, or is more than a question: nothing is written, and no other
            file is read.
        """
        duckdb = needs("duckdb", extra="sweep", purpose="a question to a run")
        needs("pandas", extra="sweep", purpose="a question to a run")
        tables = self._tables
        try:
            if not _only_reads(query):
                raise InputError("a question has to be one SELECT: nothing can be changed in a run")
            answer: pd.DataFrame = tables.execute(query, parameters or []).df()
        except duckdb.Error as error:
            raise InputError(f"this question cannot be answered: {_said(error, query, self.columns)}") from None
        except UnicodeError as error:
            raise InputError(f"this question is not text: {error}") from None
        except (OverflowError, ValueError) as error:  # of a date before or after all that a data frame can hold
            raise InputError(f"the answer does not fit into a table: {error}; cast the column to VARCHAR") from None
        return answer

    @cached_property
    def columns(self) -> dict[str, list[str]]:
        """The columns of each table."""
        tables = ("rows", "items", "errors") if self.kind == "sweep" else ("scores", "items", "errors")
        return {name: [column for column, *_ in self._tables.execute(f"DESCRIBE {name}").fetchall()] for name in tables}

    @cached_property
    def facts(self) -> list[str]:
        """The facts of the data that the clips have."""
        fixed = ("clip", "id", "name", "label", "split", "start", "stop", "seconds")
        return [name for name in self.columns["items"] if name not in fixed]

    @cached_property
    def _tables(self) -> Any:
        """A connection that sees the tables of this run and nothing else."""
        duckdb = needs("duckdb", extra="sweep", purpose="a question to a run")
        tables, files = duckdb.connect(), self._files()
        try:
            for name, paths in files.items():
                if paths:
                    names = ", ".join(_quoted(_literal(path)) for path in paths)
                    tables.execute(
                        f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{names}], hive_partitioning=false)"
                    )
                else:
                    tables.execute(f"CREATE TABLE {name} {_NO_ERRORS}")
            _check_items(tables, self.folder / "items.parquet")
        except duckdb.Error as error:
            raise InputError(f"a table of {self.folder} is damaged or missing: {str(error).splitlines()[0]}") from None
        place, every = self.folder.resolve(), [path for paths in files.values() for path in paths]
        linked = [str(path) for path in every if place not in path.parents]
        wild = [_literal(path) for path in every if _literal(path) != str(path)]
        tables.execute(f"SET allowed_paths=[{', '.join(map(_quoted, [*linked, *wild]))}]")
        tables.execute(f"SET allowed_directories=[{_quoted(str(place))}]")
        tables.execute("SET enable_external_access=false")
        tables.execute("SET lock_configuration=true")
        return tables

    def _files(self) -> dict[str, list[Path]]:
        """The Parquet files of each table."""
        place = self.folder.resolve()
        if self.kind == "evaluation":
            files = {name: [_own(place, f"{name}.parquet")] for name in ("items", "scores", "errors")}
            return files | {"errors": [path for path in files["errors"] if path.is_file()]}
        left_out = [path for path in [_own(place, LEFT_OUT)] if path.is_file()]
        parts = {kind: [path.resolve() for path in self._parts(kind).values()] for kind in ("rows", "errors")}
        return {"items": [_own(place, "items.parquet")], "rows": parts["rows"], "errors": [*parts["errors"], *left_out]}

    def _parts(self, kind: str) -> dict[int, Path]:
        """The parts of rows or errors by their shards; errors of a shard that is not done are not those of it."""
        shards = range(self.info["shards"])
        rows = {shard: path for shard, path in parts_in(self.folder / "rows").items() if shard in shards}
        if kind == "rows":
            return rows
        return {shard: path for shard, path in parts_in(self.folder / kind).items() if shard in rows}

    def _check_parts(self) -> None:
        mark = fingerprint(self.info)
        for kind in ("rows", "errors") if self.kind == "sweep" else ():
            for shard, path in self._parts(kind).items():
                check_part(path, mark, shard)


def _check_items(tables: Any, path: Path) -> None:
    """Refuse a list of clips that does not have each of them once, by its number, and its name."""
    kinds = {column: kind for column, kind, *_ in tables.execute("DESCRIBE items").fetchall()}
    for column in ("clip", "name"):
        if column not in kinds:
            raise InputError(f"{path} is damaged: it has no column {column}; {_AGAIN}")
    if not kinds["clip"].endswith(("INT", "INTEGER")):
        raise InputError(f"{path} is damaged: its column clip is {kinds['clip']}, not whole numbers; {_AGAIN}")
    count, known, distinct, least, most = tables.execute(
        "SELECT count(*), count(clip), count(DISTINCT clip), min(clip), max(clip) FROM items"
    ).fetchone()
    if known < count:
        raise InputError(f"{path} is damaged: {count - known} of {count} clips have no number; {_AGAIN}")
    if distinct < count:
        twice = tables.execute("SELECT clip FROM items GROUP BY clip HAVING count(*) > 1 ORDER BY clip").fetchone()
        raise InputError(f"{path} is damaged: clip {twice[0]} is there more than once; {_AGAIN}")
    if count and not 0 <= least <= most <= _LAST:
        wrong = least if least < 0 else most
        raise InputError(f"{path} is damaged: {wrong} is not the number of a clip; {_AGAIN}")


def _own(place: Path, name: str) -> Path:
    """A table that no fingerprint ties to its run, and that a link could take from anywhere: it has to lie here."""
    path = place / name
    try:
        outside = place not in path.resolve().parents
    except (OSError, RuntimeError):  # a link to itself
        outside = True
    if outside:
        raise InputError(f"{path} is a link that leads out of the run: put the table itself in its place")
    return path


def _info(folder: Path) -> dict[str, Any]:
    try:
        return read_info(folder)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{folder} is not the folder of a run: it holds no run.json; give what otoscope sweep or otoscope evaluate "
            "wrote with --out"
        ) from None


def _only_reads(query: str) -> bool:
    """Whether a question is one SELECT, or how one would be answered: EXPLAIN ANALYZE would do whatever it explains."""
    duckdb = needs("duckdb", extra="sweep", purpose="a question to a run")
    statements = duckdb.extract_statements(query)
    kinds = [statement.type.name for statement in statements]
    explained = _EXPLAIN.match(query)
    if kinds == ["EXPLAIN"] and explained is not None:
        return _only_reads(query[explained.end() :])
    return kinds == ["SELECT"]


def _said(error: Exception, query: str, columns: dict[str, list[str]]) -> str:
    """The first line of a message of DuckDB, with the columns that there are where one is missing."""
    first = str(error).splitlines()[0]
    if "syntax error" in first and re.search(r'(?<![\w."])at\b', query):
        return f'{first}; at is a word of SQL, too: write "at" in double quotes, or rows.at'
    if "not found" not in str(error) and "does not exist" not in str(error):
        return first
    known = "; ".join(f"{table} ({', '.join(names)})" for table, names in columns.items())
    return f"{first} The tables are {known}"


def _literal(path: Path) -> str:
    """The name of a file in which DuckDB finds no pattern."""
    return _WILD.sub(r"[\g<0>]", str(path))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
