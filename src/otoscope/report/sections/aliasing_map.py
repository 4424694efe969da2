"""Where downsampling puts which frequency."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope.plots.aliasing_map import aliasing_map as draw
from otoscope.plots.aliasing_map import left_out, legible_steps, sines_for
from otoscope.report.html import Figure, Note, Section
from otoscope.report.sections.aliasing import skipped_note
from otoscope.report.sections.parts import blank, section


def aliasing_map(result: xr.Dataset) -> Section:
    shown = legible_steps(result)
    with blank(1.6 + 1.6 * len(shown), rows=1 + len(shown)) as (picture, axes):
        draw(result, np.ravel(axes), steps=shown)
    left, more = left_out(result, shown), sines_for(result, shown)
    way_out = f" More sines, frequencies={more[1]}, show {more[0]}." if more else ""
    notes = [
        Note(
            f"Not drawn: {left}. The sweep is too coarse for their folds, in which harmonics are then speckle, or they "
            f"have the rate of another step.{way_out}"
        )
    ]
    return section(
        "Aliasing over input frequency",
        "Sines of every frequency were played to the model. A column is what a step made of one of them: bright "
        "where its output has energy, dark where the sine does not pass. The zigzag is where sampling at the new rate "
        "has to put the sine; brightness elsewhere is the work of activations and max pooling, which add harmonics. "
        "Above, how much of each sine passes.",
        result,
        [
            Figure(picture, "Gain, and output frequency over input frequency, at downsampling steps"),
            *(notes if left else []),
            *skipped_note(result),
        ],
    )
