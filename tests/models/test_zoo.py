"""What all architectures can do: train, be looked into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from otoscope import Scope
from otoscope.dsp.kernels import centre_frequency
from otoscope.models import load, weights_digest

# sizes that are quick
SMALL: dict[str, dict[str, Any]] = {
    "aasist": {"filters": 9, "width": 51, "channels": [4, 6], "nodes": 8, "learnt_bands": True, "n_classes": 3},
    "leaf": {"filters": 8, "width": 101, "n_classes": 3},
    "phone-cnn": {"n_classes": 3},
    "simplenet-cnn": {"filters": 31, "width": 64, "input_length": 31 * 640, "bands": "mel"},
    "simplenet-rnn": {"filters": 2, "width": 64, "bands": [[100, 500], [1000, 2000]]},
    "sincnet": {"filters": 8, "width": 51, "n_classes": 3},
    "soundnet": {"n_classes": 3, "sample_rate": 16_000, "input_length": None},
    "speaker-cnn": {"n_classes": 3},
    "specnet": {"filters": 31, "width": 64, "input_length": 31 * 640},
    "stridednet": {"filters": 4, "n_classes": 3},
    "vowelnet": {},
    "wav2vec2": {"channels": 8, "width": 16, "depth": 1, "heads": 2, "steps": 5, "dropout": 0.0, "n_classes": 3},
    "wavernn": {"filters": 4},
}
FIRST = {
    "aasist": "sinc.conv1d",
    "leaf": "front.gabor.conv1d",
    "simplenet-cnn": "front.conv",
    "simplenet-rnn": "front.conv",
    "sincnet": "sinc.conv1d",
    "specnet": "front.conv",
    "stridednet": "layers.block1.conv",
    "vowelnet": "conv1",
    "wav2vec2": "encoder.0.conv",
}


@pytest.fixture(params=SMALL)
def model(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    return load(request.param, **SMALL[request.param])


def sound(model: Any, clips: int = 4) -> torch.Tensor:
    length = model.input_length or max(8000, model.minimum_length)
    return torch.randn(clips, 1, length, generator=torch.Generator().manual_seed(1))


def test_it_trains_and_every_parameter_takes_part(model: nn.Module) -> None:
    model.train()
    x = sound(model)
    nn.functional.cross_entropy(model(x), torch.tensor([0, 1, 2, 0])).backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
            assert parameter.grad.any() or name.endswith("bias"), name
    assert [n for n, p in model.named_parameters() if not p.requires_grad] == (
        ["front.conv.weight"] if model.name == "specnet" else []
    )


def test_any_length_where_none_is_set(model: nn.Module) -> None:
    if model.input_length is None:
        with torch.no_grad():
            outputs = [model(torch.randn(1, 1, max(8000, model.minimum_length) + more)) for more in (0, 1, 1234)]
        assert len({out.shape for out in outputs}) == 1
    with torch.no_grad():
        both, one = model(sound(model)), model(sound(model)[:1])
    assert torch.allclose(both[:1], one, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_it_can_be_looked_into(model: nn.Module) -> None:
    scope = Scope(model)
    wave = sound(model, 1)[0, 0].numpy() * 0.1
    taps = scope.taps(wave)
    first = FIRST.get(scope.name, "features.conv1")
    assert next(iter(taps)) == first
    bank = taps[first].weight
    assert bank is not None
    filters = scope.filters()
    measured = centre_frequency(bank.reshape(len(bank), -1), scope.sample_rate)
    np.testing.assert_allclose(filters["centre_frequency"], measured, rtol=1e-4)
    signal = scope.relevance(wave)["relevance"]
    assert np.isfinite(signal).all() and signal.any()
    inner = [tap.name for tap in taps.values() if tap.time_axis is not None][-1]
    assert np.isfinite(scope.sonify(wave, layer=inner)["sonification"]).all()
    assert np.isfinite(scope.strs(wave, hop=800)["strs"]).all()


@pytest.mark.parametrize("name", [name for name in SMALL if name != "vowelnet"])
def test_the_number_of_classes_is_read_from_weights(name: str, tmp_path: Path) -> None:
    sizes = {key: value for key, value in SMALL[name].items() if key != "n_classes"}
    model = load(name, n_classes=5, **sizes)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    again = load(name, weights=tmp_path / "weights.pt", **sizes)
    assert again(sound(again, 1)).shape == (1, 5)
    assert weights_digest(again) == weights_digest(model)
