"""Weights that hold NaN are told by every method: their sound would pass for silence, their answers for agreement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from otoscope import InputError
from otoscope.methods import (
    coherence,
    feature_evolution,
    layer_importance,
    relevance,
    residual_study,
    sonify,
    top_activations,
)
from otoscope.methods.clips import Clip

RATE = 8000


class Spoilt(nn.Module):
    """A small classifier with NaN in its first layer, or in its last."""

    def __init__(self, where: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.out = nn.Conv1d(1, 4, 20, stride=5), nn.Linear(4, 3)
        getattr(self, where).weight.data[0] = torch.nan

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.relu(self.conv(x)).mean(-1))


SOUND = torch.randn(1, 1, 800, generator=torch.Generator().manual_seed(0))
CLIPS = [Clip(str(n), SOUND, label) for n, label in enumerate("0101")]


@pytest.mark.parametrize(
    "method",
    [
        lambda model: relevance(model, SOUND, sample_rate=RATE, target=0),
        lambda model: sonify(model, SOUND, sample_rate=RATE, layer="relu"),
        lambda model: coherence(model, CLIPS, sample_rate=RATE),
        lambda model: residual_study(model, CLIPS, sample_rate=RATE),
        lambda model: layer_importance(model, CLIPS, CLIPS, sample_rate=RATE, epochs=1, seeds=1),
        lambda model: top_activations(model, CLIPS, sample_rate=RATE, layer="relu"),
    ],
)
def test_nan_in_the_first_layer_is_refused(method: Callable[[nn.Module], Any]) -> None:
    with pytest.raises(InputError, match="not finite"):
        method(Spoilt("conv"))


@pytest.mark.parametrize(
    "method",
    [
        lambda model: relevance(model, SOUND, sample_rate=RATE),
        lambda model: residual_study(model, CLIPS, sample_rate=RATE),
    ],
)
def test_nan_in_the_output_is_refused(method: Callable[[nn.Module], Any]) -> None:
    with pytest.raises(InputError, match="not finite"):
        method(Spoilt("out"))


@pytest.mark.parametrize("channel", [None, 1])
def test_the_checkpoint_that_diverged_is_named(channel: int | None) -> None:
    model, spoilt = Spoilt("out"), Spoilt("conv").state_dict()
    run = [(0, model.state_dict()), (10, spoilt)]
    with pytest.raises(InputError, match=r"not finite.* of checkpoint 10"):
        feature_evolution(model, SOUND, sample_rate=RATE, checkpoints=run, layer="relu", channel=channel)
    assert model.conv.weight.isfinite().all()
