"""Batch normalisation whose gradient arrives as a view with other strides, as networks on mel spectrograms write it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from otoscope import vjp
from otoscope.probe.layerwise import ways_back


class Transposed(nn.Module):
    """Normalises 4 bands of (batch, 1, time, band) as channels, and convolves what comes out of it."""

    def __init__(self) -> None:
        super().__init__()
        self.front, self.norm, self.conv = nn.Conv1d(1, 4, 9), nn.BatchNorm2d(4), nn.Conv2d(1, 3, 3, padding=1)
        nn.init.uniform_(self.norm.weight, 0.5, 2.0)
        self.norm.running_var.uniform_(0.5, 2.0)

    def forward(self, waveform: Tensor, by_hand: bool = False) -> Tensor:
        normal = self.normalised_by_hand(waveform) if by_hand else self.normalised(waveform)
        mean: Tensor = self.conv(normal).mean((2, 3))
        return mean

    def bands(self, waveform: Tensor) -> Tensor:
        bands: Tensor = self.front(waveform).transpose(1, 2)[:, None]
        return bands

    def normalised(self, waveform: Tensor) -> Tensor:
        normal: Tensor = self.norm(self.bands(waveform).transpose(1, 3)).transpose(1, 3)
        return normal

    def normalised_by_hand(self, waveform: Tensor) -> Tensor:
        gain = self.norm.weight / (self.norm.running_var + self.norm.eps).sqrt()
        normal: Tensor = (self.bands(waveform) - self.norm.running_mean) * gain + self.norm.bias
        return normal


@pytest.mark.parametrize("clips", [1, 2])
def test_the_gradient_is_that_of_the_normalisation_by_hand(clips: int) -> None:
    torch.manual_seed(0)
    model = Transposed().double().eval()
    x = torch.randn(clips, 1, 60, dtype=torch.float64, requires_grad=True)
    seed = torch.randn(clips, 3, dtype=torch.float64)
    (expected,) = torch.autograd.grad(model(x, by_hand=True), x, seed)
    _, pull = vjp(model, x.detach())
    torch.testing.assert_close(pull(seed), expected)
    many = torch.stack([seed, -2 * seed, 0 * seed])
    torch.testing.assert_close(pull(many), torch.stack([expected, -2 * expected, 0 * expected]))
    value, pull = vjp(model, x.detach(), layer="conv")
    at_conv = torch.randn_like(value)
    (expected,) = torch.autograd.grad(model.conv(model.normalised_by_hand(x)), x, at_conv)
    torch.testing.assert_close(pull(at_conv), expected)
    torch.testing.assert_close(ways_back(model, x.detach(), ["conv"]).pull("conv", at_conv), expected)
