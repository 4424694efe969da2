"""Kernels in time and frequency."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope.plots.wigner import wigner as draw
from otoscope.report.html import Section
from otoscope.report.sections.parts import figure, reads, section


def wigner(result: xr.Dataset) -> Section:
    peaks = np.asarray(result["peak_frequency"])
    peaks = peaks[np.isfinite(peaks)]
    count, dead = result.sizes["kernel"], result.sizes["kernel"] - len(peaks)
    all_kernels = int(result.attrs.get("kernels_of_the_layer", count))
    caption = f"{count} kernels" + (f" of {all_kernels}, spread evenly over their frequencies" * (all_kernels > count))
    caption += f", {dead} of them zero" if dead else ""
    if len(peaks):
        caption += f"; half of them have their peak below {np.median(peaks):.0f} Hz"
    colours = (
        "Each kernel width has its own colour."
        if np.unique(result["width"].values).size > 1
        else "Colours only separate one kernel from the next."
    )
    return section(
        "Kernels in time and frequency (Wigner-Ville)",
        "A contour for every kernel of the first layer, around where its energy is above 0.7 of its peak, over the "
        "energy of all kernels in grey: long and flat where a kernel resolves frequency, upright where it resolves "
        "time; in several pieces where it does neither in one place, or where two components of a kernel interfere "
        f"midway between them. {colours}{reads(result)}",
        result,
        [figure(3.0, draw, result, f"Wigner-Ville contours of {count} kernels over time and frequency", f"{caption}.")],
    )
