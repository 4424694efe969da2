"""Which calls are convolutions, activations and poolings, however they are written."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from probe_zoo import Written
from torch import nn

from otoscope.probe import trace

X = torch.randn(1, 4, 40)


def only_tap(forward):
    (tap,) = trace(Written(lambda m, x: forward(x)), X, 1.0).values()
    return tap


@pytest.mark.parametrize(
    "forward",
    [
        F.relu,
        nn.ReLU(),
        nn.ReLU(inplace=True),
        torch.relu,
        torch.relu_,
        lambda x: F.relu(input=x),
        lambda x: torch.relu(input=x),
        lambda x: x.relu(),
        lambda x: x.relu_(),
        lambda x: F.relu(x, True),
        lambda x: x.clamp(min=0),
        lambda x: x.clamp(0),
        lambda x: x.clamp_(min=0),
        lambda x: x.clamp_min(0.0),
        lambda x: torch.clamp(x, 0, None),
        lambda x: torch.clip(x, min=0),
    ],
)
def test_a_rectifier_is_a_rectifier_in_any_spelling(forward):
    tap = only_tap(forward)
    assert (tap.kind, tap.op) == ("activation", "relu")


@pytest.mark.parametrize(
    "forward", [lambda x: x.clamp(min=1), lambda x: x.clamp(-1, 1), lambda x: x.clamp(max=0), lambda x: x.square()]
)
def test_other_clamps_are_no_activations(forward):
    trace_of = trace(Written(lambda m, x: F.relu(forward(x))), X, 1.0)
    assert [tap.op for tap in trace_of.values()] == ["relu"]


@pytest.mark.parametrize(
    ("forward", "op"),
    [
        (F.elu, "elu"),
        (F.elu_, "elu"),
        (nn.CELU(), "celu"),
        (nn.SELU(inplace=True), "selu"),
        (nn.GELU(), "gelu"),
        (F.silu, "silu"),
        (nn.Mish(), "mish"),
        (nn.LeakyReLU(0.1), "leaky_relu"),
        (F.leaky_relu_, "leaky_relu"),
        (nn.PReLU().requires_grad_(False), "prelu"),
        (nn.RReLU().eval(), "rrelu"),
        (nn.ReLU6(), "hardtanh"),
        (F.relu6, "relu6"),
        (nn.Hardtanh(), "hardtanh"),
        (nn.Hardswish(), "hardswish"),
        (nn.Softplus(), "softplus"),
        (torch.tanh, "tanh"),
        (nn.Tanh(), "tanh"),
        (lambda x: x.tanh_(), "tanh"),
        (nn.Tanhshrink(), "tanhshrink"),
        (nn.Softshrink(), "softshrink"),
        (nn.Hardshrink(), "hardshrink"),
        (nn.Threshold(0.1, 0.0), "threshold"),
        (nn.Sigmoid(), "sigmoid"),
        (lambda x: x.sigmoid(), "sigmoid"),
        (nn.Hardsigmoid(), "hardsigmoid"),
        (nn.LogSigmoid(), "log_sigmoid"),
        (nn.GLU(dim=1), "glu"),
    ],
)
def test_activations(forward, op):
    tap = only_tap(forward)
    assert (tap.kind, tap.op, tap.kernel) == ("activation", op, ())


@pytest.mark.parametrize(
    ("forward", "op", "kernel", "stride"),
    [
        (nn.MaxPool1d(3), "max_pool1d", (3,), (3,)),
        (lambda x: F.max_pool1d(x, 3, 2), "max_pool1d", (3,), (2,)),
        (lambda x: F.max_pool1d(x, kernel_size=3, stride=1), "max_pool1d", (3,), (1,)),
        (lambda x: torch.max_pool1d(x, [3]), "max_pool1d", (3,), (3,)),
        (lambda x: F.max_pool1d(x, 3, return_indices=True)[0], "max_pool1d", (3,), (3,)),
        (lambda x: F.avg_pool1d(x, 4, 2), "avg_pool1d", (4,), (2,)),
        (nn.AvgPool1d(4), "avg_pool1d", (4,), (4,)),
        (lambda x: F.avg_pool2d(x, (1, 4)), "avg_pool2d", (1, 4), (1, 4)),
        (lambda x: F.max_pool2d(x, (2, 3), (1, 3)), "max_pool2d", (2, 3), (1, 3)),
        (lambda x: F.lp_pool1d(x, 2.0, 4, 2), "lp_pool1d", (4,), (2,)),
        (nn.AdaptiveAvgPool1d(5), "adaptive_avg_pool1d", (), ()),
        (lambda x: F.adaptive_max_pool1d(x, 5), "adaptive_max_pool1d", (), ()),
    ],
)
def test_poolings(forward, op, kernel, stride):
    tap = only_tap(forward)
    assert (tap.kind, tap.op, tap.kernel, tap.stride) == ("pooling", op, kernel, stride)


def test_convolutions_by_position_and_by_name():
    weight = torch.randn(6, 2, 5)
    for forward in (
        lambda x: F.conv1d(x, weight, None, 2, 3, 2, 2),
        lambda x: F.conv1d(input=x, weight=weight, stride=(2,), padding=(3,), dilation=(2,), groups=2),
        lambda x: torch.conv1d(x, weight, stride=2, padding=3, dilation=2, groups=2),
    ):
        tap = only_tap(forward)
        assert (tap.kind, tap.op, tap.kernel, tap.stride, tap.dilation) == (
            "convolution",
            "conv1d",
            (5,),
            (2,),
            (2,),
        )
        assert (tap.groups, tap.channels, tap.hop, tap.receptive_field, tap.centre) == (2, 6, 2, 9, 1)
        assert torch.equal(tap.weight, weight)


def test_three_dimensional_convolution():
    tap = only_tap(lambda x: F.conv3d(x[:, None, None], torch.ones(2, 1, 1, 2, 8), stride=(1, 1, 4)))
    assert (tap.kernel, tap.hop, tap.receptive_field, tap.time_axis) == ((1, 2, 8), 4, 8, 4)
