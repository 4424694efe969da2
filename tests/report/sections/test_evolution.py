"""The section of evolution shows and plays each map at each checkpoint."""

from __future__ import annotations

import torch
from torch import nn

from otoscope import Scope
from otoscope.methods.evolution import sounds_of_checkpoints
from otoscope.report.html import Player, render
from otoscope.report.sections.evolution import evolution


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv1d(1, 6, 9, stride=3), nn.ReLU())


def test_maps_can_be_heard_at_each_checkpoint() -> None:
    x = 0.1 * torch.randn(1, 1, 1600, generator=torch.Generator().manual_seed(0))
    run = [(n, network(n).state_dict()) for n in (1, 2, 3)]
    result = sounds_of_checkpoints(Scope(network(0), 8000), x, run, layer="1", n_maps=2).isel(clip=0)
    section = evolution(result)
    labels = [item.label for item in section.body if isinstance(item, Player)]
    assert labels == [f"map {n}, checkpoint {step}" for n in result.channel.values for step in (1, 2, 3)]
    assert render("page", [section], {}).count("<img") == 2
