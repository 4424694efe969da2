"""What is left of sounds in each layer."""

from __future__ import annotations

import xarray as xr

from otoscope import plots
from otoscope.report.html import Figure, Note, Section, Table
from otoscope.report.sections.parts import CAUTION, SONIFICATION, blank, made
from otoscope.report.summary import coherence_rows


def coherence(result: xr.Dataset) -> Section:
    with blank(2.4) as (picture, ax):
        plots.coherence(result, ax)
    with blank(2.4) as (spectrum, ax):
        plots.coherence_spectrum(result, ax)
    headings = {"layer": "layer", "coherence": "mean coherence", "low": "low", "high": "high", "count": "clips"}
    rows = [[row[name] if row[name] == row[name] else None for name in headings] for row in coherence_rows(result)]
    return Section(
        "Coherence",
        "How much of a sound is left in the sonification of a layer's most active map: magnitude-squared coherence of "
        f"the two, mean over the {result.attrs.get('top', 5)} most coherent frequencies and over clips, with its 95 % "
        "confidence interval. Compare layers, or models on the same clips: short clips give high values for any two "
        "sounds.",
        f"{SONIFICATION}, section 6.3",
        made(result),
        [
            *([] if result.attrs.get("rule") == "gradient" else [Note(CAUTION)]),
            Figure(picture, "Mean coherence of each layer with its confidence interval"),
            Figure(spectrum, "Coherence over frequency and layer", "Mean over clips at each frequency."),
            Table(list(headings.values()), rows, "Coherence 0 to 1; low and high bound the 95 % interval of its mean."),
        ],
    )
