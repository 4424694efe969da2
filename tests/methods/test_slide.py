"""Sounds in pieces: how many run together depends on how long they are."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from otoscope import Scope
from otoscope.contract import Contract


class Level(nn.Module):
    """Two scores of what it hears."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 2, 16, stride=16)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x).relu().mean(-1)


@pytest.mark.parametrize(("length", "together"), [(160, 16), (16_000, 16), (64_000, 4), (300_000, 1)])
def test_long_pieces_are_run_few_at_a_time(length: int, together: int) -> None:
    heard: list[int] = []
    model = Level()
    model.conv.register_forward_hook(lambda module, given, value: heard.append(len(value)))
    scope = Scope(model, 16_000, contract=Contract(sample_rate=16_000, length=length))
    wave = torch.randn(20 * length, generator=torch.Generator().manual_seed(0))
    scope.output(wave[:length])  # which tries what the model takes
    heard.clear()
    found = scope.output(wave)
    assert max(heard) == together
    heard.clear()
    assert scope.relevance(wave, rule="gradient").sizes["time"] == 20 * length
    assert max(heard) == max(together, 2)  # whether two clips meet is tried with two
    expected = model(wave.reshape(20, 1, length)).mean(0)
    torch.testing.assert_close(found[0], expected.detach(), rtol=1e-4, atol=1e-6)
