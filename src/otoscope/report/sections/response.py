"""Response spectra of the first layer."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope import plots
from otoscope.report.html import Figure, Section
from otoscope.report.sections.parts import SWAM, blank, made


def strs(result: xr.DataArray) -> Section:
    with blank(2.2) as (picture, ax):
        plots.strs(result, ax)
    return Section(
        "Short-time response spectra (STRS)",
        "Bright where the filters of the first layer, each weighted by its response at that moment, add up: "
        "what the first layer passes on to the rest of the model, over time and frequency.",
        f"{SWAM}, eq. 1",
        made(result),
        [Figure(picture, "Short-time response spectra over time and frequency")],
    )


def crs(result: xr.DataArray) -> Section:
    with blank(1.9) as (picture, ax):
        plots.crs(result, ax)
    peak = float(result["frequency"][int(np.argmax(result.values))])
    return Section(
        "Cumulative response spectrum (CRS)",
        "The mean of the STRS over time: which frequencies the first layer emphasises in this sound.",
        f"{SWAM}, eq. 2",
        made(result),
        [Figure(picture, f"Cumulative response spectrum over frequency, highest at {peak:.0f} Hz")],
    )
