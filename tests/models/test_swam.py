"""The SWAM networks against section 3.1 of the paper."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from otoscope.errors import InputError
from otoscope.models import SWAM, load
from otoscope.models.swam import ParallelConv1d

NAMES = ("swam-segmental", "swam-subsegmental", "swam-multiresolution")


def convolutions(model: nn.Module) -> list[nn.Conv1d]:
    return [m for m in model.modules() if isinstance(m, nn.Conv1d)]


@pytest.mark.parametrize(("front_end", "first"), [("segmental", 300), ("subsegmental", 30)])
def test_single_kernels(front_end: str, first: int) -> None:
    found = [(c.kernel_size[0], c.stride[0], c.out_channels) for c in convolutions(SWAM(front_end))]
    assert found == [(first, 10, 80), (7, 1, 80), (3, 1, 100)]


def test_parallel_kernels() -> None:
    found = [(c.kernel_size[0], c.stride[0], c.out_channels) for c in convolutions(SWAM("multiresolution"))]
    expected = [(k, 10, 10) for k in (10, 30, 50, 70, 90, 150, 300, 500)]
    expected += [(k, 1, 20) for k in (3, 6, 9, 12)] + [(k, 1, 25) for k in (3, 5, 7, 9)]
    assert found == expected


@pytest.mark.parametrize("name", NAMES)
def test_order_of_layers_and_size_of_the_output(name: str) -> None:
    model = load(name, n_classes=7)
    layers = [f"{kind}{n}" for n in (1, 2, 3) for kind in ("conv", "elu", "bn", "pool")]
    assert [n for n, _ in model.features.named_children()] == layers
    assert model.dense.linear.out_features == 1024
    assert isinstance(model.dense.relu, nn.ReLU)
    assert isinstance(model.dense.dropout, nn.Dropout)
    assert model(torch.zeros(2, 1, 16000)).shape == (2, 7)
    assert (model.sample_rate, model.input_length, model.name) == (16000, 16000, name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("length", [1501, 4000, 8009])
@pytest.mark.parametrize("pool", [2, 3])
def test_dense_layer_follows_the_input_length(name: str, length: int, pool: int) -> None:
    model = load(name, input_length=length, pool=pool, n_classes=2)
    frames = model.features(torch.zeros(1, 1, length))
    assert model.dense.linear.in_features == frames[0].numel()
    assert model(torch.zeros(1, 1, length)).shape == (1, 2)


@pytest.mark.parametrize("filters", [{10: 1, 30: 1, 90: 1, 500: 1}, {3: 1, 5: 1, 9: 1}])
def test_centres_of_parallel_kernels_align(filters: dict[int, int]) -> None:
    """The response to a pulse, summed over frames with weights, is centred on the pulse in every branch."""
    layer = ParallelConv1d(1, filters)
    for convolution in convolutions(layer):
        nn.init.ones_(convolution.weight)
        nn.init.zeros_(convolution.bias)
    pulse = torch.zeros(1, 1, 2001)
    pulse[..., 1000] = 1
    response = layer(pulse)[0]
    centres = (response * torch.arange(response.shape[-1])).sum(-1) / response.sum(-1)
    shift = 0.5 if all(kernel % 2 == 0 for kernel in filters) else 0.0
    assert centres.tolist() == pytest.approx([1000 + shift] * len(filters))
    assert response.sum(-1).tolist() == list(filters)


@pytest.mark.parametrize(("length", "stride"), [(100, 1), (101, 1), (1000, 10), (1009, 10)])
def test_each_branch_is_the_plain_centred_convolution(length: int, stride: int) -> None:
    torch.manual_seed(0)
    layer = ParallelConv1d(2, {3: 4, 6: 5, 9: 2}, stride)
    x = torch.randn(1, 2, length)
    y = layer(x)
    assert y.shape == (1, 11, -(-length // stride))
    frame = y.shape[-1] // 2
    start = 0
    for convolution in convolutions(layer):
        kernel = convolution.kernel_size[0]
        first = frame * stride - kernel // 2
        window = x[0, :, first : first + kernel]
        value = torch.einsum("kct,ct->k", convolution.weight, window) + convolution.bias
        assert torch.allclose(y[0, start : start + len(value), frame], value, atol=1e-5)
        start += len(value)


def test_another_length_is_refused_with_both_numbers() -> None:
    with pytest.raises(InputError, match="takes 16000 samples, got 8000"):
        SWAM("segmental")(torch.zeros(1, 1, 8000))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"front_end": "fine"}, "front_end must be one of"),
        ({"input_length": 200}, "leaves no frame"),
        ({"input_length": -5}, "leaves no frame"),
        ({"n_classes": 0}, "n_classes"),
        ({"pool": 0}, "pool"),
    ],
)
def test_options_out_of_range(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SWAM(**options)


@pytest.mark.parametrize("front_end", ["segmental", "subsegmental", "multiresolution"])
def test_it_trains(front_end: str) -> None:
    torch.manual_seed(0)
    model = SWAM(front_end, n_classes=3, input_length=3000)
    nn.functional.cross_entropy(model(torch.randn(4, 1, 3000)), torch.tensor([0, 1, 2, 0])).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize(("front_end", "widths"), [("segmental", [2, 2, 2]), ("multiresolution", [3, 3])])
def test_pooling_of_the_published_scripts_is_a_named_choice(front_end: str, widths: list[int]) -> None:
    model = SWAM(front_end, pool="scripts")
    assert [m.kernel_size for m in model.modules() if isinstance(m, nn.MaxPool1d)] == widths
    assert model(torch.zeros(1, 1, 16000)).shape == (1, 35)
    assert [m.kernel_size for m in SWAM(front_end).modules() if isinstance(m, nn.MaxPool1d)] == [3, 3, 3]


@pytest.mark.parametrize("pool", [0, "script", 2.5])
def test_a_pooling_that_is_none_is_refused(pool: Any) -> None:
    with pytest.raises(InputError, match='swam-segmental: pool must be 1 or more, or "scripts", not'):
        SWAM("segmental", pool=pool)
