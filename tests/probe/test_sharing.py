"""What is written through a view is there in its base, and in the other views of that."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from otoscope.probe import trace

BACK = 40  # elements, of hop 2


class Writing(nn.Module):
    """A convolution of hop 2 and field 7, and something that is written in place."""

    def __init__(self, write: Callable[[Tensor], Tensor], channels: int = 4) -> None:
        super().__init__()
        self.conv, self.act, self.write = nn.Conv1d(1, channels, 7, 2), nn.Tanh(), write

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.write(self.conv(x)))


def place(write: Callable[[Tensor], Tensor], channels: int = 4) -> tuple[float, int | None, float, bool]:
    tap = trace(Writing(write, channels).eval(), torch.randn(1, 1, 2000), 16_000)["act"]
    return tap.hop, tap.receptive_field, tap.centre, tap.whole


def delayed(act: Callable[[Tensor, Tensor], object]) -> Callable[[Tensor], Tensor]:
    """Add what was some elements before, through a view that `act` is given."""

    def write(y: Tensor) -> Tensor:
        z = y.clone()
        act(z, y)
        return z

    return write


def second_view(z: Tensor, y: Tensor) -> None:
    late = z[..., BACK:]
    z.narrow(-1, BACK, z.shape[-1] - BACK).add_(y[..., :-BACK])
    late.mul_(2)


@pytest.mark.parametrize(
    "act",
    [
        lambda z, y: z[..., BACK:].add_(y[..., :-BACK]),
        lambda z, y: z[..., BACK:].lerp_(y[..., :-BACK], 0.5),
        lambda z, y: z[..., BACK:].addcmul_(y[..., :-BACK], y[..., :-BACK]),
        lambda z, y: z.narrow(2, BACK, z.shape[-1] - BACK).add_(y[..., :-BACK]),
        lambda z, y: [z.select(1, i)[..., BACK:].add_(y[:, i, :-BACK]) for i in range(4)],
        lambda z, y: z.transpose(1, 2)[:, BACK:].add_(y.mT[:, :-BACK]),
        lambda z, y: z.view(4, -1)[:, BACK:].add_(y.reshape(4, -1)[:, :-BACK]),
        lambda z, y: z.data[..., BACK:].add_(y[..., :-BACK]),
        lambda z, y: torch.add(y[..., BACK:], y[..., :-BACK], out=z[..., BACK:]),
        lambda z, y: torch._foreach_add_([z[..., BACK:]], [y[..., :-BACK]]),
        second_view,
    ],
    ids="add lerp addcmul narrow select transpose view data out foreach second_view".split(),
)
def test_what_is_added_through_a_view_reaches_its_base(act: Callable[[Tensor, Tensor], object]) -> None:
    assert place(delayed(act)) == (2, 7 + 2 * BACK, 3 - BACK, False)


def lifted(y: Tensor) -> Tensor:
    z = y[..., : y.shape[-1] // 2 * 2].clone()
    z[..., 1::2].sub_(z[..., ::2])
    return z


def later(y: Tensor) -> Tensor:
    z = torch.zeros_like(y)
    z[..., :-20].copy_(y[..., 20:])
    return z


def means(y: Tensor) -> Tensor:
    out = y.new_zeros(1, 4, (y.shape[-1] - 30) // 10)
    for i in range(out.shape[-1]):
        out[..., i].copy_(y[..., 10 * i : 10 * i + 30].mean(-1))
    return out


def added(y: Tensor) -> Tensor:
    out = y.new_zeros(1, 1, (y.shape[-1] - 1) * 8 + 16)
    for i in range(y.shape[-1]):
        out[:, 0, i * 8 : i * 8 + 16].add_(y[:, :, i])
    return out


@pytest.mark.parametrize(
    ("write", "channels", "expected"),
    [
        (lifted, 4, (2, 9, 2.5, False)),
        (later, 4, (2, 7, 43, False)),
        (means, 4, (20, 65, 32, False)),
        (added, 16, (0.25, 9, 1.125, False)),
    ],
    ids=["lifting", "copy", "loop of copies", "overlap and add"],
)
def test_buffers_that_are_filled_through_views_keep_time(
    write: Callable[[Tensor], Tensor], channels: int, expected: tuple[float, int, float, bool]
) -> None:
    assert place(write, channels) == expected


def test_what_is_copied_over_is_gone() -> None:
    def write(y: Tensor) -> Tensor:
        return nn.functional.avg_pool1d(y, 31, 1, 15).copy_(y)

    assert place(write) == (2, 7, 3, False)
