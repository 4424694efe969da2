"""LEAF against the equations of its paper."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.signal import lfilter

from otoscope.dsp.kernels import bandwidth, centre_frequency
from otoscope.errors import InputError
from otoscope.models import LEAF
from otoscope.models.leaf import Compression, GaborConv1d, GaussianPool1d
from otoscope.probe.trace import trace

RATE = 16_000


def test_sizes_of_the_paper() -> None:
    front = LEAF().front
    assert front.gabor.kernels().shape == (80, 401)
    assert front.pool.kernels().shape == (40, 401)
    assert front(torch.zeros(1, 1, RATE)).shape == (1, 40, 100)
    assert sum(p.numel() for p in front.parameters()) == 40 * 7


def test_gabor_filters_start_at_the_centres_and_widths_of_mel_bands() -> None:
    real = GaborConv1d().kernels().detach()[:40]
    ends = 2595 * np.log10(1 + np.array([60, 7800]) / 700)
    edges = 700 * (10 ** (np.linspace(*ends, 41) / 2595) - 1)
    assert centre_frequency(real, RATE)[1:].tolist() == pytest.approx((edges[1:] + edges[:-1])[1:] / 2, abs=3)
    # half the maximum of a Gaussian is sqrt(2) times as far out as half its power; narrow ones are cut short by 25 ms
    assert bandwidth(real, RATE)[12:].tolist() == pytest.approx(np.diff(edges)[12:] / math.sqrt(2), rel=0.03)


def test_gabor_power_of_a_tone_is_the_squared_response_and_steady() -> None:
    layer = GaborConv1d(filters=12)
    tone = 0.5 * torch.cos(2 * torch.pi * 1000 / RATE * torch.arange(RATE) + 0.3)
    power = layer(tone[None, None])[0, :, 2000:-2000].detach()
    distance = 1000 / RATE - layer.centre.detach()
    expected = (0.25 * torch.exp(-0.5 * (2 * torch.pi * layer.deviation.detach() * distance) ** 2)) ** 2
    near = expected > 1e-3
    assert near.any()
    assert power.mean(-1)[near].tolist() == pytest.approx(expected[near].tolist(), rel=0.02)
    assert (power.std(-1)[near] / power.mean(-1)[near]).max() < 0.02


def test_pooling_is_a_mean_under_a_gaussian() -> None:
    layer = GaussianPool1d(3, width=401, hop=160)
    with torch.no_grad():
        layer.deviation.copy_(torch.tensor([0.1, 0.2, 0.3]))
    kernels = layer.kernels().detach()
    lags = torch.arange(-200, 201)
    assert kernels.sum(-1).tolist() == pytest.approx([1, 1, 1], abs=2e-3)
    assert (kernels * lags**2).sum(-1).sqrt()[:2].tolist() == pytest.approx([20, 40], rel=0.01)
    pulse = torch.zeros(1, 3, 1601)
    pulse[..., 800] = 1
    assert torch.allclose(layer(pulse)[0, :, 5], kernels[:, 200], atol=1e-7)


@pytest.mark.parametrize("frames", [1, 7, 3000])
def test_compression_is_that_of_the_recursion(frames: int) -> None:
    """Against a recursive filter of SciPy in double precision."""
    layer = Compression(3)
    with torch.no_grad():
        layer.smoothing.copy_(torch.tensor([0.01, 0.04, 0.5]))
        layer.exponent.copy_(torch.tensor([0.5, 0.96, 1.0]))
    energy = 10.0 ** np.random.default_rng(0).uniform(-8, 1, (2, 3, frames))
    energy[0, 0, : frames // 2] = 0
    found = layer(torch.from_numpy(energy).float()).detach().numpy()
    for channel, (s, a) in enumerate(zip((0.01, 0.04, 0.5), (0.5, 0.96, 1.0), strict=True)):
        e = energy[:, channel]
        mean = lfilter([s], [1, s - 1], e, zi=(1 - s) * e[:, :1])[0]
        expected = np.sqrt(e / (1e-12 + mean) ** a + 2) - np.sqrt(2)
        np.testing.assert_allclose(found[:, channel], expected, rtol=1e-3, atol=1e-5)


def test_silence_has_finite_outputs_and_gradients() -> None:
    model = LEAF(n_classes=2, filters=5, width=101)
    x = torch.zeros(1, 1, 2000, requires_grad=True)
    model(x).sum().backward()
    assert x.grad is not None and torch.isfinite(x.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


def test_the_kernels_in_use_are_seen_with_their_place_in_time() -> None:
    model = LEAF(filters=5, width=101)
    taps = trace(model, torch.randn(1, 1, 4000), RATE)
    gabor, pool, above = (taps[name] for name in ("front.gabor.conv1d", "front.pool.conv1d", "conv"))
    assert gabor.weight is not None and torch.equal(gabor.weight[:, 0], model.front.gabor.kernels())
    assert pool.weight is not None and torch.equal(pool.weight[:, 0], model.front.pool.kernels())
    assert (gabor.hop, gabor.receptive_field) == (1, 101)
    assert (pool.hop, pool.receptive_field) == (160, 201)
    assert (above.hop, above.receptive_field, above.whole) == (160, 201 + 4 * 160, True)


def test_minimum_length_is_the_shortest_that_passes() -> None:
    model = LEAF(filters=3, width=101).eval()
    assert torch.isfinite(model(torch.randn(1, 1, model.minimum_length))).all()
    with pytest.raises(RuntimeError):
        model(torch.randn(1, 1, model.minimum_length - 1))


@pytest.mark.parametrize("options", [{"filters": 0}, {"width": 400}, {"n_classes": 0}, {"hop": 0}])
def test_options_out_of_range(options: dict) -> None:
    with pytest.raises(InputError, match="leaf"):
        LEAF(**options)
