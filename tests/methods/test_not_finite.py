"""Every method refuses weights that hold NaN: their sound would pass for silence, their answers for agreement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from otoscope import InputError, Scope
from otoscope.methods.evolution import sounds_of_checkpoints

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


SOUND = torch.randn(800, generator=torch.Generator().manual_seed(0))
SOUNDS = [(SOUND, label) for label in "0101"]


@pytest.mark.parametrize(
    "method",
    [
        lambda scope: scope.relevance(SOUND, target=0),
        lambda scope: scope.sonify(SOUND, layer="relu"),
        lambda scope: scope.residual(SOUND),
        lambda scope: scope.coherence(SOUNDS),
        lambda scope: scope.residual_study(SOUNDS),
        lambda scope: scope.layer_importance(SOUNDS, test=SOUNDS, epochs=1, seeds=1),
        lambda scope: scope.top_activations(SOUNDS, layer="relu"),
    ],
)
def test_nan_in_the_first_layer_is_refused(method: Callable[[Scope], Any]) -> None:
    with pytest.raises(InputError, match="not finite"):
        method(Scope(Spoilt("conv"), RATE))


@pytest.mark.parametrize("method", [lambda scope: scope.relevance(SOUND), lambda scope: scope.residual_study(SOUNDS)])
def test_nan_in_the_output_is_refused(method: Callable[[Scope], Any]) -> None:
    with pytest.raises(InputError, match="not finite"):
        method(Scope(Spoilt("out"), RATE))


@pytest.mark.parametrize("channels", [None, 1])
def test_the_checkpoint_that_diverged_is_named(channels: int | None) -> None:
    model, spoilt = Spoilt("out"), Spoilt("conv").state_dict()
    run = [(0, model.state_dict()), (10, spoilt)]
    with pytest.raises(InputError, match=r"not finite.* of checkpoint 10"):
        sounds_of_checkpoints(Scope(model, RATE), SOUND[None, None], run, layer="relu", channels=channels)
    assert model.conv.weight.isfinite().all()
