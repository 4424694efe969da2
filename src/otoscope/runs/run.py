"""A run folder as tables that DuckDB reads: any question in SQL, and the usual ones by name."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otoscope.errors import InputError
from otoscope.optional import needs

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
"""Version of the tables that are read here."""

_NO_ERRORS = "(clip BIGINT, name VARCHAR, method VARCHAR, cause VARCHAR, message VARCHAR)"
_READS = {"SELECT", "EXPLAIN"}


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
        If there is no run, it is of another version, it is not done, or DuckDB is not installed.
    """

    def __init__(self, folder: str | Path, *, partial: bool = False) -> None:
        self.folder, self.info = Path(folder), _read_info(Path(folder))
        done = len(self._parts("rows"))
        if self.kind == "sweep" and done < self.info["shards"] and not partial:
            raise InputError(
                f"{folder} is not done: {done} of {self.info['shards']} shards are there. Start the sweep again as it "
                "was, with the same --out, and it goes on; or ask for what is there with --partial"
            )
        if not done and self.kind == "sweep":
            raise InputError(f"no shard of {folder} is done yet: start the sweep again as it was")

    def __repr__(self) -> str:
        model, data = self.info["model"]["name"], self.info["data"]["given"]
        return f"<{self.kind} of {model} on {data}, {self.info['data']['count']} clips, in {self.folder}>"

    @property
    def kind(self) -> str:
        """ "sweep" or "evaluation"."""
        return str(self.info["kind"])

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
        try:
            statements = duckdb.extract_statements(query)
            if len(statements) != 1 or statements[0].type.name not in _READS:
                raise InputError("a question has to be one SELECT: nothing can be changed in a run")
            answer: pd.DataFrame = self._tables.execute(query, parameters or []).df()
        except duckdb.Error as error:
            raise InputError(f"this question cannot be answered: {_said(error, query, self.columns)}") from None
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
        tables = duckdb.connect()
        try:
            for name in ("items", "scores") if self.kind == "evaluation" else ("items",):
                tables.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({_quoted(self.folder / name)})")
            if self.kind == "sweep":
                parts = ", ".join(map(_quoted_path, self._parts("rows")))
                tables.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet([{parts}])")
            parts = ", ".join(map(_quoted_path, self._parts("errors")))
            if parts:
                tables.execute(f"CREATE VIEW errors AS SELECT * FROM read_parquet([{parts}])")
            else:
                tables.execute(f"CREATE TABLE errors {_NO_ERRORS}")
        except duckdb.Error as error:
            raise InputError(f"a table of {self.folder} is damaged or missing: {str(error).splitlines()[0]}") from None
        tables.execute(f"SET allowed_directories=[{_quoted_path(self.folder.resolve())}]")
        tables.execute("SET enable_external_access=false")
        tables.execute("SET lock_configuration=true")
        return tables

    def _parts(self, kind: str) -> list[Path]:
        """The Parquet files of rows or errors; errors of a shard that is not done are not those of it."""
        if self.kind == "evaluation":
            return [path for path in [self.folder.resolve() / f"{kind}.parquet"] if path.is_file()]
        rows = {path.name for path in (self.folder / "rows").glob("part-*.parquet")}
        parts = sorted(path.resolve() for path in (self.folder / kind).glob("part-*.parquet") if path.name in rows)
        left_out = self.folder.resolve() / kind / "left-out.parquet"  # of the list, and so of no shard
        return [*parts, *([left_out] if left_out.is_file() else [])]


def _read_info(folder: Path) -> dict[str, Any]:
    path = folder / "run.json"
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{folder} is not the folder of a run: it holds no run.json; give what otoscope sweep or otoscope evaluate "
            "wrote with --out"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    if not isinstance(info, dict) or info.get("schema") != SCHEMA or info.get("kind") not in ("sweep", "evaluation"):
        found = info.get("schema") if isinstance(info, dict) else None
        raise InputError(
            f"{folder} is a run of another version of Otoscope (schema {found}, not {SCHEMA}): open it with that "
            "version, or make it again"
        )
    return info


def _said(error: Exception, query: str, columns: dict[str, list[str]]) -> str:
    """The first line of a message of DuckDB, with the columns that there are where one is missing."""
    first = str(error).splitlines()[0]
    if "syntax error" in first and re.search(r'(?<![\w."])at\b', query):
        return f'{first}; at is a word of SQL, too: write "at" in double quotes, or rows.at'
    if "not found" not in str(error) and "does not exist" not in str(error):
        return first
    known = "; ".join(f"{table} ({', '.join(names)})" for table, names in columns.items())
    return f"{first} The tables are {known}"


def _quoted(stem: Path) -> str:
    return _quoted_path(stem.resolve().with_name(f"{stem.name}.parquet"))


def _quoted_path(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
