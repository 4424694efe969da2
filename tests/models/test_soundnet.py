"""SoundNet against Table 1 of Aytar et al. 2016 and section 2.2.3 of SimpleNet."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from otoscope.errors import InputError
from otoscope.models import SoundNet

KERNELS = (64, 32, 16, 8, 4, 4, 4)
FILTERS = (16, 32, 64, 128, 256, 512, 1024)
POOLS = {1: 8, 2: 8, 5: 4}


def test_layers() -> None:
    features = SoundNet().features
    convolutions = [m for m in features if isinstance(m, nn.Conv1d)]
    assert tuple(c.kernel_size[0] for c in convolutions) == KERNELS
    assert tuple(c.out_channels for c in convolutions) == FILTERS
    assert all(c.stride == (2,) for c in convolutions)
    pools = {name: m.kernel_size for name, m in features.named_children() if isinstance(m, nn.MaxPool1d)}
    assert pools == {f"pool{n}": size for n, size in POOLS.items()}


def test_lengths_of_twenty_seconds() -> None:
    """Those that the table prints for 20 s at 22.05 kHz, from the second convolution on."""
    with torch.device("meta"):
        model = SoundNet().eval()
        x, lengths = torch.zeros(1, 1, 20 * 22_050), []
        for name, layer in model.features.named_children():
            x = layer(x)
            if name.startswith(("conv", "pool")):
                lengths.append(x.shape[-1])
        lengths.append(model.head.objects(x).shape[-1])
    assert lengths[2:] == [13_782, 1722, 862, 432, 217, 54, 28, 15, 4]


def test_parameters_add_up() -> None:
    channels, expected = 1, 0
    for kernel, filters in zip(KERNELS, FILTERS, strict=True):
        expected += filters * (channels * kernel + 1) + 2 * filters
        channels = filters
    expected += 1401 * (1024 * 8 + 1)
    assert sum(p.numel() for p in SoundNet().parameters()) == expected == 14_352_713


def test_six_seconds_at_16_khz_are_too_short_for_the_eighth_layer_but_not_for_a_classifier() -> None:
    model = SoundNet(n_classes=4, input_length=96_000, sample_rate=16_000).eval()
    frames = model.features(torch.zeros(1, 1, 96_000))
    assert frames[0].numel() == 4096  # "thousands of dimensions", SimpleNet 2.2.4
    assert frames.shape[-1] < 8
    assert model(torch.zeros(1, 1, 96_000)).shape == (1, 4)
    with pytest.raises(InputError, match="input_length must be 209374 or more"):
        SoundNet(input_length=96_000)


@pytest.mark.parametrize("classes", [None, 3])
def test_minimum_length_is_the_shortest_that_passes(classes: int | None) -> None:
    with torch.device("meta"):
        model = SoundNet(classes).eval()
        outputs = 1401 if classes is None else classes
        assert model(torch.zeros(1, 1, model.minimum_length)).shape == (1, outputs)
        assert model(torch.zeros(1, 1, model.minimum_length + 12_345)).shape == (1, outputs)
        with pytest.raises(RuntimeError):
            model(torch.zeros(1, 1, model.minimum_length - 1))


def test_published_outputs_are_objects_then_scenes_averaged_over_time() -> None:
    torch.manual_seed(0)
    head = SoundNet().eval().head
    x = torch.randn(1, 1024, 11)
    windows = x.unfold(-1, 8, 2)
    for part, where in ((head.objects, slice(0, 1000)), (head.scenes, slice(1000, 1401))):
        logits = torch.einsum("bcft,kct->bkf", windows, part.weight).mean(-1) + part.bias
        assert torch.allclose(head(x)[:, where], logits, atol=1e-4)


def test_kernels_start_as_glorot_and_bengio_have_it() -> None:
    torch.manual_seed(0)
    for module in SoundNet().modules():
        if isinstance(module, nn.Conv1d):
            fan = (module.in_channels + module.out_channels) * module.kernel_size[0]
            assert module.weight.std().item() == pytest.approx((2 / fan) ** 0.5, rel=0.05)


def test_no_classes_is_refused() -> None:
    with pytest.raises(InputError, match="n_classes"):
        SoundNet(n_classes=0)
