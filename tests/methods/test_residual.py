"""Residuals are the sound less its sonification."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, Scope

RATE = 8000


def small(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv1d(1, 6, 9, stride=3), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(6, 5, 5), nn.ReLU(),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(5, 3),
    )  # fmt: skip


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def ask(model: nn.Module, waves: Tensor, **options: Any) -> xr.Dataset:
    return Scope(model, RATE).residual(waves, **options)


@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
def test_a_residual_is_the_clip_less_the_sonification_of_its_most_active_map(cnn12: nn.Module, rule: str) -> None:
    x = noise(2, 4000)
    x[1] *= 0.1
    cnn12 = cnn12.double()  # by rounding alone a rectifier can open or close
    layers = ["pool1", "pool4", "relu11"]
    result = ask(cnn12, x, layer=layers, rule=rule)
    assert result.residual.dims == ("clip", "layer", "time")
    assert result.layer.values.tolist() == [f"features.{layer}" for layer in layers]
    for n in range(2):
        for place, layer in enumerate(layers):
            sound = Scope(cnn12, RATE).sonify(x[n], layer=layer, rule=rule)
            assert int(result.channel[n, place]) == int(sound.channel[0])
            rest = x[n].numpy() - sound.sonification.values[0]
            np.testing.assert_allclose(result.residual[n, place], rest, atol=1e-5)
            level = 20 * np.log10(np.sqrt(np.mean(rest**2)) / np.sqrt(np.mean(x[n].numpy() ** 2)))
            np.testing.assert_allclose(result.level[n, place], level, atol=1e-4)


def test_clips_of_frames_in_the_batch_are_kept_apart() -> None:
    class Framed(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x[:, 0].unfold(-1, 64, 32).reshape(-1, 1, 64))

    torch.manual_seed(0)
    model = Framed(nn.Conv1d(1, 4, 10, stride=3), nn.ReLU(), nn.Conv1d(4, 3, 3), nn.ReLU()).double()
    x = noise(2, 1000)
    both = ask(model, x)
    for n in range(2):
        np.testing.assert_allclose(both.residual[n], ask(model, x[n]).residual, atol=1e-9)


def test_a_silent_layer_leaves_the_sound_as_it_is() -> None:
    model, x = small(), noise(600)
    model[3].weight.data.zero_()
    model[3].bias.data.fill_(-1)
    rest = ask(model, x, layer="4")
    np.testing.assert_array_equal(rest.residual[0], x)
    assert rest.level.item() == 0 and rest.level.attrs["units"] == "dB"
    with pytest.raises(InputError, match="silence, in which there is nothing to explain"):
        ask(model, torch.zeros(600))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": []}, "no layer was given"),
        ({"layer": ["9"]}, "no tap is named '9'"),
        ({"rule": "guide"}, "unknown rule"),
    ],
)
def test_bad_input_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask(small(), noise(400), **options)


def test_a_map_that_batch_normalisation_makes_a_negative_constant_is_not_the_most_active() -> None:
    """It cannot be heard, and nothing would be taken out."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 3, 31, bias=False), nn.BatchNorm1d(3), nn.SELU()).eval()
    with torch.no_grad():
        model[1].weight[0] = 0
        model[1].bias[0] = -50.0  # SELU makes -1.76 of it, and the others are softer
    found = Scope(model, 8000).residual(torch.randn(2, 2000), layer="2")
    assert (found["channel"] != 0).all() and (abs(found["level"]) > 0.01).all()
    heard = Scope(model, 8000).sonify(torch.randn(2000), layer="2")
    assert heard["channel"].item() != 0 and float(abs(heard["sonification"]).max()) > 0
