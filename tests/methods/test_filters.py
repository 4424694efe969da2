"""Filters of the first layer: known kernels, several widths, kernels computed on the way, published weights."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import xarray as xr
from torch import Tensor, nn

from otoscope.dsp.kernels import bandpass_bank
from otoscope.errors import InputError
from otoscope.methods.filters import filters
from otoscope.models import load
from otoscope.results import open_result, save
from otoscope.subject import Subject

RATE = 16_000
BANDS = [(4000, 5000), (500, 900), (2000, 2600), (1000, 1500)]


def convolution(kernels: Tensor, **options: int) -> nn.Conv1d:
    layer = nn.Conv1d(1, len(kernels), kernels.shape[1], stride=10, **options)
    layer.weight.data = kernels[:, None].clone()
    return layer


class SincLayer(nn.Module):
    """Edges are the parameters; the kernels exist only while the layer runs."""

    def __init__(self) -> None:
        super().__init__()
        self.edges = nn.Parameter(torch.tensor(BANDS, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        low, high = (2 * self.edges / RATE).T[:, :, None]
        n = torch.arange(251, device=x.device) - 125
        kernels = (high * torch.sinc(high * n) - low * torch.sinc(low * n)) * torch.hamming_window(251, periodic=False)
        return F.conv1d(x, kernels[:, None], stride=10)


def test_order_goes_by_centre_frequency() -> None:
    model = convolution(bandpass_bank(BANDS, 251, RATE))
    result = filters(Subject(model, RATE))
    assert result.order.values.tolist() == [1, 3, 2, 0]
    np.testing.assert_allclose(result.centre_frequency, [np.mean(band) for band in BANDS], atol=5)
    np.testing.assert_allclose(result.bandwidth, [np.ptp(band) for band in BANDS], atol=0.9 * RATE / 251)


def test_computed_kernels_are_seen_as_the_sinc_layer_makes_them() -> None:
    result = filters(Subject(nn.Sequential(SincLayer(), nn.ReLU()), RATE))
    expected = filters(Subject(convolution(bandpass_bank(BANDS, 251, RATE)), RATE))
    np.testing.assert_allclose(result.weight, expected.weight, atol=1e-6)
    np.testing.assert_allclose(result.centre_frequency, expected.centre_frequency, atol=1)


def test_magnitude_and_cumulative_are_those_of_the_kernels_in_time() -> None:
    kernels = torch.randn(5, 30)
    result = filters(Subject(convolution(kernels), RATE), n_fft=256)
    expected = np.abs(np.fft.rfft(kernels.numpy(), 256))
    np.testing.assert_allclose(result.magnitude, expected, rtol=1e-3, atol=1e-4)
    cumulative = (expected / np.linalg.norm(expected, axis=1, keepdims=True)).sum(0)
    np.testing.assert_allclose(result.cumulative_response, cumulative, rtol=1e-4)
    np.testing.assert_allclose(result.frequency, np.fft.rfftfreq(256, 1 / RATE))
    np.testing.assert_allclose(result.lag, (np.arange(30) - 15) / RATE)


def test_one_hot_kernels_pass_everything_alike() -> None:
    result = filters(Subject(convolution(torch.eye(16)), RATE))
    np.testing.assert_allclose(result.cumulative_response, result.cumulative_response[0], rtol=1e-5)


def test_kernels_of_several_widths_are_centred() -> None:
    model = load("swam-multiresolution", n_classes=3, input_length=4000)
    result = filters(Subject(model))
    assert result.sizes["kernel"] == 80 and result.sizes["lag"] == 500
    narrowest = model.features.conv1.branches["kernel10"].weight[0, 0].detach()
    inside = result.weight.sel(lag=slice(-5.5 / RATE, 4.5 / RATE))[0]
    np.testing.assert_array_equal(inside, narrowest)
    assert float(abs(result.weight[0]).sum()) == pytest.approx(float(narrowest.abs().sum()))
    assert sorted(result.order.values.tolist()) == list(range(80))


def test_dead_kernels_come_last_and_have_no_band() -> None:
    kernels = torch.stack((torch.zeros(31), torch.hann_window(31), torch.zeros(31)))
    result = filters(Subject(convolution(kernels), RATE))
    assert result.order.values.tolist() == [1, 0, 2]
    assert np.isnan(result.centre_frequency[[0, 2]]).all() and np.isfinite(result.cumulative_response).all()


def test_a_result_survives_a_file(tmp_path: Path) -> None:
    result = filters(Subject("vowel-name"), n_fft=2048)
    save(result, tmp_path / "filters.nc")
    back = open_result(tmp_path / "filters.nc")
    xr.testing.assert_identical(back, result)
    assert back.sizes["frequency"] == 1025 and next(iter(back.data_vars)) == "magnitude"


@pytest.mark.parametrize("name", ["cnn12", "res-tssdnet", "inc-tssdnet", "swam-segmental", "vowel-register"])
def test_models_of_the_zoo_have_filters(name: str) -> None:
    options = {"width": 0.1} if name == "cnn12" else {}
    result = filters(Subject(load(name, **options)))
    centres = result.centre_frequency[result.order]
    assert (np.diff(centres) >= 0).all()
    assert (centres >= 0).all() and (centres <= result.attrs["sample_rate"] / 2).all()


def test_wav2vec2_reads_the_waveform_with_its_feature_extractor() -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24,
        conv_dim=(6, 6), conv_stride=(5, 2), conv_kernel=(10, 3), num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
    )  # fmt: skip
    model = transformers.Wav2Vec2Model(config)
    weight = model.feature_extractor.conv_layers[0].conv.weight.detach()[:, 0]
    result = filters(Subject(model, RATE))
    np.testing.assert_array_equal(result.weight, weight)


def test_published_weights_show_the_filters_of_the_checkpoint(published: Path) -> None:
    result = filters(Subject(load("inc-tssdnet", weights=published)))
    weights = torch.load(published, weights_only=True, map_location="cpu")
    weights = weights.get("model_state_dict", weights)
    kernels = next(value for name, value in weights.items() if name.endswith("conv1.weight")).flatten(1)
    np.testing.assert_allclose(result.weight, kernels, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_fft": 0}, "n_fft has to be 1 or more, not 0"),
        ({"layer": "conv9"}, "no layer is named 'conv9'"),
    ],
)
def test_what_cannot_be_is_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        filters(Subject(convolution(bandpass_bank(BANDS, 251, RATE)), RATE), **options)


def states(folder: Path, *banks: Tensor) -> list[Path]:
    """Files of weights with these kernels."""
    paths = [folder / f"{number}.pt" for number in range(len(banks))]
    for path, bank in zip(paths, banks, strict=True):
        torch.save(convolution(bank).state_dict(), path)
    return paths


def test_the_earlier_weights_are_signed_by_their_content(tmp_path: Path) -> None:
    path, model = tmp_path / "before.pt", convolution(bandpass_bank(BANDS, 251, RATE))
    signed = []
    for gain in (1, 2):
        torch.save({name: gain * value for name, value in model.state_dict().items()}, path)
        signed.append(json.loads(filters(Subject(model, RATE), before=path).attrs["arguments"])["before"])
        assert signed[-1] == {str(path): hashlib.sha256(path.read_bytes()).hexdigest()}
    assert signed[0] != signed[1]


def test_before_and_after_show_how_much_each_kernel_changed(tmp_path: Path) -> None:
    first, second = torch.randn(4, 31), torch.randn(4, 31)
    first[3] = 0
    (path,) = states(tmp_path, first)
    model = convolution(second)
    result = filters(Subject(model, RATE), before=path)
    expected = (second - first).norm(dim=1) / first.norm(dim=1)
    np.testing.assert_allclose(result.change[:3], expected[:3], rtol=1e-5)
    assert np.isnan(result.change[3])
    for training, kernels in (("before", first), ("after", second)):
        alone, one = filters(Subject(convolution(kernels), RATE)), result.sel(training=training, drop=True)
        np.testing.assert_array_equal(one.weight, kernels)
        xr.testing.assert_identical(one.drop_vars("change").drop_attrs(), alone.drop_attrs())
    assert torch.equal(model.weight[:, 0], second)  # the model keeps its weights
    assert str(path) in result.attrs["arguments"]


def test_a_scale_of_the_weights_moves_no_centre(tmp_path: Path) -> None:
    bank = bandpass_bank(BANDS, 251, RATE)
    (path,) = states(tmp_path, bank)
    result = filters(Subject(convolution(3 * bank), RATE), before=path)
    np.testing.assert_allclose(result.change, 2, rtol=1e-5)
    before, after = result.centre_frequency
    np.testing.assert_allclose(before, after, rtol=1e-5)


def test_weights_that_do_not_fit_are_refused_by_name(tmp_path: Path) -> None:
    (path,) = states(tmp_path, torch.randn(4, 30))
    subject = Subject(convolution(torch.randn(4, 31)), RATE)
    with pytest.raises(InputError, match=r"0\.pt"):
        filters(subject, before=path)
    with pytest.raises(InputError, match=r"none\.pt"):
        filters(subject, before=tmp_path / "none.pt")
