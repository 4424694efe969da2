"""A trace is made once for a model, and made again when the model has changed."""

from __future__ import annotations

from collections import UserDict
from threading import Lock
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from probe_zoo import Written
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.probe import locate, trace
from otoscope.probe.memory import state_of

X = torch.randn(1, 1, 400)


class Slots:
    __slots__ = ("width",)

    def __init__(self) -> None:
        self.width = 2


class Counted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.width = nn.Conv1d(1, 4, 9), nn.BatchNorm1d(4), 2
        self.calls: Any = []
        self.config, self.widths, self.space = {"width": 2}, [1, [2]], SimpleNamespace(width=2)
        self.slots, self.user, self.hidden, self.array = Slots(), UserDict(width=2), torch.zeros(2), np.zeros(2)
        self.rule, self._private = lambda x: x, 2

    def forward(self, x: Tensor) -> Tensor:
        CALLS.append(1)
        return nn.functional.max_pool1d(self.norm(self.conv(x)), self.width).relu()


CALLS: list[int] = []


@pytest.fixture
def model() -> Counted:
    CALLS.clear()
    return Counted().eval()


def passes(model: nn.Module, *args: Any, **kwargs: Any) -> int:
    before = len(CALLS)
    trace(model, *(args or (X, 8000)), **kwargs)
    return len(CALLS) - before


def test_the_second_trace_costs_no_pass(model):
    assert passes(model) == 2, "the clip, and a longer one"
    assert passes(model) == passes(model, torch.zeros_like(X).expand(3, 1, 400), 8000) == 0
    assert trace(model, X, 8000) is trace(model, X, 8000)


def test_a_tap_of_a_trace_that_is_kept_costs_one_pass_for_all_clips(model):
    new, value = locate(model, X, 8000, "conv")
    trace(model, X, 8000)
    before = len(CALLS)
    tap, values = locate(model, X.expand(3, 1, 400), 8000, "conv")
    assert len(CALLS) - before == 1
    assert (tap.shape, tap.input_shape) == ((3, 4, 392), (3, 1, 400))
    assert repr(locate(model, X, 8000, "conv")[0]) == repr(new)
    torch.testing.assert_close(values, value.expand(3, 4, 392))


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((X[..., :300], 8000), {}), ((X.double(), 8000), {}), ((X, 16000), {}), ((X, 8000), {"time_axes": {"conv": 2}})],
)
def test_another_question_is_another_trace(model, args, kwargs):
    passes(model)
    if args[0].dtype == torch.float64:
        model.double()
    assert passes(model, *args, **kwargs) > 0


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.conv.weight.data.mul_(2),
        lambda m: m.norm.running_mean.add_(1),
        lambda m: m.load_state_dict(Counted().state_dict()),
        lambda m: setattr(m, "width", 3),
        lambda m: setattr(m, "norm", nn.InstanceNorm1d(4)),
        lambda m: setattr(m.conv, "padding", (2,)),
        lambda m: m.conv.weight.data[2, 0, 3:5].fill_(0.7),
        lambda m: m.conv.weight.data.neg_(),
        lambda m: m.conv.weight.data.numpy().__setitem__((1, 0, 2), 3.0),
        lambda m: m.conv.weight.data[0, 0, :2].copy_(m.conv.weight[0, 0, :2].detach().flip(0)),
        lambda m: m.config.update(width=3),
        lambda m: m.widths[1].append(3),
        lambda m: setattr(m.space, "width", 3),
        lambda m: setattr(m.slots, "width", 3),
        lambda m: m.user.__setitem__("width", 3),
        lambda m: m.hidden.data.add_(1),
        lambda m: m.array.__setitem__(1, 1),
        lambda m: setattr(m, "_private", 3),
        lambda m: setattr(m, "rule", lambda x: x + 1),
        lambda m: m.conv.register_forward_hook(lambda module, args, output: output + 1),
        lambda m: m.norm.register_forward_pre_hook(lambda module, args: None),
    ],
)
def test_a_changed_model_is_traced_again(model, change):
    passes(model)
    change(model)
    assert passes(model) > 0
    assert passes(model) == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.complex64])
@pytest.mark.parametrize(
    "write",
    [
        lambda w: w.neg_(),
        lambda w: w[1::2].neg_(),
        lambda w: w[:2].neg_(),
        lambda w: w[-1].mul_(1.5),
        lambda w: w[5000:5001].mul_(1.01),
        lambda w: w[7:9].copy_(w[7:9].flip(0)),
        lambda w: w.copy_(w.flip(0)),
        lambda w: w[:4096].copy_(w[:4096].view(2, 2048).flip(0).reshape(-1)),
        lambda w: w[3].fill_(float("nan")),
    ],
)
def test_any_write_to_weights_is_seen(write, dtype):
    model = nn.Module()
    model.weight = nn.Parameter(torch.randn(9001, dtype=dtype))
    model.weight.data[8000] = float("inf")
    before = state_of(model)
    assert state_of(model) == before
    write(model.weight.data)
    assert state_of(model) != before


def test_what_cannot_be_compared_is_traced_every_time(model):
    model.lock = Lock()
    assert passes(model) == passes(model) > 0


def test_a_function_is_compared_by_what_it_does(model):
    def with_width(width):
        model.rule = lambda x: x * width
        return passes(model) > 0

    assert [with_width(width) for width in (2, 2, 3, 3)] == [True, False, True, False]


def test_a_setting_of_the_class_counts(model):
    passes(model)
    Counted.scale = [1]
    try:
        assert passes(model) > 0
        assert passes(model) == 0
        Counted.scale.append(2)
        assert passes(model) > 0
    finally:
        del Counted.scale


def test_a_kernel_that_comes_from_the_sound_is_not_remembered():
    model = Written(
        lambda m, x: m.conv(nn.functional.conv1d(x, x[:, :, :9] / x.abs().amax())).relu(), conv=nn.Conv1d(1, 2, 3)
    )
    one, other = (trace(model, torch.randn(1, 1, 100), 8000)["conv1d"].weight for _ in range(2))
    assert not torch.equal(one, other)


def test_stated_time_axes_have_to_be_those_of_taps(model):
    assert trace(model, X, 8000, {"conv": -1})["conv"].time_axis == 2
    with pytest.raises(InputError, match="no tap is named 'convolution'"):
        trace(model, X, 8000, {"convolution": 2})
    with pytest.raises(InputError, match="conv has no axis 3"):
        trace(model, X, 8000, {"conv": 3})
