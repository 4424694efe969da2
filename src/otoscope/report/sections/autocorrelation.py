"""How periodic a sound and its relevance are."""

from __future__ import annotations

import xarray as xr

from otoscope.plots.autocorrelation import autocorrelation as draw
from otoscope.report.html import Section
from otoscope.report.sections.parts import figure, section


def autocorrelation(result: xr.Dataset) -> Section:
    return section(
        "Periodicity",
        "Autocorrelation of a short segment of the sound and of its relevance signal: peaks at the same lags mean the "
        f"same period. The segment is from {float(result['start']):.3f} to {float(result['stop']):.3f} s.",
        result,
        [figure(1.9, draw, result, "Autocorrelation of input and relevance over lag")],
    )
