"""The layers on a page: a row for each tap in call order, what its kernels are like, and what it folds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import xarray as xr

from otoscope.app.numbers import number, plain
from otoscope.probe import Tap, Trace


def tap_rows(taps: Trace, silent: Mapping[str, int], stored: Collection[str]) -> list[dict[str, Any]]:
    """A row for each tap; `silent` maps of those that have a time axis, and whether its maps are `stored`."""
    return [_row(tap, silent.get(tap.name), tap.name in stored) for tap in taps.values()]


def _row(tap: Tap, silent: int | None, stored: bool) -> dict[str, Any]:
    timed = tap.time_axis is not None and tap.hop > 0
    row: dict[str, Any] = {
        "name": tap.name,
        "kind": tap.kind,
        "op": tap.op,
        "channels": tap.channels,
        **{name: max(getattr(tap, name), default=None) for name in ("kernel", "stride", "dilation")},
        "hop": number(tap.hop) if timed else None,
        "receptive_field": tap.receptive_field,
        "rate": number(tap.rate) if timed else None,
        "whole": bool(tap.whole),
    }
    more = {"note": tap.remarks or None, "silent": silent, "stored": stored or None}
    return row | {name: value for name, value in more.items() if value is not None}


def geometry_rows(found: xr.Dataset, taps: Trace) -> list[dict[str, Any]]:
    """A row for each layer with kernels, with the names of its taps."""
    named = {layer.name: [tap.name for tap in layer.taps] for layer in taps.layers}
    of_layers = [name for name, one in found.data_vars.items() if one.dims == ("layer",)]
    rows = []
    for place, layer in enumerate(found["layer"].values):
        values = {str(name): found[name][place].item() for name in of_layers}
        rows.append({"layer": str(layer), **plain(values), "taps": named.get(str(layer), [str(layer)])})
    return rows


def aliasing_rows(found: xr.Dataset) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """A row for each step that folds, and which others shorten the sound in a way of which that cannot be said."""
    of_steps = [str(name) for name, one in found.variables.items() if one.dims == ("step",)]
    rows = [
        plain({name: found[name][place].item() for name in of_steps}) | {"step": str(step)}
        for place, step in enumerate(found["step"].values)
    ]
    skipped = str(found["skipped"].item()) if "skipped" in found else "nothing"
    parts = [one.partition(": ") for one in skipped.split("; ")] if skipped != "nothing" else []
    return rows, [{"step": step, "reason": reason} for step, _, reason in parts]
