"""Autocast around a call, and models in half precision: finite results in single precision, of that model."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn

from otoscope import Scope, load, vjp

WAYS = {
    "autocast": (lambda model: model, lambda: torch.autocast("cpu", torch.bfloat16)),
    "half": (nn.Module.half, nullcontext),
    "bfloat16": (nn.Module.bfloat16, nullcontext),
}
METHODS = ["strs", "crs", "filters", "frame_response", "relevance", "sonify", "residual", "data_flow", "aliasing"]
METHODS += ["tone_response", "residual_study", "top_activations", "crs_classifier"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", METHODS)
def test_results_are_finite_and_in_single_precision(name, way, example):
    given = example(name)
    change, context = WAYS[way]
    with context():
        result = getattr(Scope(change(load(given.model))), name)(*given.given, **given.arguments)
    assert torch.is_autocast_enabled("cpu") is False
    values = [variable.values for variable in result.data_vars.values() if variable.dtype.kind == "f"]
    assert {value.dtype for value in values} <= {np.dtype("f4"), np.dtype("f8")}
    assert all(np.isfinite(value).all() for value in values)


@pytest.mark.parametrize("way", WAYS)
def test_relevance_is_nearly_that_in_single_precision(way, example):
    given = example("relevance")
    change, context = WAYS[way]
    expected = Scope(load(given.model)).relevance(*given.given, target="a").relevance.values
    with context():
        found = Scope(change(load(given.model))).relevance(*given.given, target="a").relevance.values
    assert np.corrcoef(found, expected)[0, 1] > 0.99


def test_autocast_holds_for_the_model():
    model = nn.Sequential(nn.Conv1d(1, 4, 9), nn.Flatten(), nn.Linear(4 * 92, 3))
    scope = Scope(model, sample_rate=8000)
    with torch.autocast("cpu", torch.bfloat16):
        assert scope.output(torch.randn(100)).dtype == torch.bfloat16
        assert vjp(model, torch.randn(1, 1, 100))[0].dtype == torch.bfloat16


def test_a_user_who_trains_under_the_same_autocast_has_all_gradients():
    """Autocast keeps the weights it has cast, also those cast where no gradient was recorded."""
    model = nn.Sequential(nn.Conv1d(1, 4, 9), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 92, 3))
    with torch.autocast("cpu", torch.bfloat16):
        for _ in range(2):  # the first time the model is watched, with copies of its weights
            Scope(model, sample_rate=8000).output(torch.randn(100))
        model(torch.randn(1, 1, 100)).float().sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
