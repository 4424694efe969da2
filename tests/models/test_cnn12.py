"""CNN12 against Figure 4.1 and Table 4.3 of the sonification thesis."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from otoscope.contract import Contract
from otoscope.errors import InputError
from otoscope.models import CNN12, load

# filters and kernel widths as Figure 4.1 prints them
FILTERS = (64, 64, 128, 128, 256, 256, 512, 512, 1024, 1024, 2048)
KERNELS = (7, 7, 5, 5, 5, 3, 3, 3, 3, 3, 3)


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_parameter_counts_round_to_the_published_ones() -> None:
    assert round(parameters(load("cnn12")) / 1e6) == 14
    assert round(parameters(load("cnn12-x2")) / 1e6) == 53


def test_layers_are_those_of_the_figure() -> None:
    features = CNN12().features
    expected = []
    for number in range(1, 12):
        expected += [f"conv{number}", f"relu{number}"] + ([f"pool{number}"] if number <= 8 else [])
    assert [name for name, _ in features.named_children()] == expected
    convolutions = [m for m in features if isinstance(m, nn.Conv1d)]
    assert tuple(c.out_channels for c in convolutions) == FILTERS
    assert tuple(c.kernel_size[0] for c in convolutions) == KERNELS
    assert all(c.stride == (1,) and c.padding == (0,) for c in convolutions)
    assert CNN12().fc1.drop10.p == 0.4


def test_names_of_parameters_are_those_of_the_figure() -> None:
    names = set(CNN12(width=0.1).state_dict())
    layers = [f"features.conv{n}" for n in range(1, 12)] + ["fc1.fc10"]
    assert names == {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}


def test_forward_is_convolutions_pooling_mean_and_dense() -> None:
    torch.manual_seed(0)
    model = CNN12(n_classes=3, width=0.125).eval()
    x = torch.randn(2, 1, 4000)
    state = model.state_dict()
    y = x
    for n in range(1, 12):
        weight, bias = state[f"features.conv{n}.weight"], state[f"features.conv{n}.bias"]
        windows = y.unfold(2, weight.shape[-1], 1)  # (batch, channel, frame, tap)
        y = torch.einsum("bcft,kct->bkf", windows, weight) + bias[:, None]
        y = y.clamp(min=0)
        if n <= 8:
            y = y[..., : y.shape[-1] // 2 * 2].unflatten(-1, (-1, 2)).amax(-1)
    h = y.mean(-1) @ state["fc1.fc10.weight"].T + state["fc1.fc10.bias"]
    logits = h @ state["classifier.weight"].T + state["classifier.bias"]
    assert torch.allclose(model(x), logits, atol=1e-5)


@pytest.mark.parametrize(("width", "first", "last"), [(0.5, 32, 1024), (2, 128, 4096), (0.001, 1, 2)])
def test_width_multiplies_the_filters(width: float, first: int, last: int) -> None:
    with torch.device("meta"):
        model = CNN12(width=width)
    assert model.features.conv1.out_channels == first
    assert model.features.conv11.out_channels == last
    assert model.fc1.fc10.out_features == 512


def test_minimum_length_is_the_shortest_that_passes() -> None:
    model = CNN12(width=0.05).eval()
    frames = model.features(torch.zeros(1, 1, model.minimum_length))
    assert frames.shape[-1] == 1
    assert torch.isfinite(model(torch.randn(1, 1, model.minimum_length))).all()
    with pytest.raises(RuntimeError):
        model(torch.zeros(1, 1, model.minimum_length - 1))


@pytest.mark.parametrize("options", [{"width": 0}, {"width": -1}, {"n_classes": 0}])
def test_options_out_of_range(options: dict) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        CNN12(**options)


def test_it_trains() -> None:
    torch.manual_seed(0)
    model = CNN12(n_classes=2, width=0.05)
    model(torch.randn(2, 1, 4000)).sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


def test_an_encoder_has_no_classes_until_a_classifier_is_put_on_top_of_it() -> None:
    model = load("fsdd-contrastive")
    assert Contract.of(CNN12(width=0.1)).scores == Contract.of(model).scores == "hidden state"
    assert Contract.of(CNN12(n_classes=3, width=0.1)).scores is None  # and is found by trying
    model.classifier = nn.Linear(512, 3)
    assert Contract.of(model).scores is None and Contract.of(model).trained_length == 2400


def test_with_strides_it_pools_nowhere_and_takes_every_second_answer() -> None:
    torch.manual_seed(0)
    pooled = CNN12(width=0.05).eval()
    strided = CNN12(width=0.05, reduce="stride").eval()
    strided.load_state_dict(pooled.state_dict())
    assert not any(isinstance(one, nn.MaxPool1d) for one in strided.modules())
    x = torch.randn(1, 1, strided.minimum_length)
    torch.testing.assert_close(strided.features[:2](x), pooled.features[:2](x)[..., ::2])
    assert strided.features(x).shape[-1] == 1
    with pytest.raises(RuntimeError):
        strided.features(x[..., 1:])
    with pytest.raises(InputError, match="reduce must be max or stride"):
        CNN12(reduce="mean")
