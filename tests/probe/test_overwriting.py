"""Models that overwrite what an activation returned or read: as if they did not."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from probe_zoo import Written
from torch import Tensor, nn

from otoscope.probe import RULES, vjp
from otoscope.probe.layerwise import ways_back

ACTIVATIONS = {
    "relu": nn.ReLU(),
    "leaky": nn.LeakyReLU(0.2),
    "gelu": nn.GELU(),
    "silu": nn.SiLU(),
    "elu": nn.ELU(),
    "prelu": nn.PReLU(),
    "selu": nn.SELU(),
    "mish": nn.Mish(),
    "softplus": nn.Softplus(),
    "tanh": nn.Tanh(),
    "sigmoid": nn.Sigmoid(),
    "by hand": lambda h: h * torch.sigmoid(h),
    "maximum": lambda h: torch.maximum(h, torch.zeros_like(h)),
    "where": lambda h: torch.where(h > 0, h, 0.1 * h),
    "glu": lambda h: F.glu(torch.cat([h, h.flip(1)], 1), 1),
}


def on_part(y: Tensor, x: Tensor) -> Tensor:
    y[:, :2] += x[:, :2]
    return y


def on_part_apart(y: Tensor, x: Tensor) -> Tensor:
    return torch.cat([y[:, :2] + x[:, :2], y[:, 2:]], 1)


def twice(y: Tensor, x: Tensor) -> Tensor:
    y += x
    y *= 0.5
    return y


WAYS = {
    "sum": (lambda y, x: y.add_(x), lambda y, x: y + x),
    "scaled sum": (lambda y, x: y.add_(x, alpha=0.3), lambda y, x: y + 0.3 * x),
    "factor": (lambda y, x: y.mul_(0.5), lambda y, x: y * 0.5),
    "two steps": (twice, lambda y, x: (y + x) * 0.5),
    "part": (on_part, on_part_apart),
    "product": (lambda y, x: y.mul_(x), lambda y, x: y * x),
    "view": (lambda y, x: y.view(2, 4, 4, -1).add_(x.view(2, 4, 4, -1)).view_as(y), lambda y, x: y + x),
    "base of a view": (lambda y, x: (y.transpose(1, 2).add_(x.transpose(1, 2)), y)[1], lambda y, x: y + x),
}


def net(act, combine) -> nn.Module:
    torch.manual_seed(0)

    def forward(m, x):
        x = m.a(x)
        y = combine(act(m.b(x)), x)
        return m.c(F.relu(m.b(y)))

    members = {"act": act} if isinstance(act, nn.Module) else {}
    convs = {"a": nn.Conv1d(1, 4, 8, 4), "b": nn.Conv1d(4, 4, 5, padding=2), "c": nn.Conv1d(4, 2, 3)}
    return Written(forward, **convs, **members).double()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("act", ACTIVATIONS)
def test_what_an_activation_returned_may_be_overwritten(act, way, rule):
    in_place, apart = WAYS[way]
    torch.manual_seed(1)
    x = torch.randn(2, 1, 4 * 48 + 4, dtype=torch.float64)
    value, pull = vjp(net(ACTIVATIONS[act], in_place), x, rule=rule)
    expected, back = vjp(net(ACTIVATIONS[act], apart), x, rule=rule)
    torch.testing.assert_close(value, expected)
    seeds = torch.randn(3, *value.shape, dtype=value.dtype)
    assert float(back(seeds[0]).abs().sum()) > 0
    torch.testing.assert_close(pull(seeds[0]), back(seeds[0]), rtol=1e-10, atol=1e-14)
    torch.testing.assert_close(pull(seeds), back(seeds), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("rule", RULES)
def test_the_ways_back_from_many_taps_too(rule):
    x = torch.randn(2, 1, 100, dtype=torch.float64)
    in_place, apart = (net(F.relu, combine) for combine in WAYS["sum"])
    found, expected = (ways_back(model, x, ["relu", "c"], rule) for model in (in_place, apart))
    for tap, value in expected.values.items():
        torch.testing.assert_close(found.pull(tap, value), expected.pull(tap, value))
