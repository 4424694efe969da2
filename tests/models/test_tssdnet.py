"""The TSSDNets against the published checkpoint, the authors' outputs and their parameter counts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import torch.nn.functional as F

from otoscope.errors import InputError
from otoscope.models import IncTSSDNet, ResTSSDNet, load

CHECKPOINT = "tssdnet/inc_tssdnet_asvspoof2019_la.pth"


@pytest.fixture
def data() -> Path:
    folder = os.environ.get("OTOSCOPE_DATA")
    if not folder or not (Path(folder) / CHECKPOINT).is_file():
        pytest.skip(f"OTOSCOPE_DATA is unset or has no {CHECKPOINT}")
    return Path(folder)


def test_published_weights_give_the_authors_outputs(data: Path) -> None:
    model = load("inc-tssdnet", weights=data / CHECKPOINT)
    expected = json.loads((data / "tssdnet/expected_logits.json").read_text())["logits"]
    if not all((data / name).is_file() for name in expected):
        pytest.skip("the recordings of expected_logits.json are not there")
    assert len(expected) == 6
    for name, logits in expected.items():
        samples, _ = soundfile.read(data / name, dtype="float32")
        clip = torch.from_numpy(np.resize(samples, model.input_length))  # repeats and cuts
        with torch.no_grad():
            output = model(clip[None, None])[0]
        assert output.tolist() == pytest.approx(logits, abs=1e-4), name


def test_published_checkpoint_is_no_res_tssdnet(data: Path) -> None:
    with pytest.raises(InputError, match=r"another architecture.*lacks RSM1.*no DCM1\.cv1\.weight"):
        load("res-tssdnet", weights=data / CHECKPOINT)


@pytest.mark.parametrize(("model", "millions"), [(IncTSSDNet(), 0.09), (ResTSSDNet(), 0.35)])
def test_parameter_counts_round_to_the_published_ones(model: torch.nn.Module, millions: float) -> None:
    assert round(sum(p.numel() for p in model.parameters()) / 1e6, 2) == millions


@pytest.mark.parametrize("model", [IncTSSDNet(), ResTSSDNet()])
def test_no_convolution_has_a_bias(model: torch.nn.Module) -> None:
    convolutions = [m for m in model.modules() if isinstance(m, torch.nn.Conv1d)]
    assert len(convolutions) == 17
    assert all(c.bias is None for c in convolutions)


def test_inc_block_is_four_dilated_branches_side_by_side() -> None:
    torch.manual_seed(0)
    block = IncTSSDNet().eval().DCM2
    x = torch.randn(1, 32, 50)
    y = block(x)
    assert y.shape == (1, 64, 50)
    for index, dilation in enumerate((1, 2, 4, 8)):
        weight = block.get_parameter(f"cv{dilation}.weight")
        padded = F.pad(x, (dilation, dilation))
        taps = [padded[..., t * dilation : t * dilation + 50] for t in range(3)]
        branch = sum(torch.einsum("kc,bct->bkt", weight[..., t], taps[t]) for t in range(3))
        branch = branch / np.sqrt(1 + 1e-5)  # a fresh batch-norm: mean 0, variance 1
        assert torch.allclose(y[:, 16 * index : 16 * (index + 1)], branch.clamp(min=0), atol=1e-5)


def test_res_block_adds_its_input_before_the_last_norm() -> None:
    torch.manual_seed(0)
    block = ResTSSDNet().eval().RSM1
    torch.nn.init.zeros_(block.conv3.weight)
    x = torch.randn(2, 16, 20)
    through = torch.einsum("kc,bct->bkt", block.nin.weight[..., 0], x) / np.sqrt(1 + 1e-5)
    assert torch.allclose(block(x), through.clamp(min=0), atol=1e-5)


@pytest.mark.parametrize("model", [IncTSSDNet().eval(), ResTSSDNet().eval()])
def test_any_length_from_256_samples_on(model: torch.nn.Module) -> None:
    for length in (256, 1000, 96000):
        with torch.no_grad():
            assert model(torch.randn(1, 1, length)).shape == (1, 2)
    assert model.minimum_length == 256
    with pytest.raises(RuntimeError):
        model(torch.zeros(1, 1, 255))


@pytest.mark.parametrize("name", ["inc-tssdnet", "res-tssdnet"])
def test_how_to_prepare_the_input_is_on_the_model(name: str) -> None:
    model = load(name)
    assert (model.sample_rate, model.input_length, model.padding) == (16000, 96000, "repeat")
    assert model.classes == ("bonafide", "spoof")
    assert model.name == name


@pytest.mark.parametrize("kind", [IncTSSDNet, ResTSSDNet])
def test_they_may_be_narrower_and_for_other_classes(kind: type) -> None:
    model = kind(n_classes=5, width=0.5, input_length=4000, sample_rate=8000).eval()
    assert (model.sample_rate, model.input_length, model.classes) == (8000, 4000, None)
    assert model.conv1.out_channels == 8 and model.fc1.in_features == 64
    assert model(torch.randn(2, 1, 4000)).shape == (2, 5)


@pytest.mark.parametrize("options", [{"n_classes": 0}, {"width": 0.05}, {"input_length": 200}])
def test_sizes_out_of_range(options: dict) -> None:
    with pytest.raises(InputError, match="tssdnet"):
        ResTSSDNet(**options)
