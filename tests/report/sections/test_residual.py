"""The section of residual sounds plays each of them."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from otoscope import Scope
from otoscope.report.html import Figure, render
from otoscope.report.sections.residual import residual


def test_residual_sounds_can_be_played() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 6, 9, stride=3), nn.ReLU(), nn.Conv1d(6, 5, 5), nn.ReLU())
    result = Scope(model, 8000).residual(0.1 * torch.randn(1600))
    section = residual(result)
    players = [item.player for item in section.body if isinstance(item, Figure)]
    assert len(players) == 2
    for player, one in zip(players, result.residual, strict=True):
        assert player is not None and player.sample_rate == 8000
        np.testing.assert_array_equal(player.samples, one)
    assert "section 6.2" in section.source
    assert render("page", [section], {}).count("<audio") == 2
