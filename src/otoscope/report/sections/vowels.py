"""How often F0, F1 and F2 of vowels are found in their relevance."""

from __future__ import annotations

import xarray as xr

from otoscope.plots.vowels import vowels as draw
from otoscope.report.html import Note, Section
from otoscope.report.sections.parts import CAUTION, figure, section


def vowels(result: xr.Dataset) -> Section:
    height = 2 * (0.5 + 0.17 * result.sizes["measure"] * result.sizes["group"])
    caption = f"{result.sizes['token']} vowels."
    return section(
        "F0 and formants of vowels",
        "Share of vowels whose F0, F1 and F2, measured in the relevance signal, lie within one standard deviation of "
        "their known values; below, the same measured in the sound itself, which shows how reliable the measurement "
        "is.",
        result,
        [Note(CAUTION), figure(height, draw, result, "Shares by measure, group and vowel", caption, rows=2)],
    )
