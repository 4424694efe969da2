"""What the maps of a layer are tuned to."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope.plots.tuning import tuning as draw
from otoscope.report.html import Section
from otoscope.report.sections.parts import figure, section


def tuning(result: xr.Dataset) -> Section:
    layer, best = result.attrs["layer"], result["best_frequency"].values
    mute = int(np.isnan(best).sum())
    caption = f"{best.size} maps{f', {mute} of which respond to no tone' if mute else ''}."
    return section(
        f"Tuning of {layer}",
        "Every row is a map, the lowest best frequency at the bottom: how strongly it responds to a tone of each "
        "frequency, in dB below its own best. Below, over all maps (median, and bands of half and four fifths of "
        "them), how their response grows with the level of noise, where the dotted line is in proportion to the "
        "sound; and how much of the modulation of noise they follow at each rate, where the dotted line is all of it.",
        result,
        [
            figure(
                5.2,
                draw,
                result,
                f"Responses of the maps of {layer} to frequency, level and modulation",
                caption,
                rows=3,
            )
        ],
    )
