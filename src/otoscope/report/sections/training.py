"""How a model learns: maps at the checkpoints of a run, and the change rate of filters."""

from __future__ import annotations

import xarray as xr

from otoscope import plots
from otoscope.report.html import Figure, Heading, Item, Note, Player, Section
from otoscope.report.sections.parts import CAUTION, SIMPLENET, SONIFICATION, blank, made

#: Shown of a result.
MOST_MAPS = 4


def feature_evolution(result: xr.Dataset) -> Section:
    """Sonifications of the same maps along a training."""
    rate, layer = int(result.attrs["sample_rate"]), result.attrs["layer"]
    body: list[Item] = [Note(CAUTION)]
    for channel in result["channel"].values.tolist()[:MOST_MAPS]:
        what = "whole layer" if channel == "layer" else f"map {channel}"
        picture = plots.feature_evolution(result, channel=channel)[0].figure
        body += [
            Heading(f"{layer}, {what}"),
            Figure(picture, f"Sonifications of {what} of {layer} at the checkpoints, and its activity"),
        ]
        sounds = result["sonification"].isel(channel=result["channel"].values.tolist().index(channel))
        for one in sounds:
            silent = "" if one.values.any() else " (silent)"
            body.append(Player(f"{what}, checkpoint {one['checkpoint'].item()}{silent}", one.values, rate))
    return Section(
        "Evolution of features",
        "The same maps for the same sound at the checkpoints of a training. Every sound is scaled to the peak of the "
        "input, so that the activity below tells a faint map from a loud one; a map that dies goes silent.",
        f"{SONIFICATION}, section 5.3.3",
        made(result),
        body,
    )


def change_rate(result: xr.Dataset) -> Section:
    """How much filters change from one iteration to the next."""
    with blank(2.6) as (rates, ax):
        plots.change_rate(result, ax)
    with blank(2.6) as (changes, ax):
        plots.change_rate(result, ax, variable="change")
    return Section(
        "Change rate of filters",
        "How much the weights of each layer change in an iteration, relative to what they were. A layer whose filters "
        "hardly move is hardly trained.",
        f"{SIMPLENET}, figure 4",
        made(result),
        [
            Figure(
                rates, "Mean change rate of weights over iterations", "Mean over weights, which few near zero can rule."
            ),
            Figure(
                changes,
                "Change of each layer's weights over iterations",
                "Norm of the change over that of the weights.",
            ),
        ],
    )
