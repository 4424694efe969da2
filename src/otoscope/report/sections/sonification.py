"""Feature maps as sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import xarray as xr

from otoscope import plots
from otoscope.report.html import Figure, Heading, Item, Note, Player, Section
from otoscope.report.sections.parts import CAUTION, SONIFICATION, blank, made

#: Shown of each layer, the most active ones.
MAPS_PER_LAYER = 4


def sonify(result: xr.DataArray | Mapping[str, xr.DataArray]) -> Section:
    layers = {result.attrs["layer"]: result} if isinstance(result, xr.DataArray) else result
    body: list[Item] = [Note(CAUTION)]
    for layer, one in layers.items():
        body += [Heading(f"Layer {layer}"), *_maps(layer, one)]
    return Section(
        "Sonification",
        "The most active feature maps of a layer carried back to the waveform: listen for the part of the "
        "sound that each map responds to; a triangle marks the time of its strongest activation.",
        f"{SONIFICATION}, Algorithm 1",
        made(next(iter(layers.values()))),
        body,
    )


def _maps(layer: str, result: xr.DataArray) -> Iterator[Item]:
    for channel in plots.by_activity(result)[:MAPS_PER_LAYER]:
        with blank(2.1, half=True) as (picture, ax):
            plots.sonification(result, channel, ax)
        what = "whole layer" if channel == "layer" else f"map {channel}"
        samples = result.isel(channel=result["channel"].values.tolist().index(channel)).values
        silent = "" if samples.any() else " (silent)"
        yield Figure(
            picture,
            f"Spectrogram of the sonification of {what} of layer {layer}",
            player=Player(f"{layer}, {what}{silent}", samples, int(result.attrs["sample_rate"])),
            half=True,
        )
