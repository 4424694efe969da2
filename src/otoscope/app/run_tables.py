"""What a run says besides its maps: means of every other quantity, errors, and the scores of an evaluation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from otoscope.app.run_parts import rounded
from otoscope.errors import InputError
from otoscope.files import SUMMARY
from otoscope.runs import questions
from otoscope.runs.layers import in_order
from otoscope.runs.run import Run
from otoscope.text import writable

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 4_000
"""Of a table, of which the rest is left out, which is said."""

Table = dict[str, Any]


def summary_tables(run: Run) -> list[Table]:
    """The mean of every quantity over the clips, a table for each method of a sweep."""
    found = []
    for method in run.info["methods"]:
        try:
            rows = questions.summary(run, method=method)
        except InputError:  # a method without numbers for each clip
            continue
        places = [(layer != "input", in_order(str(layer or ""))) for layer in rows["layer"]]
        order = sorted(range(len(rows)), key=lambda row: (str(rows["variable"][row]), places[row]))
        found.append(table_of(rows.iloc[order].drop(columns="method"), method))
    return found


def error_table(run: Run) -> Table | None:
    """What went wrong, by cause; None where nothing did."""
    rows = questions.errors(run)
    return table_of(rows, "errors") if len(rows) else None


def table_of(rows: pd.DataFrame, name: str) -> Table:
    """A data frame as columns of plain values, without those that are empty."""
    kept = rows.iloc[:MOST_ROWS]
    columns = [
        {"name": writable(str(column)).replace("_", " "), "values": _plain(kept[column])}
        for column in kept.columns
        if kept[column].notna().any()
    ]
    return {"name": name, "columns": columns, "rows": len(kept), "of": len(rows)}


def evaluation(run: Run) -> dict[str, Any]:
    """The scores of an evaluation: its metrics, those of groups, and how often each class was taken for each other."""
    try:
        content = json.loads((run.folder / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = {}
    import pandas

    found: dict[str, Any] = {}
    for name, key in (("metrics", "rows"), ("groups", "groups")):
        rows = content.get(key) if isinstance(content, dict) else None
        if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
            found[name] = table_of(pandas.DataFrame(rows), name)
    return found | {"confusion": confusion(run), "sure": _sure(run)}


def confusion(run: Run) -> dict[str, Any] | None:
    """Counts of clips by label and answer; None where labels are several a clip, or none, or too many to be seen."""
    rows = run.sql(
        "SELECT CAST(label AS VARCHAR) AS label, CAST(answer AS VARCHAR) AS answer, count(*) AS clips FROM scores "
        "WHERE label IS NOT NULL AND answer IS NOT NULL GROUP BY ALL"
    )
    classes = [writable(str(one)) for one in run.info.get("classes") or []]
    known = {*(writable(one) for one in rows["label"]), *(writable(one) for one in rows["answer"])}
    names = [*classes, *sorted(known - {*classes})]
    if not len(rows) or not 2 <= len(names) <= 600:
        return None
    places = {name: number for number, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), int)
    for label, answer, clips in zip(rows["label"], rows["answer"], rows["clips"], strict=True):
        counts[places[writable(label)], places[writable(answer)]] = clips
    return {"classes": names, "counts": counts.ravel().tolist()}


def _sure(run: Run) -> dict[str, Any] | None:
    """How many answers were right and wrong, by their probability in tenths."""
    rows = run.sql(
        "SELECT least(CAST(floor(probability * 10) AS INTEGER), 9) AS tenth, correct, count(*) AS clips FROM scores "
        "WHERE probability IS NOT NULL AND correct IS NOT NULL GROUP BY ALL"
    )
    if not len(rows):
        return None
    found = {name: [0] * 10 for name in ("right", "wrong")}
    for tenth, correct, clips in zip(rows["tenth"], rows["correct"], rows["clips"], strict=True):
        if 0 <= int(tenth) <= 9:
            found["right" if correct else "wrong"][int(tenth)] += int(clips)
    return found


def _plain(column: Any) -> list[Any]:
    if column.dtype.kind == "f":
        return rounded(column.to_numpy(), 5)
    if column.dtype.kind == "b":
        return [bool(one) for one in column]
    if column.dtype.kind in "iu":
        return [int(one) for one in column]
    return [_one(value) for value in column]


def _one(value: Any) -> Any:
    if value is None or value != value:
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, float, np.number)):
        return rounded([float(value)], 5)[0]
    return writable(str(value))
