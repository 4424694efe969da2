"""Whether a relevance may be believed: with what else its map goes along."""

from __future__ import annotations

import xarray as xr

from otoscope.plots.control import control as draw
from otoscope.report.html import Section
from otoscope.report.sections.parts import figure, section, table
from otoscope.trust.verdict import A_CHOICE

_SHOWN = {
    "class_name": "class",
    "control_runner_up": "r with the other class",
    "other": "other class",
    "control_random": "r with random weights",
    "control_random_low": "least",
    "control_random_high": "most",
    "share_changed": "share of weights drawn again",
    "control_sound": "r with the sound",
    "control_verdict": "verdict",
}


def control(result: xr.Dataset) -> Section:
    alt = "Maps of the relevance, of that of another class, of random weights, and of the sound"
    return section(
        "Control of the relevance",
        "How alike the map of the relevance is to that of another class, to those of networks with random weights, and "
        f"to the sound: what it shares with them is no evidence. {A_CHOICE}",
        result,
        [
            figure(3.8, draw, result, alt, "Above each map its correlation with the first.", rows=2, columns=2),
            table(result, columns=_SHOWN),
        ],
    )
