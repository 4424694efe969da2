"""Data frames on standard output: a table, or one JSON object."""

from __future__ import annotations

import json as encode
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from otoscope.cli.console import counted, out_console, print_json, print_table
from otoscope.runs.run import Run
from otoscope.tables import finite

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
    rows: list[dict[str, Any]] = encode.loads(table.to_json(orient="records", double_precision=15))
    return rows
