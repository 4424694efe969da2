"""What a study has found: the rows of its steps, table by table, and their arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.studies.store import Kept


@dataclass(frozen=True)
class Found:
    """The rows that claims, tables and figures are made from.

    Parameters
    ----------
    tables : mapping of str to list of Kept
        What is kept of the steps of each table, in the order of the plan.
    quick : bool
        Whether it was a quick run.

    Examples
    --------
    >>> from pathlib import Path
    >>> rows = [{"model": name, "seed": seed, "mu": seed / 10} for name in "ab" for seed in (1, 2)]
    >>> found = Found({"geometry": [Kept(Path(), "", "", rows)]})
    >>> found.values("geometry", "mu", model="b").tolist()
    [0.1, 0.2]
    """

    tables: Mapping[str, list[Kept]]
    quick: bool = False

    def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        """The rows of a table in which columns have these values; of a tuple, one of them."""
        return [row for kept in self.tables.get(table, ()) for row in kept.rows if _fits(row, where)]

    def values(self, table: str, column: str, **where: Any) -> np.ndarray:
        """A column of these rows as numbers, (row,); NaN where a row has none.

        Raises
        ------
        InputError
            If the table has no such column.
        """
        found = self.rows(table, **where)
        if found and not any(column in row for row in found):
            raise InputError(f"the table {table!r} has no column {column!r}: it has {', '.join(found[0])}")
        return np.array([_number(row.get(column)) for row in found], dtype=float)

    def one(self, table: str, column: str, **where: Any) -> Any:
        """The value of the only row.

        Raises
        ------
        InputError
            If there is not exactly one.
        """
        found = self.rows(table, **where)
        if len(found) != 1:
            raise InputError(f"the table {table!r} has {len(found)} rows with {where}, and not one")
        return found[0][column]

    def distinct(self, table: str, column: str, **where: Any) -> list[Any]:
        """The values of a column, each once, in the order of the rows."""
        return list(dict.fromkeys(row[column] for row in self.rows(table, **where) if column in row))

    def results(self, table: str, name: str) -> Iterator[xr.Dataset]:
        """The arrays of this name of all steps of a table."""
        return (kept.result(name) for kept in self.tables.get(table, ()) if name in kept.results)


def _fits(row: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    return all(
        row.get(column) in value if isinstance(value, tuple) else row.get(column) == value
        for column, value in where.items()
    )


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
