"""Small tables of results that have no picture of their own on a page."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import xarray as xr

from otoscope.app.calls import call_of
from otoscope.app.numbers import plain
from otoscope.methods.catalogue import METHODS
from otoscope.tables import constants, headings, rows

_METHODS = ("voice", "autocorrelation", "frame_response", "f_vowel", "data_flow")
_MOST_ROWS = 40


def table_entries(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of each `method` its `summary`, `call` and table: `headings`, `rows`, and what all rows share (`constants`)."""
    found = ((name, results[name]) for name in _METHODS if isinstance(results.get(name), xr.Dataset))
    return [_table(name, one) for name, one in found]


def _table(name: str, found: xr.Dataset) -> dict[str, Any]:
    record = METHODS[name]
    shown = [plain({key: _json(value) for key, value in row.items()}) for row in rows(found, record)[:_MOST_ROWS]]
    same = set(constants(found, record))
    return {
        "method": name,
        "summary": " ".join((inspect.getdoc(record.function) or "").partition("\n\n")[0].split()),
        "call": call_of(found),
        "headings": {key: heading for key, heading in headings(found, record).items() if key not in same},
        "rows": [{key: value for key, value in row.items() if key not in same} for row in shown],
        "constants": {key: value for key, value in shown[0].items() if key in same} if shown else {},
    }


def _json(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
