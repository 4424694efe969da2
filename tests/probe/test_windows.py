"""Windows against brute force: which samples each output changes with."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from otoscope.probe import trace
from otoscope.probe import windows as module
from otoscope.probe.support import Support
from otoscope.probe.windows import Windows, over


def brute(first: Tensor, last: Tensor, windows: Windows) -> list[tuple[float, float]]:
    """The union over each window of an axis that is not time, so that nothing goes on beyond its ends."""
    found = []
    for lo, hi in zip(windows.lo.tolist(), windows.hi.tolist(), strict=True):
        inside = [i for i in range(lo, hi + 1, windows.step) if 0 <= i < len(first)]
        found.append((min((float(first[i]) for i in inside), default=math.inf),
                      max((float(last[i]) for i in inside), default=-math.inf)))  # fmt: skip
    return found


@settings(max_examples=60, deadline=None)
@given(data=st.data(), n=st.integers(2, 12), step=st.integers(1, 3), order=st.sampled_from(["none", "up", "down"]))
def test_windows_are_unions_in_whatever_order_samples_come(data, n, step, order):
    first = torch.tensor(data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)), dtype=torch.float64)
    first = first if order == "none" else first.sort(descending=order == "down").values
    last = first + 2
    count = data.draw(st.integers(1, 5))
    lo = torch.tensor(data.draw(st.lists(st.integers(-4, n + 1), min_size=count, max_size=count)))
    many = torch.tensor(data.draw(st.lists(st.integers(0, 6), min_size=count, max_size=count)))
    windows = Windows(lo, lo + (many - 1) * step, step)
    # A longer axis beside it is the one of time.
    time = 1000.0 * torch.arange(3, dtype=torch.float64)[:, None]
    found = over(Support(time + first, time + last, (3, n)), 1, windows, (3, count))
    assert list(zip(found.first[0].tolist(), found.last[0].tolist(), strict=True)) == brute(first, last, windows)


ODD = {
    "transposed": lambda x: F.conv_transpose1d(
        x, torch.ones(1, 1, 7, dtype=x.dtype), stride=3, padding=2, output_padding=1
    ),
    "transposed, dilated": lambda x: F.conv_transpose1d(
        x, torch.ones(1, 1, 4, dtype=x.dtype), stride=3, dilation=2, padding=1
    ),
    "transposed, as dense": lambda x: F.conv_transpose1d(x, torch.ones(1, 1, 6, dtype=x.dtype), stride=4, dilation=2),
    "linear": lambda x: F.interpolate(x, scale_factor=3.0, mode="linear"),
    "linear, corners": lambda x: F.interpolate(x, size=95, mode="linear", align_corners=True),
    "nearest": lambda x: F.interpolate(x, scale_factor=2.5, mode="nearest"),
    "nearest-exact": lambda x: F.interpolate(x, size=100, mode="nearest-exact"),
    "area": lambda x: F.interpolate(x, size=21, mode="area"),
    "cubic": lambda x: F.interpolate(x[:, :, None], scale_factor=(1, 2), mode="bicubic")[:, :, 0],
    "adaptive": lambda x: F.adaptive_avg_pool1d(x, 13),
    "unfolded": lambda x: F.unfold(x[:, :, None], (1, 5), stride=(1, 2), padding=(0, 1)),
    "folded": lambda x: F.fold(x.expand(1, 4, 40), (1, 82), (1, 4), stride=(1, 2))[:, :, 0],
}


HOPS = {
    "transposed": 1 / 3,
    "transposed, dilated": 1 / 3,
    "transposed, as dense": 1 / 4,
    "linear": 1 / 3,
    "linear, corners": 39 / 94,
    "nearest": 0.4,
    "nearest-exact": 0.4,
    "area": 40 / 21,
    "cubic": 0.5,
    "adaptive": 3,  # 13 windows of 4 samples on 40
    "unfolded": 2,
    "folded": 0.5,
}


@pytest.mark.parametrize("name", ODD)
def test_every_element_sees_what_it_changes_with(name: str) -> None:
    """The widest of the elements inside is the field, and all lie in it but for what is said to be uneven."""

    class Odd(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.softplus(ODD[name](x)).sum(1, keepdim=True).relu()

    x = torch.rand(1, 1, 40, dtype=torch.float64)
    tap = trace(Odd().double(), x, 8000)["relu"]
    impulses = torch.eye(40, dtype=torch.float64)[:, None]
    changes = torch.stack([ODD[name](one[None]).sum(1)[0].abs() > 1e-12 for one in impulses])  # (sample, element)
    widths, n = [], changes.shape[1]
    for element in range(n // 4, 3 * n // 4):
        seen = changes[:, element].nonzero().flatten()
        if not len(seen):
            continue
        middle, reach = tap.centre + element * tap.hop, (tap.receptive_field - 1) / 2
        assert seen[0] >= middle - reach - tap.uneven - 1e-6
        assert seen[-1] <= middle + reach + tap.uneven + 1e-6
        widths.append(int(seen[-1] - seen[0]) + 1)
    assert max(widths) == tap.receptive_field
    assert tap.hop == pytest.approx(HOPS[name], rel=0.01 if name in ("area", "linear, corners") else 1e-9)


def test_wide_windows_take_no_memory_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    at: Any = module.at
    monkeypatch.setattr(module, "at", lambda places, samples: asked.append(places.numel()) or at(places, samples))
    model = nn.Sequential(nn.Conv1d(1, 2, 4001, padding=2000), nn.ReLU(), nn.Conv1d(2, 2, 1001, padding=500, groups=2))
    trace(model, torch.randn(1, 1, 20_000), 16_000)
    assert max(asked) <= 20_000, "an index of outputs, not of outputs times kernel"
