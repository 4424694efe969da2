"""Feature maps as sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import xarray as xr

from otoscope.app.players import Player
from otoscope.plots.sonify import by_activity
from otoscope.plots.sonify import sonify as draw
from otoscope.report.html import Heading, Item, Note, Section
from otoscope.report.sections.parts import CAUTION, figure, section, silent
from otoscope.tables import rule_line

#: Shown of each layer, the most active ones.
MAPS_PER_LAYER = 4


def sonify(result: xr.Dataset | Mapping[str, xr.Dataset]) -> Section:
    layers = {result.attrs["layer"]: result} if isinstance(result, xr.Dataset) else result
    body: list[Item] = [Note(CAUTION)]
    for layer, one in layers.items():
        body.append(Heading(f"Layer {layer}"))
        if line := rule_line(one):
            body.append(Note(f"{line[0].upper()}{line[1:]}."))
        body += _maps(layer, one)
    return section(
        "Sonification",
        "The most active feature maps of a layer carried back to the waveform: listen for the part of the "
        "sound that each map responds to; a triangle marks the time of its strongest activation.",
        layers.values(),
        body,
    )


def _maps(layer: str, result: xr.Dataset) -> Iterator[Item]:
    for channel in by_activity(result)[:MAPS_PER_LAYER]:
        what = "whole layer" if channel == "layer" else f"map {channel}"
        samples = result["sonification"].isel(channel=result["channel"].values.tolist().index(channel)).values
        player = Player(f"{layer}, {what}{silent(samples)}", samples, int(result.attrs["sample_rate"]))
        alt = f"Spectrogram of the sonification of {what} of layer {layer}"
        yield figure(2.1, draw, result, alt, player=player, half=True, channels=channel)
