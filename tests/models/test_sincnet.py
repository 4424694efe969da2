"""SincNet against its paper: two edges a filter, and what the kernels pass."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from otoscope.dsp.kernels import half_power_band
from otoscope.errors import InputError
from otoscope.models import SincNet
from otoscope.models.sincnet import SincConv1d
from otoscope.probe.trace import trace


def test_sizes_of_the_paper() -> None:
    model = SincNet()
    assert model.sinc.kernels().shape == (80, 251)
    assert sum(p.numel() for p in model.sinc.parameters()) == 2 * 80
    assert [(c.out_channels, c.kernel_size[0]) for c in (model.conv2, model.conv3)] == [(60, 5), (60, 5)]


def test_kernels_are_those_of_the_equation() -> None:
    layer = SincConv1d(filters=7, width=51)
    with torch.no_grad():
        layer.low[2] *= -1  # an edge below 0 is folded up
        layer.band[3] *= -1
    n = np.arange(-25, 26)
    for kernel, f1, band in zip(layer.kernels().detach(), layer.low.tolist(), layer.band.tolist(), strict=True):
        low, high = abs(f1), abs(f1) + abs(band)
        ideal = [2 * f * np.sinc(2 * f * n) for f in (low, high)]
        window = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(51) / 50)
        assert kernel.numpy() == pytest.approx((ideal[1] - ideal[0]) * window, abs=1e-6)


def test_bands_are_what_the_kernels_pass() -> None:
    layer = SincConv1d(filters=12, width=1001)
    measured = half_power_band(layer.kernels().detach(), 16_000)
    assert measured[2:-1].tolist() == [pytest.approx(band, abs=30) for band in layer.bands()[2:-1].tolist()]


def test_bands_start_equal_on_the_mel_scale() -> None:
    bands = SincConv1d().bands().detach().numpy()
    mels = 2595 * np.log10(1 + bands / 700)
    assert bands[0, 0] == pytest.approx(30, abs=0.01) and bands[-1, 1] == pytest.approx(8000, abs=0.5)
    assert np.diff(mels) == pytest.approx(np.diff(mels)[0, 0], rel=1e-3)
    assert bands[1:, 0] == pytest.approx(bands[:-1, 1], abs=0.01)


def test_the_kernels_in_use_are_seen_and_follow_training() -> None:
    torch.manual_seed(0)
    model = SincNet(n_classes=3, filters=6, width=51)
    x = torch.randn(4, 1, 1000)
    before = trace(model, x, 16_000)["sinc.conv1d"].weight
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    nn.functional.cross_entropy(model(x), torch.tensor([0, 1, 2, 0])).backward()
    optimiser.step()
    after = trace(model, x, 16_000)["sinc.conv1d"].weight
    assert before is not None and after is not None
    assert torch.equal(after[:, 0], model.sinc.kernels())
    assert not torch.equal(before, after)


def test_minimum_length_is_the_shortest_that_passes() -> None:
    model = SincNet(n_classes=2, filters=4, width=31).eval()
    assert torch.isfinite(model(torch.randn(1, 1, model.minimum_length))).all()
    assert model(torch.randn(1, 1, 5000)).shape == (1, 2)
    with pytest.raises(RuntimeError):
        model(torch.randn(1, 1, model.minimum_length - 1))


@pytest.mark.parametrize("options", [{"filters": 0}, {"width": 250}, {"n_classes": 0}])
def test_options_out_of_range(options: dict) -> None:
    with pytest.raises(InputError, match="sincnet"):
        SincNet(**options)
