"""Data frames on standard output: a table, or one JSON object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from otoscope.cli.console import counted, out_console, print_json, print_table
from otoscope.runs.run import Run
from otoscope.tables import finite
from otoscope.text import writable

if TYPE_CHECKING:
    import pandas as pd


def print_frame(
    run: Run,
    title: str,
    table: pd.DataFrame,
    *,
    json: bool = False,
    extra: Mapping[str, pd.DataFrame] | None = None,
    question: str | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Print a data frame; as JSON with what the run is, the question, and `extra` tables by name."""
    if not json:
        empty = [name for name in table.columns if len(table) and table[name].isna().all()]
        own = not title  # the columns of a question in SQL, which are typed as they are
        shown = {
            str(name): str(name) if own else str(name).replace("_", " ") for name in table.columns if name not in empty
        }
        if len(table):
            print_table(title, _rows(table), shown)
        else:
            out_console.print(f"{title}: {counted(0, 'row')}" if title else counted(0, "row"), markup=False)
        return
    model, data = run.info["model"], run.info["data"]
    content = {"run": str(run.folder), "kind": run.kind, "model": model["name"], "model_sha256": model["sha256"]}
    content |= {"data": data["given"], "question": question, "version": run.info["versions"]["otoscope"]}
    content |= {"notes": list(notes)}
    content |= {"rows": _rows(table)} | {name: _rows(one) for name, one in (extra or {}).items()}
    print_json(finite(content))


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as plain values; what is absent is None."""
    names = [writable(str(name)) for name in table.columns]
    columns = [[_plain(value) for value in table.iloc[:, place].tolist()] for place in range(len(names))]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    """A value of a database as JSON has it: bytes as hexadecimal digits, moments as ISO 8601, other kinds as text."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if value is None or value != value:  # NaN and what pandas has for no moment are not themselves
        return None
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, (date, time)) else writable(str(value))
