"""WaveRNN against what SimpleNet says of it (sections 2.2.1, 2.2.3 and 4.1)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from otoscope.errors import InputError
from otoscope.models import WaveRNN


def test_eight_convolutions_each_with_relu_and_pooling_then_two_lstm_layers_of_64() -> None:
    model = WaveRNN()
    assert [name for name, _ in model.features.named_children()] == [
        f"{kind}{n}" for n in range(1, 9) for kind in ("conv", "relu", "pool")
    ]
    assert (model.head.lstm.num_layers, model.head.lstm.hidden_size) == (2, 64)
    assert model.head.linear.out_features == 64


def test_windows_are_40_ms_and_six_seconds_have_150() -> None:
    model = WaveRNN(filters=2).eval()
    heard = torch.zeros(1, 1, 96_000).unflatten(-1, (-1, model.minimum_length))
    features = model.features(heard)
    assert model.minimum_length / model.sample_rate == 0.04
    assert features.shape == (1, 2, 150, 2)


def test_each_window_is_convolved_on_its_own() -> None:
    """As ordinary convolutions in one dimension on the windows, one by one."""
    torch.manual_seed(0)
    model = WaveRNN(filters=3).eval()
    x = torch.randn(2, 1, 4 * 640 + 100)
    frames = []
    for window in x[..., : 4 * 640].split(640, dim=-1):
        y = window
        for number in range(1, 9):
            layer = model.features.get_submodule(f"conv{number}")
            weight = layer.weight[:, :, 0]
            y = nn.functional.conv1d(y, weight, layer.bias, padding=weight.shape[-1] // 2).relu()
            y = nn.functional.max_pool1d(y, 2)
        frames.append(y.flatten(1))
    assert torch.allclose(model(x), model.head(torch.stack(frames, dim=1)), atol=1e-6)


def test_every_window_reaches_the_answer() -> None:
    torch.manual_seed(0)
    model = WaveRNN(filters=3).eval()
    x = torch.randn(1, 1, 5 * 640, requires_grad=True)
    with torch.backends.cudnn.flags(enabled=False):
        model(x).sum().backward()
    assert x.grad is not None and (x.grad.unflatten(-1, (5, 640)).abs().sum(-1) > 0).all()


def test_at_least_one_window() -> None:
    assert WaveRNN(filters=2)(torch.zeros(1, 1, 640)).shape == (1, 4)
    with pytest.raises(InputError, match="at least 1"):
        WaveRNN(filters=0)


def test_windows_are_40_ms_at_other_rates() -> None:
    model = WaveRNN(filters=2, first_kernel=40, sample_rate=8000)
    assert (model.sample_rate, model.minimum_length) == (8000, 320) and model(torch.zeros(1, 1, 640)).shape == (1, 4)
    with pytest.raises(InputError, match="multiple of 25 Hz"):
        WaveRNN(sample_rate=11_030)
