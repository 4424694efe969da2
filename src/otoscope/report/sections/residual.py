"""Residual sounds."""

from __future__ import annotations

import xarray as xr

from otoscope.app.players import Player
from otoscope.plots.residual import residual as draw
from otoscope.report.html import Item, Note, Section
from otoscope.report.sections.parts import CAUTION, figure, section, silent


def residual(result: xr.Dataset) -> Section:
    """What is left of one sound without the most active map of each layer."""
    rate = int(result.attrs["sample_rate"])
    body: list[Item] = [Note(CAUTION)]
    for place, name in enumerate(result["layer"].values.tolist()):
        one = result.isel(layer=[place])
        samples = one["residual"].values[0]
        player = Player(f"Without map {int(one['channel'].item())} of {name}{silent(samples)}", samples, rate)
        body.append(figure(2.1, draw, one, f"Spectrogram of the residual of layer {name}", player=player, half=True))
    return section(
        "Residual sounds",
        "The sound minus the sonification of the most active map of each layer, which is scaled to the peak of the "
        "sound first: what the map responds to is taken out.",
        result,
        body,
    )
