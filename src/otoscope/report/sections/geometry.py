"""Geometry of the weights."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope.plots.geometry import geometry as draw
from otoscope.report.html import Section
from otoscope.report.sections.parts import figure, section, table

_COLUMNS = {
    "layer": "layer", "atoms": "atoms", "dimension": "dimension", "dead": "dead", "A": "A", "B": "B",
    "beta_min": "β min (°)", "beta_avg": "β avg (°)", "beta_mse": "β mse (°)", "mu": "µ", "mu_avg": "µ avg",
    "mu_mse": "µ mse", "skip": "skip",
}  # fmt: skip


def geometry(result: xr.Dataset) -> Section:
    no_bound = abs(result["A"]) < 1e-6 * result["B"]  # a rest of rounding, which would read as a bound
    skip = result["skip"].copy(data=np.where(result["skip"], "yes", "no"))
    shown = result.assign(A=result["A"].where(~no_bound, 0), skip=skip)
    columns = {name: heading for name, heading in _COLUMNS.items() if name != "dead" or result["dead"].any()}
    circled = " Layers with a skip connection are circled." if result["skip"].any() else ""
    return section(
        "Geometry of the weights",
        "How evenly the kernels of each layer spread over their space: low coherence µ and wide angles β mean that "
        "they differ; bounds A and B close together mean that no direction is preferred; A = 0 means that the kernels "
        f"do not span their space.{circled}",
        result,
        [
            figure(4.6, draw, result, "Coherence, angles and bounds of each layer", rows=3),
            table(shown, "Kernels as unit-norm atoms.", columns),
        ],
    )
