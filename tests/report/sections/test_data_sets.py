"""The sections of coherence and top activations say what the results say, and play what they show."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from otoscope import Scope
from otoscope.report import render
from otoscope.report.html import Figure, Note, Table
from otoscope.report.sections import make_sections


@pytest.fixture
def small() -> Scope:
    torch.manual_seed(0)
    return Scope(nn.Sequential(nn.Conv1d(1, 12, 9, stride=4), nn.ReLU()), 8000, name="small")


@pytest.fixture
def waves() -> list[np.ndarray]:
    return [np.random.default_rng(n).normal(0, 0.1, 2400).astype("f4") for n in range(3)]


def test_coherence(small: Scope, waves: list[np.ndarray]) -> None:
    result = small.coherence(waves)
    (section,) = make_sections({"coherence": result})
    (table,) = (item for item in section.body if isinstance(item, Table))
    assert [list(row) for row in table.rows] == [
        ["1", *(float(result[name][0]) for name in ("coherence", "low", "high")), 3]
    ]
    assert any(isinstance(item, Note) for item in section.body)
    assert "section 6.3" in section.source
    assert render("page", [section], {}).count("<img") == 2


def test_the_caution_is_about_rules_that_need_it(small: Scope, waves: list[np.ndarray]) -> None:
    (section,) = make_sections({"coherence": small.coherence(waves, rule="gradient")})
    assert not any(isinstance(item, Note) for item in section.body)


def test_top_activations(small: Scope, waves: list[np.ndarray]) -> None:
    result = small.top_activations(waves, "1", k=2)
    (section,) = make_sections({"top_activations": result})
    (table,) = (item for item in section.body if isinstance(item, Table))
    strongest = int(result["value"][:, 0].argmax("channel"))
    one = result.isel(channel=strongest, rank=0)
    first = [strongest, 1, one["clip_name"].item(), one["peak_time"].item(), one["value"].item()]
    assert list(table.rows[0]) == first and len(table.rows) == 16  # eight maps
    assert "of 3" in section.sentence


def test_top_sounds_are_pairs_that_can_be_played(small: Scope, waves: list[np.ndarray]) -> None:
    top = small.top_activations(waves, "1", k=2)
    result = small.top_sounds(waves, top, [5, 2], seconds=0.1)
    (section,) = make_sections({"top_sounds": result})
    pictures = [item for item in section.body if isinstance(item, Figure)]
    assert len(pictures) == 2 * 2 * 2
    for picture, kind in zip(pictures, ["input", "signal"] * 4, strict=True):
        assert picture.half and picture.player is not None
        assert any(
            np.array_equal(picture.player.samples, result[kind].values[map_, rank])
            for map_ in (0, 1)
            for rank in (0, 1)
        )
    assert render("page", [section], {}).count("<audio") == 8
