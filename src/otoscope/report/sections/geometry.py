"""Geometry of the weights."""

from __future__ import annotations

import xarray as xr

from otoscope import plots
from otoscope.report.html import Figure, Section, Table
from otoscope.report.sections.parts import GEOMETRY, SWAM, blank, made


def geometry(result: xr.Dataset) -> Section:
    with blank(4.6, rows=3) as (picture, axes):
        plots.geometry(result, axes)
    columns = {
        "atoms": "atoms",
        "dimension": "dimension",
        "dead": "dead",
        "A": "A",
        "B": "B",
        "beta_min": "β min (°)",
        "beta_avg": "β avg (°)",
        "beta_mse": "β mse (°)",
        "mu": "µ",
        "mu_avg": "µ avg",
        "mu_mse": "µ mse",
    }
    if "dead" in result and not result["dead"].any():
        del columns["dead"]
    shown = {name: heading for name, heading in columns.items() if name in result}
    rows = []
    for i, layer in enumerate(result["layer"].values):
        values = {name: result[name].values[i].item() for name in shown}
        if abs(values["A"]) < 1e-6 * values["B"]:
            values["A"] = 0  # a rest of rounding, which would read as a bound
        skip = ["yes" if result["skip"].values[i] else "no"] if "skip" in result else []
        rows.append([str(layer), *values.values(), *skip])
    headings = ["layer", *shown.values(), *(["skip"] if "skip" in result else [])]
    circled = " Layers with a skip connection are circled." if "yes" in (row[-1] for row in rows) else ""
    return Section(
        "Geometry of the weights",
        "How evenly the kernels of each layer spread over their space: low coherence µ and wide angles β "
        "mean that they differ, bounds A and B close together that no direction is preferred; "
        f"A = 0: the kernels do not span their space.{circled}",
        f"{GEOMETRY}; {SWAM}, section 2.2",
        made(result),
        [
            Figure(picture, "Coherence, angles and bounds of each layer"),
            Table(headings, rows, "Kernels as a dictionary of unit-norm atoms, whatever the sound."),
        ],
    )
