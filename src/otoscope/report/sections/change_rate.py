"""How much filters change in a training run."""

from __future__ import annotations

import xarray as xr

from otoscope.plots.change_rate import change_rate as draw
from otoscope.report.html import Section
from otoscope.report.sections.parts import figure, section


def change_rate(result: xr.Dataset) -> Section:
    """How much filters change from one iteration to the next."""
    return section(
        "Change rate of filters",
        "How much the weights of each layer change in an iteration, relative to what they were. A layer whose filters "
        "hardly move is hardly trained.",
        result,
        [
            figure(
                2.6, draw, result, "Mean change rate of weights over iterations",
                "Mean over weights, which a few weights near zero can dominate.",
            ),
            figure(
                2.6, draw, result, "Change of each layer's weights over iterations",
                "Norm of the change over that of the weights.", variable="change",
            ),
        ],
    )  # fmt: skip
