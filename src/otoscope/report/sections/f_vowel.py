"""The filters of the first layer that fire most."""

from __future__ import annotations

import math

import xarray as xr

from otoscope.plots.f_vowel import f_vowel as draw
from otoscope.report.html import Section
from otoscope.report.sections.parts import figure, reads, section


def f_vowel(result: xr.Dataset) -> Section:
    firing = result["firing"].values
    taken = [number for number in firing.argsort(kind="stable")[::-1].tolist() if result["taken"].values[number]]
    named = ", ".join(f"{result['kernel'].values[number]} ({firing[number]:.0%})" for number in taken)
    peak = float(result["peak_frequency"])
    highest = "" if math.isnan(peak) else f", highest at {peak:.0f} Hz"
    return section(
        "Filters that fire most",
        "The mean response of the filters that respond most strongly in most frames, each weighted by how many "
        "frames those are. For a vowel its peaks are expected near the formants." + reads(result),
        result,
        [
            figure(
                1.9, draw, result, f"Mean response of the filters that fire most{highest}",
                f"Filters, with the share of frames: {named}." if taken else "No filter fires.",
            )
        ],
    )  # fmt: skip
