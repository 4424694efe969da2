"""Elements that see far places, or come in another order than time, are given no field that is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from otoscope.probe import trace, verify


class Moved(nn.Module):
    """A convolution of hop 2 and field 7, and something that moves elements about."""

    def __init__(self, move: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv, self.act, self.move = nn.Conv1d(1, 4, 7, 2), nn.Tanh(), move

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.move(torch.tanh(self.conv(x))))


X = torch.randn(1, 1, 2000, generator=torch.Generator().manual_seed(0))


def mirrored(x: Tensor) -> Tensor:
    n = x.shape[-1]
    return x @ (torch.eye(n) + torch.eye(n).flip(0)).to(x)


@pytest.mark.parametrize(
    "move",
    [
        lambda x: x + x.flip(-1),
        lambda x: torch.maximum(x, x.flip(-1)),
        lambda x: x * torch.sigmoid(x.flip(-1)),
        lambda x: torch.cat([x[:, :2], x[:, 2:].flip(-1)], 1),
        mirrored,
    ],
    ids=["sum", "maximum", "gate", "channels", "matrix"],
)
def test_a_place_and_its_mirror_image_are_no_short_field(move: Callable[[Tensor], Tensor]) -> None:
    model = Moved(move).eval()
    traced = trace(model, X, 16_000)
    tap = traced["act"]
    assert tap.whole and "changes along the clip" in tap.note
    assert not [check for check in verify(model, X, traced) if check.passed is False]
    false = replace(tap, receptive_field=66, whole=False, hop=2.0, centre=-12.0)
    checks = verify(model, X, replace(traced, taps=traced.taps | {"act": false}))
    assert [check.check for check in checks if check.passed is False] == ["field"]


def halves(x: Tensor) -> Tensor:
    return torch.cat(x.chunk(2, -1)[::-1], -1)


def within_blocks(x: Tensor) -> Tensor:
    return x[..., : x.shape[-1] // 8 * 8].unflatten(-1, (-1, 8)).mT.flatten(-2)


@pytest.mark.parametrize(
    "move",
    [
        lambda x: x.roll(-200, -1),
        lambda x: x.roll(300, -1),
        halves,
        lambda x: torch.cat([x[..., ::2], x], -1),
        within_blocks,
    ],
    ids=["roll", "roll on", "halves", "two rates in a row", "blocks"],
)
def test_elements_that_jump_have_a_field_and_no_hop(move: Callable[[Tensor], Tensor]) -> None:
    tap = trace(Moved(move).eval(), X, 16_000)["act"]
    assert tap.receptive_field == 7 and math.isnan(tap.hop) and math.isnan(tap.centre)
    assert "do not follow one another evenly" in tap.note and "backwards" not in tap.note


@pytest.mark.parametrize(
    ("move", "wraps"),
    [
        (lambda x: x.roll(3, -1), True),
        (lambda x: nn.functional.pad(x, (5, 5), mode="circular"), True),
        (lambda x: x.roll(1, 1), False),
        (lambda x: nn.functional.pad(x, (5, 5)), False),
    ],
    ids=["roll", "circular padding", "channels", "padding"],
)
def test_clips_whose_ends_are_joined_say_so(move: Callable[[Tensor], Tensor], wraps: bool) -> None:
    tap = trace(Moved(move).eval(), X, 16_000)["act"]
    assert (tap.hop, tap.receptive_field) == (2, 7)
    assert ("see the other end" in tap.note) == wraps
