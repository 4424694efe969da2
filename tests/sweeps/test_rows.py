"""Rows in long form: what the table of a method says, each number once and in its place."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from method_examples import Example
from otoscope import Scope, tables
from otoscope.methods.catalogue import METHODS
from otoscope.methods.listing import listing
from otoscope.sweeps.known import record_of
from otoscope.sweeps.rows import Rows

pytest.importorskip("pyarrow")

OF_SOUNDS = [name for name in listing() if METHODS[name].takes == "wave"] if METHODS else []


def long(name: str, result: xr.Dataset, clips: list[int]) -> list[dict[str, Any]]:
    rows = Rows()
    rows.add(name, result, record_of(name), clips)
    return rows.table().to_pylist()


@pytest.mark.parametrize("name", ["activations", "aliasing", "crs", "relevance", "residual", "sonify", "voice"])
def test_they_say_what_the_table_of_the_method_says(name: str, example: Callable[[str], Example]) -> None:
    one = example(name)
    result = getattr(Scope(one.model), name)(*one.given, **one.arguments)
    record = record_of(name)
    found = long(name, result, [7])
    assert {row["clip"] for row in found} == {7} and {row["method"] for row in found} == {name}
    said = {(row["layer"], row["channel"], row["at"], row["variable"]): row for row in found}
    assert len(said) == len(found)
    dims = [dim for dim in record.rows.over if dim in result.dims]
    for row in tables.rows(result, record):
        for column in record.rows.columns:
            if column not in result.variables or (column in result.coords and column in ("layer", "channel")):
                continue
            own = [dim for dim in dims if dim in result[column].dims]
            keyed = {"layer": result.attrs.get("layer"), "channel": None}
            at = {}
            for dim in own:
                keys = [key for key in keyed if key in result.coords and result[key].dims == (dim,)]
                keyed |= {key: row[key] for key in keys}
                at |= {} if keys else {dim: row.get(dim)}
            layer = keyed["layer"] if isinstance(keyed["layer"], str) else None
            place = (layer, keyed["channel"], json.dumps(at) if at else None, column)
            match = said[place]
            if isinstance(row[column], str):
                assert (match["text"], match["value"]) == (row[column], None)
            elif row[column] is None or math.isnan(row[column]):
                assert match["value"] is None
            else:
                assert match["value"] == row[column]


def test_a_batch_is_its_clips_in_the_order_of_places() -> None:
    scope = Scope("vowel-name")
    waves = 0.1 * np.random.default_rng(0).standard_normal((3, 8000)).astype(np.float32)
    together, apart = Rows(), Rows()
    result = scope.activations(waves)
    together.add("activations", result, record_of("activations"), [4, 2, 9])
    for place, clip in enumerate((4, 2, 9)):
        apart.add("activations", result.isel(clip=place), record_of("activations"), [clip])
    assert together.table().equals(apart.table())
    found = together.table().to_pylist()
    order = [(row["method"], row["layer"], row["channel"], row["variable"], row["clip"]) for row in found]
    assert order == sorted(order) and len(together) == len(found) == 3 * 4 * result.sizes["map"]


def test_none_is_a_table_without_rows() -> None:
    assert Rows().table().num_rows == 0


def test_rows_that_a_method_makes_keep_layer_and_channel(example: Callable[[str], Example]) -> None:
    one = example("data_flow")
    result = Scope(one.model).data_flow(*one.given, **one.arguments)
    found = long("data_flow", result, [0])
    made = METHODS["data_flow"].rows.make(result)
    assert len(found) == sum(len(set(row) - {"layer", "channel"}) for row in made)
    first = made[0]
    (same,) = [
        row
        for row in found
        if (row["layer"], row["channel"], row["variable"]) == (first["layer"], first["channel"], "mean_activation")
    ]
    assert same["value"] == pytest.approx(first["mean_activation"])


def test_numbers_of_many_clips_and_maps_are_cheap() -> None:
    """1,200 maps of 4 numbers, 300 clips: 1.4 million rows by arrays, and no dictionary a row."""
    import time

    maps = 1200
    layers = np.repeat([f"layer{n:02d}" for n in range(12)], maps // 12)
    coords = {"layer": ("map", layers), "channel": ("map", np.tile(np.arange(maps // 12), 12))}
    rows, start = Rows(), time.process_time()
    for first in range(0, 300, 60):
        data = {
            name: (("clip", "map"), np.random.default_rng(first).random((60, maps), dtype=np.float32))
            for name in ("mean_activation", "rms", "peak", "peak_time")
        }
        rows.add("activations", xr.Dataset(data, coords), record_of("activations"), range(first, first + 60))
    assert rows.table().num_rows == 300 * maps * 4
    assert time.process_time() - start < 5
