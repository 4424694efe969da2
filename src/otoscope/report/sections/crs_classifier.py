"""Classification by the response spectra of the first layer."""

from __future__ import annotations

import xarray as xr

from otoscope.plots.crs_classifier import crs_classifier as draw
from otoscope.report.html import Figure, Section
from otoscope.report.sections.parts import blank, reads, section, table


def crs_classifier(result: xr.Dataset) -> Section:
    """Lay out how well the classes are recognised."""
    unit = result.attrs.get("unit", "file")
    caption = (
        "Bars are means over the folds of the cross-validation, lines their standard deviation. Below, how far the "
        "classes differ at each frequency, with 95 % intervals over clips."
    )
    alt = "Accuracy of each group, and how far the classes differ over frequency"
    with blank(4.0, mosaic=[["accuracy"], ["effect"]]) as (picture, axes):  # which have no axis in common
        draw(result, [axes["accuracy"], axes["effect"]])
    return section(
        "Classes in the response spectra",
        "How well a support vector machine recognises the classes of the data by the cumulative response spectrum of "
        f"the first layer alone. No {unit} is both trained and tested on." + reads(result),
        result,
        [
            Figure(picture, alt, caption),
            table(result, f"Classes: {result.attrs.get('classes', '')}."),
        ],
    )
