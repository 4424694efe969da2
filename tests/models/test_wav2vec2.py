"""The small wav2vec 2.0 against its paper, and its parts against what they compute."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from otoscope.errors import InputError
from otoscope.models import Wav2Vec2
from otoscope.probe.trace import trace


def test_frames_are_those_of_the_paper() -> None:
    """20 ms apart, 25 ms long, at 16 kHz (appendix B)."""
    model = Wav2Vec2(n_classes=3).eval()
    last = trace(model, torch.randn(1, 1, 16_000), 16_000)["encoder.6.gelu"]
    assert (last.hop, last.receptive_field) == (320, 400)
    assert model.minimum_length == 400
    assert model.encoder(torch.randn(1, 1, 16_000)).shape == (1, 48, 49)


@pytest.mark.parametrize("norm", ["group", "layer"])
def test_where_the_encoder_normalises(norm: str) -> None:
    model = Wav2Vec2(channels=8, width=16, steps=3, norm=norm).eval()
    x = torch.randn(2, 1, 2000)
    first = model.encoder[0].conv(x)
    if norm == "group":  # every channel over time, in the first layer alone
        mean, variance = first.mean(-1, keepdim=True), first.var(-1, keepdim=True, unbiased=False)
        second = model.encoder[1].conv(F.gelu((first - mean) / (variance + 1e-5).sqrt()))
        expected = F.gelu(second)
    else:  # every moment over channels, in all
        for number in (0, 1):
            y = first if number == 0 else model.encoder[1].conv(expected)
            mean, variance = y.mean(1, keepdim=True), y.var(1, keepdim=True, unbiased=False)
            expected = F.gelu((y - mean) / (variance + 1e-5).sqrt())
    assert torch.allclose(model.encoder[:2](x), expected, atol=1e-4)


def test_it_hears_where_things_are() -> None:
    """Without the convolution for positions the order of frames would not matter."""
    torch.manual_seed(0)
    model = Wav2Vec2(n_classes=4, channels=8, width=16, depth=1, heads=2).eval()
    frames = torch.randn(1, 20, 16)
    turned = frames.flip(1)
    assert torch.allclose(model.blocks(frames).mean(1), model.blocks(turned).mean(1), atol=1e-5)
    there, back = model.positions(frames).mean(1), model.positions(turned).mean(1)
    assert not torch.allclose(there, back, atol=1e-3)


def test_minimum_length_is_the_shortest_that_passes() -> None:
    for steps in (2, 4, 7):
        model = Wav2Vec2(n_classes=2, channels=4, width=8, heads=2, steps=steps).eval()
        assert torch.isfinite(model(torch.randn(1, 1, model.minimum_length))).all()
        with pytest.raises(RuntimeError):
            model(torch.randn(1, 1, model.minimum_length - 1))


@pytest.mark.parametrize(
    "options", [{"n_classes": 0}, {"width": 30}, {"steps": 0}, {"steps": 8}, {"norm": "batch"}, {"positions": 30}]
)
def test_options_out_of_range(options: dict) -> None:
    with pytest.raises(InputError, match="wav2vec2"):
        Wav2Vec2(**options)
