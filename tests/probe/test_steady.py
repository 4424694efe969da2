"""A model that nothing changes: its state is taken once, and again where it is given other weights meanwhile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from otoscope import Scope
from otoscope.probe import described
from otoscope.probe.memory import state_of
from otoscope.probe.state import kept
from otoscope.probe.steady import steady


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv1d(1, 4, 9, stride=2), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 2)
    )


def test_its_state_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scope, wave = Scope(net(), 8000), 0.1 * np.random.default_rng(0).standard_normal(2000).astype(np.float32)
    usual = scope.relevance(wave)
    taken = 0
    original = described.Description._module

    def counting(self: described.Description, module: nn.Module) -> object:
        nonlocal taken
        taken += module is scope.model
        return original(self, module)

    monkeypatch.setattr(described.Description, "_module", counting)
    with steady(scope.model):
        found = [scope.relevance(wave) for _ in range(3)]
    assert taken == 1
    for one in found:
        xr.testing.assert_identical(one, usual)
    scope.relevance(wave)
    assert taken > 2


def test_other_weights_are_another_state_within() -> None:
    model = net()
    with steady(model):
        before = state_of(model)
        with kept(model, weights=True):
            with torch.no_grad():
                model[0].weight.zero_()
            assert state_of(model) != before
        assert state_of(model) is before


def test_a_method_that_loads_other_weights_says_the_same_within(tmp_path: Path) -> None:
    model = net()
    torch.save(model.state_dict(), tmp_path / "step=2.pt")
    torch.save({name: 2 * value for name, value in model.state_dict().items()}, tmp_path / "step=1.pt")
    scope, wave = Scope(model, 8000), 0.1 * np.random.default_rng(0).standard_normal(2000).astype(np.float32)
    usual = scope.evolution(wave, checkpoints=str(tmp_path), layer="1")
    with steady(model):
        xr.testing.assert_identical(scope.evolution(wave, checkpoints=str(tmp_path), layer="1"), usual)
