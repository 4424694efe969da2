"""Classification by the response spectra of the first layer."""

from __future__ import annotations

import xarray as xr

from otoscope.plots.crs_classifier import crs_classifier as draw
from otoscope.report.html import Section
from otoscope.report.sections.parts import figure, section, table


def crs_classifier(result: xr.Dataset) -> Section:
    """Lay out how well the classes are recognised."""
    unit = result.attrs.get("unit", "file")
    caption = (
        "Bars are means over the folds of the cross-validation, lines their standard deviation. Below, how far the "
        "classes differ at each frequency, with 95 % intervals over clips."
    )
    alt = "Accuracy of each group, and how far the classes differ over frequency"
    return section(
        "Classes in the response spectra",
        "How well a support vector machine recognises the classes of the data by the cumulative response spectrum of "
        f"the first layer alone. No {unit} is both trained and tested on.",
        result,
        [
            figure(4.0, draw, result, alt, caption, rows=2),
            table(result, f"Classes: {result.attrs.get('classes', '')}."),
        ],
    )
