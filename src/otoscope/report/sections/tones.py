"""Which frequencies excite the maps of a layer."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope import plots
from otoscope.report.html import Figure, Section
from otoscope.report.sections.parts import blank, made


def tone_response(result: xr.Dataset) -> Section:
    with blank(3.6, rows=2) as (picture, axes):
        plots.tone_response(result, axes)
    best = result["best_frequency"].values
    mute = int(np.isnan(best).sum())
    return Section(
        f"Response to tones of {result.attrs['layer']}",
        "Every row is a map, the lowest best frequency at the bottom: how strongly it answers to a sine of each "
        "frequency, in dB below its own best. Below, all maps together. Maps that answer to no sine are dark, on top.",
        "",
        made(result),
        [
            Figure(
                picture,
                f"Gain of the maps of {result.attrs['layer']} over frequency",
                f"{best.size} maps, {mute} of which answer to no sine.",
            )
        ],
    )
