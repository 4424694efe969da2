"""Relevance and F-ratios in sub-bands."""

from __future__ import annotations

import xarray as xr

from otoscope.plots.subband_emphasis import subband_emphasis as draw
from otoscope.report.html import Note, Section
from otoscope.report.sections.parts import CAUTION, figure, section


def subband_emphasis(result: xr.Dataset) -> Section:
    """Lay out the emphasis of sub-bands."""
    by_class = "f_ratio" in result
    emphasis = (
        "How much relevance the model's answers have in each band of frequency, over that in the mean band, and in "
        "grey the same of the sound itself"
    )
    below = "; below, how far the classes of the data differ there" if by_class else ""
    caption = ""
    if by_class:
        of_input = float(result["input_correlation"])
        caption = f"Between the sound itself and the F-ratio the rank correlation is {of_input:.2f}."
    alt = "Relevance in sub-bands" + (", and the F-ratio of the classes in the same bands" if by_class else "")
    return section(
        "Emphasis of sub-bands",
        f"{'Above, h' if by_class else 'H'}{emphasis[1:]}{below}. Shaded are 95 % intervals over clips.",
        result,
        [Note(CAUTION), figure(3.6 if by_class else 2.2, draw, result, alt, caption, rows=2 if by_class else 1)],
    )
