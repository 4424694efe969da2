"""How features come to be: maps at the checkpoints of a training run."""

from __future__ import annotations

import xarray as xr

from otoscope.app.players import Player
from otoscope.plots.evolution import evolution as draw
from otoscope.plots.evolution import spread
from otoscope.report.html import Figure, Heading, Item, Note, Section
from otoscope.report.sections.parts import CAUTION, blank, section, silent

#: Shown of a result.
MOST_MAPS = 4


def evolution(result: xr.Dataset) -> Section:
    """Sonifications of the same maps along a training run."""
    rate, layer, checkpoints = int(result.attrs["sample_rate"]), result.attrs["layer"], spread(result)
    body: list[Item] = [Note(CAUTION)]
    for place, channel in enumerate(result["channel"].values.tolist()[:MOST_MAPS]):
        what = "whole layer" if channel == "layer" else f"map {channel}"
        count = len(checkpoints)
        with blank(3.4, mosaic=[list(range(count)), [count] * count]) as (picture, axes):
            draw(result, list(axes.values()), channels=channel, checkpoints=checkpoints)
        alt = f"Sonifications of {what} of {layer} at the checkpoints, and its activity"
        body += [Heading(f"{layer}, {what}"), Figure(picture, alt)]
        for one in result["sonification"].isel(channel=place):
            label = f"{what}, checkpoint {one['checkpoint'].item()}{silent(one.values)}"
            body.append(Player(label, one.values, rate))
    return section(
        "Evolution of features",
        "The same maps for the same sound at the checkpoints of a training run. Every sound is scaled to the peak of "
        "the input, so that the activity below distinguishes a faint map from a loud one; a map that dies goes silent.",
        result,
        body,
    )
