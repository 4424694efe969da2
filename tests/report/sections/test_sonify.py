"""The section of sonifications shows and plays the most active maps of each layer."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope.report.html import Figure, Heading, render
from otoscope.report.sections.sonify import sonify


def sounds_of(layer: str, maps: int) -> xr.Dataset:
    rng = np.random.default_rng(0)
    sounds = rng.uniform(-1, 1, (maps, 800))
    sounds[0] = 0
    return xr.Dataset(
        {"sonification": (("channel", "time"), sounds), "activity": ("channel", np.arange(maps, dtype=float))},
        {"channel": np.arange(maps)},
        {"method": "sonify", "layer": layer, "sample_rate": 8000, "source": "a thesis"},
    )


def test_the_most_active_maps_can_be_seen_and_heard() -> None:
    result = sounds_of("conv1", 6)
    section = sonify({"conv1": result, "conv2": sounds_of("conv2", 2)})
    assert [item.text for item in section.body if isinstance(item, Heading)] == ["Layer conv1", "Layer conv2"]
    figures = [item for item in section.body if isinstance(item, Figure)]
    players = [figure.player for figure in figures if figure.player is not None]
    assert [player.label for player in players] == [
        "conv1, map 5", "conv1, map 4", "conv1, map 3", "conv1, map 2", "conv2, map 1", "conv2, map 0 (silent)",
    ]  # fmt: skip
    np.testing.assert_array_equal(players[0].samples, result.sonification[5])
    assert section.source == "a thesis"
    assert render("page", [section], {}).count("<audio") == 6


def test_a_single_layer_needs_no_name() -> None:
    section = sonify(sounds_of("conv1", 1))
    assert [item.text for item in section.body if isinstance(item, Heading)] == ["Layer conv1"]
