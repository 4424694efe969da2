"""Results as rows, as one JSON object and as a table: all from the record of the method."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from otoscope.methods.catalogue import Record


def rows(result: xr.Dataset, record: Record) -> list[dict[str, Any]]:
    """One row for each place along the dimensions of the record's rows, and for each clip of a batch.

    Parameters
    ----------
    result : Dataset
        What the method returned.
    record : Record

    Returns
    -------
    list of dict
        Of plain numbers and text.
    """
    if record.rows.make is not None:
        return record.rows.make(result)
    dims, columns = _dims(result, record), _columns(result, record)
    cells = {name: (result[name].dims, result[name].values) for name in columns}
    places = itertools.product(*(range(result.sizes[dim]) for dim in dims))
    return [_row(cells, dict(zip(dims, place, strict=True))) for place in places]


def beside(result: xr.Dataset, record: Record) -> dict[str, Record]:
    """The further tables of a result, by the dimension that each is over, as records that have them as their rows."""
    return {
        further.over[-1]: replace(record, rows=further)
        for further in record.rows.beside
        if further.over[-1] in result.dims and any(name in result.variables for name in further.columns)
    }


def top_rows(result: xr.Dataset, record: Record) -> list[dict[str, Any]]:
    """Of each layer at each place along the last dimension the rows of the largest values, none of which is 0 or NaN.

    Parameters
    ----------
    result : Dataset
        What the method returned.
    record : Record
        Whose rows say how many.

    Returns
    -------
    list of dict
        In the order of the places and layers.
    """
    place, value = record.rows.over[-1], record.rows.columns[-1]
    order = {name: number for number, name in enumerate(result[place].values.tolist())}
    groups: dict[tuple[Any, Any], list[dict[str, Any]]] = {}
    for row in sorted(rows(result, record), key=lambda row: order[row[place]]):
        own = groups.setdefault((row[place], row["layer"]), [])
        if row[value] and math.isfinite(row[value]):
            own.append(row)
    largest = (sorted(own, key=lambda row: -row[value])[: record.rows.top] for own in groups.values())
    return list(itertools.chain.from_iterable(largest))


def constants(result: xr.Dataset, record: Record) -> list[str]:
    """The columns that are the same in every row."""
    dims = _dims(result, record)
    alone = [name for name in _columns(result, record) if not set(dims) & set(result[name].dims)]
    return alone if dims and record.rows.make is None else []


def headings(result: xr.Dataset, record: Record) -> dict[str, str]:
    """The heading of each column, with its unit."""
    if record.rows.make is not None:
        return {name: name.replace("_", " ") for name in next(iter(rows(result, record)), {})}
    return {name: _heading(result, name) for name in _columns(result, record)}


def envelope(result: xr.Dataset, record: Record) -> dict[str, Any]:
    """What ``--json`` prints of any method.

    Returns
    -------
    dict
        `method`, `source`, `model`, `model_sha256`, `subject` (what the model takes and answers), `audio` and
        `audio_sha256` (None without a sound), `arguments`, `version`, `notes` (what was done to the sound, and what
        else a reader should know), and the `rows` of the result; where it has further tables, their rows, such as
        `by_label`.
    """
    further = {f"by_{dim}": rows(result, own) for dim, own in beside(result, record).items()}
    content: dict[str, Any] = finite(
        {**provenance(result), "notes": notes(result), "rows": rows(result, record), **further}
    )
    return content


def comparison_envelope(result: xr.Dataset) -> dict[str, Any]:
    """What ``otoscope compare --json`` prints: as :func:`envelope`, with pairs, notes, shares in bands and more."""
    content: dict[str, Any] = {**provenance(result), "rows": comparison_rows(result), "pairs": comparison_pairs(result)}
    content |= {"notes": str(result.attrs["notes"]).splitlines(), "missing": json.loads(result.attrs["missing"])}
    if "share" in result:
        content |= {"band": result["band"].values.tolist(), "input_share": result["input_share"].values.tolist()}
        content["share"] = dict(zip(result["model"].values.tolist(), result["share"].values.tolist(), strict=True))
    content = finite(content)
    return content


def notes(result: xr.Dataset) -> list[str]:
    """What was done to the sound, and what else a reader should know, such as that weights are random."""
    return [note for note in str(result.attrs.get("note", "")).split("; ") if note]


def rule_line(result: xr.Dataset) -> str | None:
    """What a rule did not govern on the way to the waveform, in a line; None where there is nothing to say."""
    attrs = result.attrs
    governed, others = (str(attrs.get(name, "")) for name in ("governed", "not_governed"))
    if governed == "linear" and not others:
        return f"rule {attrs['rule']}: the way to the waveform is linear, so that this is the plain gradient"
    if not others:
        return None
    names = others.split(", ")
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    count = len(governed.split(", ")) if governed else 0
    return f"rule {attrs['rule']}: governs {count} of {count + len(names)} non-linearities, not {shown}"


def provenance(result: xr.Dataset) -> dict[str, Any]:
    """What made a result."""
    attrs = result.attrs
    facts = {name: attrs.get(name) for name in ("method", "source", "model", "model_sha256", "audio", "audio_sha256")}
    signed = {name: json.loads(attrs[name]) for name in ("subject", "arguments")}
    return {**facts, **signed, "version": attrs["otoscope_version"]}


def comparison_rows(result: xr.Dataset) -> list[dict[str, Any]]:
    """Of :func:`otoscope.compare`, one row a model: all that it has one value of for each."""
    of_models = [name for name, one in result.data_vars.items() if one.dims == ("model",)]
    return [
        {"model": str(one["model"].item())} | {str(name): one[name].item() for name in of_models}
        for one in (result.isel(model=i) for i in range(result.sizes["model"]))
    ]


def comparison_pairs(result: xr.Dataset) -> list[dict[str, Any]]:
    """Of :func:`otoscope.compare`, one row a pair of models: how alike they are."""
    of_pairs = [name for name, one in result.data_vars.items() if one.dims == ("model", "other")]
    return [
        {"model": str(result["model"][i].item()), "other": str(result["model"][j].item())}
        | {str(name): float(result[name][i, j]) for name in of_pairs}
        for i, j in itertools.combinations(range(result.sizes["model"]), 2)
    ]


def finite(content: Any) -> Any:
    """JSON has no NaN: what is not a finite number becomes None."""
    if isinstance(content, dict):
        return {key: finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _dims(result: xr.Dataset, record: Record) -> list[str]:
    over = record.rows.over if record.takes != "wave" else ("clip", *record.rows.over)
    return [dim for dim in over if dim in result.dims]


def _columns(result: xr.Dataset, record: Record) -> list[str]:
    named = dict.fromkeys((*(dim for dim in _dims(result, record) if dim in result.coords), *record.rows.columns))
    return [name for name in named if name in result.variables]


def _row(cells: dict[str, tuple[tuple[Any, ...], np.ndarray]], place: dict[str, int]) -> dict[str, Any]:
    """The cells at a place, by arrays: labelled ones take a hundred times as long to read one by one."""
    row = {}
    for name, (dims, values) in cells.items():
        value = values[tuple(place.get(dim, slice(None)) for dim in dims)]
        row[name] = value.item() if isinstance(value, (np.ndarray, np.generic)) else value
    return row


def _heading(result: xr.Dataset, name: str) -> str:
    if name == "class_name" and "score" in result:  # an energy, a similarity, a unit: no class
        return "target"
    units = result[name].attrs.get("units", "1")
    return name.replace("_", " ") + ("" if units == "1" else f" ({units})")
