"""Methods on data sets let sounds go: memory does not grow with the number of sounds."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from otoscope import Scope, sounds

RATE, COUNT = 8000, 120
MOST = 32 + 2 * 16  # what a Sounds holds, and two batches


class Waves:
    """Sounds that are made when their turn comes, with a class each."""

    def __iter__(self) -> Iterator[tuple[Tensor, str]]:
        for n in range(COUNT):
            yield torch.randn(600, generator=torch.Generator().manual_seed(n)), str(n % 2)


METHODS: dict[str, Callable[[Scope], Any]] = {
    "coherence": lambda scope: scope.coherence(Waves(), nperseg=64),
    "residual_study": lambda scope: scope.residual_study(Waves(), resamples=2),
    "top_activations": lambda scope: scope.top_activations(Waves(), layer="1", k=2, n_maps=2),
    "top_activations, with sounds": lambda scope: scope.top_activations(Waves(), layer="1", k=2, sounds=True),
    "layer_importance": lambda scope: scope.layer_importance(Waves(), epochs=1, seeds=1),
}


@pytest.mark.parametrize("name", METHODS)
def test_sounds_are_let_go(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    scope = Scope(
        nn.Sequential(nn.Conv1d(1, 4, 9, stride=2), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 2)),
        RATE,
    )
    made: list[weakref.ref[Tensor]] = []
    alive: list[int] = []

    read = sounds._clip

    def recorded(*given: Any) -> sounds.Clip:
        clip = read(*given)
        made.append(weakref.ref(clip.inputs))
        alive.append(sum(one() is not None for one in made))
        return clip

    monkeypatch.setattr(sounds, "_clip", recorded)
    METHODS[name](scope)
    assert len(made) >= COUNT and max(alive) <= MOST
