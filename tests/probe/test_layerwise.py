"""Many ways back by one pass are those that one pass for each gives."""

from __future__ import annotations

import pytest
import torch
from probe_zoo import ZOO, build
from torch import nn

from otoscope import InputError, read_taps, vjp
from otoscope.probe import trace
from otoscope.probe.blocks import block_ends
from otoscope.probe.layerwise import run_to, ways_back


@pytest.mark.parametrize("name", ZOO)
def test_ways_back_are_those_of_vjp(name: str) -> None:
    model, x = build(name)
    ends = block_ends(trace(model, x, 8000))
    found = ways_back(model, x, ends, "deconvnet")
    for tap in ends:
        value, pull = vjp(model, x, tap, "deconvnet")
        torch.testing.assert_close(found.values[tap], value)
        torch.testing.assert_close(found.pull(tap, value), pull(value))


def test_activations_in_place_leave_the_values_before_them() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 4, 9), nn.ReLU(inplace=True), nn.Conv1d(4, 2, 3), nn.ELU(inplace=True))
    x = torch.randn(2, 1, 60)
    found = ways_back(model, x, ["0", "1", "2", "3"], "guided")
    for tap, value in read_taps(model, x).items():
        torch.testing.assert_close(found.values[tap], value)
        torch.testing.assert_close(found.pull(tap, value), vjp(model, x, tap, "guided")[1](value))


def test_the_model_is_left_as_it_was() -> None:
    model = nn.Sequential(nn.Conv1d(1, 4, 9), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    ways_back(model, torch.randn(2, 1, 60), ["2"]).pull("2", torch.ones(2, 4, 52))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())


def test_cut_gradients_are_said() -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 2, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                return torch.relu(self.conv(x))

    with pytest.raises(InputError, match="cuts gradients"):
        ways_back(Cut(), torch.randn(1, 1, 9), ["conv"]).pull("conv", torch.ones(1, 2, 7))


@pytest.mark.parametrize("name", ["plain", "residual", "transformer", "framed"])
def test_a_pass_to_a_tap_gives_its_value_and_trains_what_is_before(name: str) -> None:
    model, x = build(name)
    taps = trace(model, x, 8000)
    for tap in list(taps)[::2]:
        torch.testing.assert_close(run_to(model, x, tap), read_taps(model, x, [tap])[tap])
    first = next(iter(taps))
    model.zero_grad()
    run_to(model, x, first).sum().backward()
    trained = [name for name, p in model.named_parameters() if p.grad is not None]
    assert trained and len(trained) < len(list(model.parameters()))


def test_a_tap_that_is_not_there_is_said() -> None:
    with pytest.raises(InputError, match="'nowhere'"):
        run_to(nn.Sequential(nn.Conv1d(1, 2, 3)), torch.zeros(1, 1, 9), "nowhere")
