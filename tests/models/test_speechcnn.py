"""The phone and the speaker network against Table 1 of Muckenhirn et al. 2019."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from otoscope.errors import InputError
from otoscope.models import PhoneCNN, SpeakerCNN, load

TABLE = {
    "phone-cnn": ([(30, 10, 80), (7, 1, 60), (7, 1, 60)], 1024),
    "speaker-cnn": ([(30, 10, 80), (10, 1, 80)], 100),
}


@pytest.mark.parametrize("name", TABLE)
def test_layers_are_those_of_the_table(name: str) -> None:
    model = load(name)
    rows, hidden = TABLE[name]
    found = [(c.kernel_size[0], c.stride[0], c.out_channels) for c in model.features if isinstance(c, nn.Conv1d)]
    assert found == rows
    order = [f"{kind}{n}" for n in range(1, len(rows) + 1) for kind in ("conv", "pool", "relu")]
    assert [layer for layer, _ in model.features.named_children()] == order
    assert model.dense.linear.out_features == hidden
    assert model.input_length / model.sample_rate == 0.25


@pytest.mark.parametrize(("name", "count"), [("phone-cnn", 839_679), ("speaker-cnn", 441_322)])
def test_parameters_add_up(name: str, count: int) -> None:
    """Of the table: kernels times inputs and a bias a filter; 12 (phones) and 41 (speakers) frames are left of 4000."""
    rows, hidden = TABLE[name]
    channels, expected = 1, 0
    for kernel, _, filters in rows:
        expected += filters * (channels * kernel + 1)
        channels = filters
    frames, classes = (12, 39) if name == "phone-cnn" else (41, 462)
    expected += hidden * (channels * frames + 1) + classes * (hidden + 1)
    assert sum(p.numel() for p in load(name).parameters()) == expected == count


def test_forward_is_convolution_pooling_and_relu() -> None:
    torch.manual_seed(0)
    model = PhoneCNN(n_classes=5).eval()
    x = torch.randn(2, 1, 4000)
    state, y = model.state_dict(), x
    for number, stride in ((1, 10), (2, 1), (3, 1)):
        weight, bias = state[f"features.conv{number}.weight"], state[f"features.conv{number}.bias"]
        y = torch.einsum("bcft,kct->bkf", y.unfold(2, weight.shape[-1], stride), weight) + bias[:, None]
        y = y[..., : y.shape[-1] // 3 * 3].unflatten(-1, (-1, 3)).amax(-1).clamp(min=0)
    hidden = (y.flatten(1) @ state["dense.linear.weight"].T + state["dense.linear.bias"]).clamp(min=0)
    logits = hidden @ state["classifier.weight"].T + state["classifier.bias"]
    assert torch.allclose(model(x), logits, atol=1e-5)


@pytest.mark.parametrize("network", [PhoneCNN, SpeakerCNN])
def test_other_lengths_are_built_and_wrong_ones_refused(network: type) -> None:
    assert network(input_length=8160)(torch.zeros(1, 1, 8160)).shape[0] == 1
    with pytest.raises(InputError, match="takes 4000 samples, got 3999"):
        network()(torch.zeros(1, 1, 3999))
    with pytest.raises(InputError, match="leaves no frame"):
        network(input_length=300)
    with pytest.raises(InputError, match="n_classes"):
        network(n_classes=0)
