"""The section of top activations says what the result says, and plays what it shows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from otoscope import Scope
from otoscope.report.html import Figure, Note, Table, render
from otoscope.report.sections.top_activations import top_activations


@pytest.fixture
def small() -> Scope:
    torch.manual_seed(0)
    return Scope(nn.Sequential(nn.Conv1d(1, 12, 9, stride=4), nn.ReLU()), 8000, name="small")


@pytest.fixture
def waves() -> list[np.ndarray]:
    return [np.random.default_rng(n).normal(0, 0.1, 2400).astype("f4") for n in range(3)]


def test_the_strongest_maps_are_listed(small: Scope, waves: list[np.ndarray]) -> None:
    result = small.top_activations(waves, layer="1", k=2)
    section = top_activations(result)
    (table,) = (item for item in section.body if isinstance(item, Table))
    strongest = int(result["activation"][:, 0].argmax("channel"))
    one = result.isel(channel=strongest, rank=0)
    assert list(table.rows[0][:3]) == [strongest, 1, one["clip_name"].item()] and len(table.rows) == 16  # eight maps
    np.testing.assert_allclose(table.rows[0][3:], [one["peak_time"], one["activation"]], rtol=1e-3)
    assert "of 3" in section.sentence and "listen" not in section.sentence
    assert not any(isinstance(item, Note) for item in section.body)


def test_sounds_are_pairs_that_can_be_played(small: Scope, waves: list[np.ndarray]) -> None:
    result = small.top_activations(waves, layer="1", k=2, channels=[5, 2], sounds=True, duration=0.1)
    section = top_activations(result)
    assert any(isinstance(item, Note) for item in section.body) and "listen" in section.sentence
    pictures = [item for item in section.body if isinstance(item, Figure) and item.player is not None]
    assert len(pictures) == 2 * 2 * 2
    for place, picture in enumerate(pictures):
        kind, rank, channel = ("input", "sonification")[place % 2], place // 2 % 2, place // 4
        assert picture.half
        np.testing.assert_array_equal(picture.player.samples, result[kind].values[channel, rank])
    assert render("page", [section], {}).count("<audio") == 8
