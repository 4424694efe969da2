"""Kernels in time and frequency."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope import plots
from otoscope.report.html import Figure, Section
from otoscope.report.sections.parts import SWAM, blank, made


def wigner(result: xr.Dataset) -> Section:
    with blank(3.0) as (picture, ax):
        plots.wigner(result, ax)
    peaks = np.asarray(result["peak_frequency"])
    peaks = peaks[np.isfinite(peaks)]
    count, dead = result.sizes["kernel"], result.sizes["kernel"] - len(peaks)
    caption = f"{count} kernels" + (f", {dead} of them zero" if dead else "")
    if len(peaks):
        caption += f"; half of them have their peak below {np.median(peaks):.0f} Hz"
    return Section(
        "Kernels in time and frequency (Wigner-Ville)",
        "A contour for every kernel of the first layer, around where its energy is above 0.7 of its peak, over the "
        "energy of all kernels in grey: long and flat where a kernel tells frequencies apart, upright where it tells "
        "times apart, several pieces where it does neither in one place, or where two components of a "
        "kernel interfere midway.",
        f"{SWAM}, Fig. 4",
        made(result),
        [Figure(picture, f"Wigner-Ville contours of {count} kernels over time and frequency", f"{caption}.")],
    )
