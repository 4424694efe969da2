"""The change rate of filters against numpy, in training loops of several kinds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from otoscope import InputError
from otoscope.training import ChangeRate


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv1d(1, 4, 9), nn.ReLU(), nn.Conv1d(4, 3, 5), nn.Flatten(), nn.LazyLinear(2))


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> list[list[np.ndarray]]:
    """The kernels of both convolutions before the first step and after each."""
    generator = torch.Generator().manual_seed(1)
    kernels = []
    for _ in range(steps + 1):
        kernels.append([module.weight.detach().numpy().copy() for module in (model[0], model[2])])
        if len(kernels) > steps:
            return kernels
        optimizer.zero_grad()
        model(torch.randn(3, 1, 40, generator=generator)).square().mean().backward()
        optimizer.step()
    return kernels


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_it_is_the_mean_absolute_relative_change(kind: str) -> None:
    model = network()
    model(torch.zeros(1, 1, 40))
    optimizer = getattr(torch.optim, kind)(model.parameters(), lr=0.01)
    rate = ChangeRate(model)
    with rate.watch(optimizer):
        kernels = train(model, optimizer, 4)
    result = rate.result()
    assert result["layer"].values.tolist() == ["0", "2"]
    assert result["iteration"].values.tolist() == [1, 2, 3, 4]
    for step in range(4):
        for layer in range(2):
            before, after = kernels[step][layer], kernels[step + 1][layer]
            one = result.isel(iteration=step, layer=layer)
            np.testing.assert_allclose(one.change_rate, np.mean(np.abs((after - before) / before)), rtol=1e-4)
            norms = np.linalg.norm(after - before) / np.linalg.norm(before)
            np.testing.assert_allclose(one.change, norms, rtol=1e-4)


def test_the_hook_ends_with_its_context() -> None:
    model = network()
    model(torch.zeros(1, 1, 40))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    rate = ChangeRate(model, ["0"])
    with rate.watch(optimizer):
        train(model, optimizer, 2)
    train(model, optimizer, 1)
    assert rate.result().sizes == {"iteration": 2, "layer": 1}


def test_a_factor_is_a_rate_and_what_rests_has_none() -> None:
    model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.Conv1d(2, 2, 3))
    rate = ChangeRate(model)
    with torch.no_grad():
        model[0].weight.mul_(1.25)
    rate.step()
    np.testing.assert_allclose(rate.result()["change_rate"], [[0.25, 0]], rtol=1e-5)
    np.testing.assert_allclose(rate.result()["change"], [[0.25, 0]], rtol=1e-5)


def test_weights_of_exactly_zero_are_left_out() -> None:
    model = nn.Conv1d(1, 1, 4, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[[0.0, 1.0, -2.0, 4.0]]]))
    rate = ChangeRate(model)
    with torch.no_grad():
        model.weight.add_(1.0)
    rate.step()
    np.testing.assert_allclose(rate.result()["change_rate"], [[(1 + 1 / 2 + 1 / 4) / 3]], rtol=1e-6)


def test_computed_kernels_are_watched_as_they_are_used_or_by_their_parameters() -> None:
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv1d(1, 2, 3)))
    rate = ChangeRate(model)
    with torch.no_grad():
        model[0].parametrizations.weight.original1.mul_(7)  # its direction stays
    rate.step()
    np.testing.assert_allclose(rate.result()["change_rate"], [[0]], atol=1e-6)
    sinc = nn.Module()
    sinc.edges = nn.Parameter(torch.rand(5, 2) + 1)
    rate = ChangeRate(sinc)
    with torch.no_grad():
        sinc.edges.mul_(1.5)
    rate.step()
    assert rate.layers == ["edges"]
    np.testing.assert_allclose(rate.result()["change_rate"], [[0.5]], rtol=1e-5)


def test_training_goes_on_as_without_it() -> None:
    weights = []
    for watched in (False, True):
        model = network()
        model(torch.zeros(1, 1, 40))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        if watched:
            ChangeRate(model).watch(optimizer)
        weights.append(train(model, optimizer, 3)[-1])
    assert all(np.array_equal(one, other) for one, other in zip(*weights, strict=True))


def test_bad_input_is_said() -> None:
    with pytest.raises(InputError, match="no step was recorded"):
        ChangeRate(nn.Conv1d(1, 1, 3)).result()
    with pytest.raises(InputError, match="named 'conv9'"):
        ChangeRate(nn.Sequential(nn.Conv1d(1, 1, 3)), ["conv9"])
    with pytest.raises(InputError, match="'1' has no weight"):
        ChangeRate(nn.Sequential(nn.Conv1d(1, 1, 3), nn.ReLU()), ["1"])
    with pytest.raises(InputError, match="has no filters"):
        ChangeRate(nn.ReLU())


def test_a_weight_that_became_nan_is_no_rest() -> None:
    model = nn.Conv1d(1, 2, 3)
    rate = ChangeRate(model)
    model.weight.data[0] = torch.nan
    rate.step()
    assert np.isnan(rate.result()["change_rate"].values).all()


def test_a_lone_layer_whose_weights_are_computed() -> None:
    model = nn.utils.parametrizations.weight_norm(nn.Conv1d(1, 2, 3))
    rate = ChangeRate(model)
    with torch.no_grad():
        model.parametrizations.weight.original0.mul_(2)
    rate.step()
    assert rate.result()["change_rate"].values == pytest.approx(1)


def test_weights_that_are_not_made_yet_are_refused() -> None:
    with pytest.raises(InputError, match="run the model on a sound first"):
        ChangeRate(nn.Sequential(nn.LazyConv1d(3, 2)))
