"""The deconvnet rule is the DeconvNet algorithm, written here from its description by Zeiler and Fergus (2014)."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from otoscope.models import load
from otoscope.probe import vjp

BLOCKS = 11


def forward_with_switches(features: nn.Module, x: Tensor, block: int) -> tuple[Tensor, dict[int, tuple]]:
    """The rectified maps of a block, and where every maximum on the way was found."""
    switches = {}
    for n in range(1, block + 1):
        conv = getattr(features, f"conv{n}")
        x = F.conv1d(x, conv.weight, conv.bias).clamp(min=0)
        if n < block and hasattr(features, f"pool{n}"):
            length = x.shape[-1]
            x, places = F.max_pool1d(x, 2, return_indices=True)
            switches[n] = (places, length)
    return x, switches


def deconvnet(features: nn.Module, maps: Tensor, block: int, switches: dict[int, tuple]) -> Tensor:
    """Unpool with the switches, rectify, filter with the transposed kernels: down to the waveform."""
    x = maps
    for n in range(block, 0, -1):
        if n in switches:
            places, length = switches[n]
            x = F.max_unpool1d(x, places, 2, output_size=(length,))
        x = F.conv_transpose1d(x.clamp(min=0), getattr(features, f"conv{n}").weight)
    return x


def check_block(model: nn.Module, block: int, x: Tensor) -> None:
    maps, switches = forward_with_switches(model.features, x, block)
    value, pull = vjp(model, x, f"relu{block}", rule="deconvnet")
    torch.testing.assert_close(value, maps)
    for channel in maps.mean(dim=(0, 2)).topk(2).indices:
        seed = torch.zeros_like(maps)
        seed[:, channel] = maps[:, channel]
        expected = deconvnet(model.features, seed, block, switches)
        assert expected.abs().max() > 0
        torch.testing.assert_close(pull(seed), expected, atol=1e-5 * float(expected.abs().max()), rtol=1e-5)


@pytest.mark.replica("sonify")
@pytest.mark.parametrize("block", range(1, BLOCKS + 1))
def test_every_block_of_a_narrow_cnn12(block):
    model = load("cnn12", width=0.25).eval()
    with torch.no_grad():
        check_block(model, block, torch.randn(2, 1, model.minimum_length + 300))


def test_the_fifth_block_in_full_width():
    model = load("cnn12").eval()
    with torch.no_grad():
        check_block(model, 5, torch.randn(1, 1, model.minimum_length + 100))


@pytest.mark.parametrize("tap", ["conv4", "pool4"])
def test_before_a_rectifier_and_after_a_pool(tap):
    """A seed above the rectifier is not rectified first; one above a pool goes to the switches."""
    model = load("cnn12", width=0.25).eval()
    x = torch.randn(1, 1, model.minimum_length)
    with torch.no_grad():
        value, pull = vjp(model, x, tap, rule="deconvnet")
        maps, switches = forward_with_switches(model.features, x, 4)
        seed = torch.randn_like(value)
        if tap == "pool4":
            pooled, places = F.max_pool1d(maps, 2, return_indices=True)
            torch.testing.assert_close(value, pooled)
            expected = deconvnet(
                model.features, F.max_unpool1d(seed, places, 2, output_size=maps.shape[-1:]), 4, switches
            )
        else:
            below = F.conv_transpose1d(seed, model.features.conv4.weight)
            places, length = switches[3]
            unpooled = F.max_unpool1d(below, places, 2, output_size=(length,))
            expected = deconvnet(model.features, unpooled, 3, {n: switches[n] for n in (1, 2)})
        torch.testing.assert_close(pull(seed), expected, atol=1e-5 * float(expected.abs().max()), rtol=1e-5)
