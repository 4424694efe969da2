"""The first layer on one frame of the sound."""

from __future__ import annotations

import xarray as xr

from otoscope.plots.frame_response import frame_response as draw
from otoscope.report.html import Section
from otoscope.report.sections.parts import figure, reads, section


def frame_response(result: xr.Dataset) -> Section:
    alt = "Spectrum of a frame, and the response of the first layer to it, over frequency"
    return section(
        "Response to one frame",
        f"The frame around {float(result['frame_time']):.3f} s: its own spectrum, and the sum of the spectra of the "
        "filters, each weighted by its response to the frame, both below their own peaks. The layer emphasises "
        "frequencies at which the response lies above the spectrum, and weakens those at which it lies below. Dashed, "
        "what the filters pass whatever the sound." + reads(result),
        result,
        [figure(2.3, draw, result, alt)],
    )
