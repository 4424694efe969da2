"""StridedNet: strides or poolings, alike in all else."""

from __future__ import annotations

import pytest
import torch

from otoscope.errors import InputError
from otoscope.models import StridedNet
from otoscope.probe.decimation import downsampling_steps
from otoscope.probe.trace import trace


@pytest.mark.parametrize("reduce", ["stride", "max", "mean"])
def test_the_rate_drops_by_4_4_4_and_2_in_the_way_that_is_named(reduce: str) -> None:
    model = StridedNet(n_classes=3, filters=4, reduce=reduce).eval()
    steps, skipped = downsampling_steps(trace(model, torch.randn(1, 1, 4096), 16_000))
    assert not skipped and [round(16_000 / tap.rate) for tap in steps] == [4, 16, 64, 128]
    ops = {tap.name.rpartition(".")[2] for tap in steps}
    assert ops == ({"conv"} if reduce == "stride" else {"pool"})
    assert model.layers(torch.randn(1, 1, 4096)).shape == (1, 16, 32)


def test_weights_are_the_same_in_number_and_by_seed() -> None:
    found = []
    for reduce in ("stride", "max"):
        torch.manual_seed(0)
        found.append(StridedNet(reduce=reduce).state_dict())
    assert found[0].keys() == found[1].keys()
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_the_strided_network_is_the_other_one_decimated() -> None:
    torch.manual_seed(0)
    strided = StridedNet(filters=4).eval()
    torch.manual_seed(0)
    pooled = StridedNet(filters=4, reduce="max").eval()
    x = torch.randn(1, 1, 4000)
    first, second = strided.layers.block1, pooled.layers.block1
    assert torch.allclose(first(x), second.relu(second.bn(second.conv(x)))[..., ::4], atol=1e-6)


def test_minimum_length_leaves_a_value() -> None:
    for reduce in ("stride", "max", "mean"):
        model = StridedNet(n_classes=2, filters=2, reduce=reduce).eval()
        assert torch.isfinite(model(torch.randn(1, 1, model.minimum_length))).all()


@pytest.mark.parametrize("options", [{"filters": 0}, {"n_classes": 0}, {"reduce": "median"}])
def test_options_out_of_range(options: dict) -> None:
    with pytest.raises(InputError, match="stridednet"):
        StridedNet(**options)
