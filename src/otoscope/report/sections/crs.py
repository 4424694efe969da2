"""Cumulative response spectra of the first layer."""

from __future__ import annotations

import math

import xarray as xr

from otoscope.plots.crs import crs as draw
from otoscope.report.html import Section
from otoscope.report.sections.parts import figure, reads, section


def crs(result: xr.Dataset) -> Section:
    peak = float(result["peak_frequency"])
    highest = "nowhere above 0" if math.isnan(peak) else f"highest at {peak:.0f} Hz"
    return section(
        "Cumulative response spectrum (CRS)",
        "The mean of the STRS over time: which frequencies the first layer emphasises in this sound." + reads(result),
        result,
        [
            figure(
                1.9,
                draw,
                result,
                f"Cumulative response spectrum over frequency, {highest}",
                f"{highest[0].upper()}{highest[1:]}.",
            )
        ],
    )
