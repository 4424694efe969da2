"""Short-time response spectra of the first layer."""

from __future__ import annotations

import xarray as xr

from otoscope.plots.strs import strs as draw
from otoscope.report.html import Section
from otoscope.report.sections.parts import figure, reads, section


def strs(result: xr.Dataset) -> Section:
    return section(
        "Short-time response spectra (STRS)",
        "Bright where the filters of the first layer, each weighted by its response at that moment, add up: "
        "what the first layer passes on to the rest of the model, over time and frequency." + reads(result),
        result,
        [figure(2.2, draw, result, "Short-time response spectra over time and frequency")],
    )
