"""How active the maps of every layer are."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope.plots.activations import activations as draw
from otoscope.report.html import Section, Table
from otoscope.report.sections.parts import figure, section

_HEADINGS = ["layer", "maps", "silent", "most active map", "its rms", "its peak", "at (s)"]


def activations(result: xr.Dataset) -> Section:
    """The root mean square of every map, and the most active map of each layer."""
    layers = result["layer"].values.astype(str)
    rows = [_row(name, result.isel(map=np.flatnonzero(layers == name))) for name in dict.fromkeys(layers.tolist())]
    return section(
        "Activity of feature maps",
        "The root mean square over time of every map of every layer, a dot a map. A number above a layer counts its "
        "maps without any activity in this sound.",
        result,
        [
            figure(2.6, draw, result, "Root mean square of the activation of every map, layer by layer"),
            Table(_HEADINGS, rows, "The most active map of each layer."),
        ],
    )


def _row(name: str, maps: xr.Dataset) -> list[object]:
    best = maps.isel(map=int(maps["rms"].values.argmax()))
    time = float(best["peak_time"])
    numbers = [float(best[what]) for what in ("rms", "peak")]
    silent = int((maps["rms"] == 0).sum())
    return [name, maps.sizes["map"], silent, int(best["channel"]), *numbers, time if np.isfinite(time) else None]
