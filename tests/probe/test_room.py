"""What a way back keeps in memory: no input whose values it does not need, and files beyond the budget."""

from __future__ import annotations

import gc

import pytest
import torch
import torch.nn.functional as F
from probe_zoo import Written
from torch import Tensor, nn

from otoscope.probe import room, vjp
from otoscope.probe.room import memory_budget

RULES = ["gradient", "guided", "deconvnet"]


def network(dims: int) -> nn.Module:
    conv, norm, transposed = (
        (nn.Conv1d, nn.BatchNorm1d, nn.ConvTranspose1d),
        (nn.Conv2d, nn.BatchNorm2d, nn.ConvTranspose2d),
    )[dims - 1]
    pool = (F.max_pool1d, F.max_pool2d)[dims - 1]
    torch.manual_seed(0)
    parts = {"a": conv(1, 8, 5), "norm": norm(8), "b": conv(8, 8, 3, groups=2), "up": transposed(8, 4, 3, stride=2)}
    model = Written(
        lambda m, x: pool(F.selu(m.up(pool(F.gelu(m.b(m.norm(m.a(x)))), 2)), inplace=True) * 1.5, 3).square(), **parts
    )
    model.norm.running_mean.uniform_(-1, 1)
    model.norm.running_var.uniform_(0.5, 2)
    return model


def clip(dims: int) -> Tensor:
    return torch.randn(2, 1, *(4000,) if dims == 1 else (40, 60))


def plain(call, run, pack):
    return run()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize("memory", [None, 1])
def test_the_way_back_is_the_same_bit_for_bit(dims, rule, memory, monkeypatch):
    model, x = network(dims), clip(dims)
    with monkeypatch.context() as patch:
        patch.setattr(room, "sparing", plain)
        value, pull = vjp(model, x, rule=rule)
        seeds = torch.randn(3, *value.shape)
        expected = [pull(seeds[0]), pull(seeds)]
    monkeypatch.setattr(room, "_SMALL", 1)
    files = []
    monkeypatch.setattr(room._InFile, "of", lambda tensor, of=room._InFile.of: files.append(tensor.shape) or of(tensor))
    with memory_budget(memory):
        found_value, pull = vjp(model, x, rule=rule)
    assert torch.equal(found_value, value)
    assert torch.equal(pull(seeds[0]), expected[0])
    torch.testing.assert_close(pull(seeds), expected[1])
    assert bool(files) == (memory is not None)


@pytest.mark.parametrize("rule", RULES)
def test_values_that_are_not_kept_are_not_read(rule, monkeypatch):
    """Not-a-number in their place changes nothing."""
    model, x = network(2), clip(2)
    monkeypatch.setattr(room, "_SMALL", 1)
    value, pull = vjp(model, x, rule=rule)
    expected = pull(torch.ones_like(value))
    monkeypatch.setattr(room._Shape, "filled", lambda shape, of=room._Shape.filled: of(shape).fill_(float("nan")))
    assert torch.equal(pull(torch.ones_like(value)), expected)
    assert expected.abs().sum() > 0


def test_the_input_of_a_kernel_that_depends_on_the_sound_is_kept(monkeypatch):
    monkeypatch.setattr(room, "_SMALL", 1)
    model = Written(lambda m, x: F.conv1d(x, x[:1, :, :5]), a=nn.Conv1d(1, 1, 1))
    x = torch.randn(1, 1, 100, requires_grad=True)
    value, pull = vjp(model, x)
    torch.testing.assert_close(pull(value), torch.autograd.grad(model(x), x, value)[0])


def test_nothing_is_left_of_a_way_back_that_is_gone():
    """What an operation keeps of its own result, such as a softmax, must not hold the history that holds it."""
    net = nn.Sequential(nn.Conv1d(1, 8, 5), nn.Softmax(1), nn.Conv1d(8, 2, 5), nn.Tanh())

    def kept():
        gc.collect()
        return sum(type(one) is room._Kept for one in gc.get_objects())

    before = kept()
    with memory_budget(1):
        value, pull = vjp(net, torch.randn(1, 1, 400), rule="guided")
    pull(torch.ones_like(value))
    assert kept() > before
    del value, pull
    assert kept() == before
