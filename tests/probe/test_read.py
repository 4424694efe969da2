"""A value at a tap is what its operation returned, whatever came later."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from probe_zoo import Written, build
from torch import nn

from otoscope.errors import InputError
from otoscope.probe import backproject, read_taps

IN_PLACE = {
    "module": nn.ReLU(inplace=True),
    "functional": lambda x: F.relu(x, inplace=True),
    "positional": lambda x: F.relu(x, True),
    "torch": torch.relu_,
    "method": lambda x: x.relu_(),
    "clamp": lambda x: x.clamp_(min=0),
    "threshold": lambda x: F.threshold(x, 0.0, 0.0, inplace=True),
}


def chain(act) -> nn.Module:
    return Written(lambda m, x: m.second(act(m.first(x))), first=nn.Conv1d(1, 4, 9), second=nn.Conv1d(4, 3, 5))


@pytest.mark.parametrize("act", IN_PLACE.values(), ids=IN_PLACE)
def test_a_convolution_before_an_activation_in_place_keeps_its_own_value(act):
    model, x = chain(act), torch.randn(2, 1, 60)
    values = read_taps(model, x)
    first = model.first(x)
    assert torch.equal(values["first"], first)
    assert (values["first"] < 0).any()
    assert torch.equal(values["second"], model.second(first.relu()))
    second_tap = list(values.values())[1]
    assert torch.equal(second_tap, first.relu())


@pytest.mark.parametrize("act", IN_PLACE.values(), ids=IN_PLACE)
def test_the_way_back_from_it_is_that_of_the_convolution(act):
    model, x = chain(act), torch.randn(2, 1, 60)
    seed = torch.randn(2, 4, 52)
    back = backproject(model, x, seed, layer="first")
    torch.testing.assert_close(back, F.conv_transpose1d(seed, model.first.weight))


def test_every_tap_in_call_order_or_those_asked_for_in_theirs():
    model, x = build("dilated")
    values = read_taps(model, x)
    assert list(values)[:3] == ["conv1", "relu", "max_pool1d"]
    chosen = read_taps(model, x, ["block2.relu", "conv1"])
    assert list(chosen) == ["block2.relu", "conv1"]
    assert all(torch.equal(chosen[name], values[name]) for name in chosen)


def test_the_end_of_a_name_is_enough():
    model, x = build("plain")
    by_end = read_taps(nn.Sequential(model), x, ["6"])
    assert list(by_end) == ["6"]
    assert torch.equal(by_end["6"], model(x))


def test_unknown_and_ambiguous_names_are_refused():
    model, x = build("dilated")
    with pytest.raises(InputError, match=r"no tap is named 'block9\.conv1'.*block1\.conv1"):
        read_taps(model, x, ["conv1", "block9.conv1"])
    with pytest.raises(InputError, match=r"several taps end in 'conv2'"):
        read_taps(model, x, ["conv2"])


def test_nothing_is_left_behind():
    model = nn.Sequential(nn.Conv1d(1, 4, 9), nn.Dropout(0.5), nn.ReLU(inplace=True)).train()
    model[0].eval()
    x = torch.randn(2, 1, 60, requires_grad=True)
    values = read_taps(model, x)
    assert not any(value.requires_grad for value in values.values())
    assert [module.training for module in model.modules()] == [True, False, True, True]
    assert x.grad is None


def test_the_input_is_left_as_it_was():
    model = Written(lambda m, x: m.conv(x.mul_(2)), conv=nn.Conv1d(1, 4, 9))
    x = torch.randn(2, 1, 60)
    before = x.clone()
    values = read_taps(model, x)
    assert torch.equal(x, before)
    assert torch.equal(values["conv"], model.conv(2 * before))


def test_the_pass_ends_at_the_last_tap_that_is_wanted():
    def fail(m, x):
        raise AssertionError

    model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.ReLU(), nn.Conv1d(2, 2, 3), Written(fail))
    x = torch.randn(1, 1, 20)
    assert list(read_taps(model, x, ["1", "0"])) == ["1", "0"]
    assert torch.equal(read_taps(model, x, "2")["2"], model[:3](x))
    with pytest.raises(AssertionError):
        read_taps(model, x)
