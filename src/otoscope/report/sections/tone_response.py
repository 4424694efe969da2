"""Which frequencies excite the maps of a layer."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope.plots.tone_response import tone_response as draw
from otoscope.report.html import Section
from otoscope.report.sections.parts import figure, section


def tone_response(result: xr.Dataset) -> Section:
    layer, best = result.attrs["layer"], result["best_frequency"].values
    mute = int(np.isnan(best).sum())
    caption = f"{best.size} maps{f', {mute} of which respond to no sine' if mute else ''}."
    return section(
        f"Response to tones of {layer}",
        "Every row is a map, the lowest best frequency at the bottom: how strongly it responds to a sine of each "
        "frequency, in dB below its own best. Below, all maps together."
        + (" Maps that respond to no sine are dark, on top." if mute else ""),
        result,
        [figure(3.6, draw, result, f"Gain of the maps of {layer} over frequency", caption, rows=2)],
    )
