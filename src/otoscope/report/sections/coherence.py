"""What is left of sounds in each layer."""

from __future__ import annotations

import json

import xarray as xr

from otoscope.plots.coherence import coherence as draw
from otoscope.plots.coherence import coherence_spectrum
from otoscope.report.html import Note, Section
from otoscope.report.sections.parts import CAUTION, figure, section, table


def coherence(result: xr.Dataset) -> Section:
    count = json.loads(result.attrs.get("arguments", "{}")).get("n_frequencies", 5)
    headings = {"layer": "layer", "coherence": "mean coherence", "ci_low": "from", "ci_high": "to", "clips": "clips"}
    return section(
        "Coherence",
        "How much of a sound is left in the sonification of a layer's most active map: magnitude-squared coherence of "
        f"the two, mean over the {count} most coherent frequencies and over clips, with "
        "its 95 % confidence interval. Compare layers, or models on the same clips: short clips give high values for "
        "any two sounds.",
        result,
        [
            *([] if result.attrs.get("rule") == "gradient" else [Note(CAUTION)]),
            figure(2.4, draw, result, "Mean coherence of each layer with its confidence interval"),
            figure(
                2.4, coherence_spectrum, result, "Coherence over frequency and layer", "Mean over clips, by frequency."
            ),
            table(result, "Coherence, 0 to 1; from and to bound the 95 % interval of its mean.", headings),
        ],
    )
