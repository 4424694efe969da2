"""Gains over a sweep of sines: exact where the theory is known, sensible everywhere else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

import otoscope.methods.tone_response as module
from otoscope.contract import Contract
from otoscope.dsp.kernels import bandpass_bank
from otoscope.errors import InputError
from otoscope.methods.tone_response import tone_response
from otoscope.results import open_result, save
from otoscope.subject import Subject

sys.path.insert(0, str(Path(__file__).parents[1] / "probe"))
from probe_zoo import ZOO, build

RATE = 8000
SWEEP = [0.0, 137.0, 400.0, 800.0, 1600.0, 2000.0, 3333.3, 4000.0]  # with rational parts of every rate


def convolution(kernels: Tensor, **options: Any) -> nn.Conv1d:
    layer = nn.Conv1d(1, len(kernels), kernels.shape[1], **options).double()
    layer.weight.data = kernels.double()[:, None].clone()
    return layer


def transform(kernels: Tensor, frequencies: list[float] | np.ndarray) -> np.ndarray:
    """|F_k(f)|, written out."""
    n = np.arange(kernels.shape[1])
    return np.abs(kernels.numpy() @ np.exp(-2j * np.pi * np.outer(n, frequencies) / RATE))


def gains(model: nn.Module, layer: str, **options: Any) -> xr.Dataset:
    return tone_response(Subject(model, RATE), layer=layer, duration=0.125, **options)


@pytest.mark.parametrize("stride", [1, 3, 10])
@pytest.mark.parametrize("padding", [0, 15])
def test_of_a_linear_first_layer_it_is_the_magnitude_response(stride: int, padding: int) -> None:
    """Also where stride and sine fall in step; bias and padding do not show."""
    kernels = torch.randn(5, 31, dtype=torch.float64)
    model = convolution(kernels, stride=stride, padding=padding)
    result = gains(model, "conv1d", frequencies=SWEEP)
    np.testing.assert_allclose(result.gain, transform(kernels, SWEEP), rtol=1e-9, atol=1e-9)


def test_of_two_linear_layers_it_is_their_product() -> None:
    first, second = torch.randn(1, 9, dtype=torch.float64), torch.randn(3, 7, dtype=torch.float64)
    model = nn.Sequential(convolution(first), convolution(second))
    result = gains(model, "1", frequencies=SWEEP)
    np.testing.assert_allclose(result.gain, transform(first, SWEEP) * transform(second, SWEEP), rtol=1e-8, atol=1e-9)


def test_best_frequency_of_band_passes_is_in_their_bands_also_behind_an_activation_and_pooling() -> None:
    bands = [(300, 500), (1000, 1300), (2500, 3000)]
    model = nn.Sequential(convolution(bandpass_bank(bands, 201, RATE)), nn.ReLU(), nn.MaxPool1d(3))
    for layer in ("0", "1", "2"):
        result = gains(model, layer)
        for (low, high), best in zip(bands, result.best_frequency.values, strict=True):
            assert low <= best <= high


def test_a_linear_layer_has_one_gain_at_every_amplitude_a_saturating_one_has_not() -> None:
    model = nn.Sequential(convolution(torch.randn(4, 21, dtype=torch.float64)), nn.Tanh())
    found = {
        (layer, amplitude): gains(model, layer, frequencies=SWEEP[1:4], amplitude=amplitude).gain.values
        for layer in ("0", "1")
        for amplitude in (0.01, 5.0)
    }
    np.testing.assert_allclose(found["0", 0.01], found["0", 5.0], rtol=1e-9)
    assert (found["1", 5.0] < 0.9 * found["1", 0.01]).all()


def test_maps_without_a_time_axis_have_a_gain() -> None:
    model = nn.Sequential(
        convolution(bandpass_bank([(300, 500), (2000, 2500)], 101, RATE)),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(2, 2, bias=False).double(),
        nn.ReLU(),
    )
    model[4].weight.data = torch.eye(2, dtype=torch.float64)
    result = gains(model, "5")
    assert 300 <= result.best_frequency[0] <= 500 and 2000 <= result.best_frequency[1] <= 2500


def test_what_a_map_says_to_silence_is_taken_off() -> None:
    model = convolution(torch.zeros(2, 9))
    model.bias.data = torch.tensor([3.0, -2.0], dtype=torch.float64)
    result = gains(model, "conv1d", frequencies=SWEEP)
    assert not result.gain.any() and np.isnan(result.best_frequency).all()
    np.testing.assert_allclose(result.silence, [3, 2])


@pytest.mark.parametrize("name", ZOO)
def test_every_tap_of_every_kind_of_network_has_a_finite_gain(name: str) -> None:
    model, x = build(name)
    subject = Subject(model, RATE, contract=Contract(length=x.shape[-1]))
    taps = list(subject.taps())
    for tap in taps[:: 3 if len(taps) > 6 else 1]:
        result = tone_response(subject, layer=tap, frequencies=[200.0, 1900.0])
        assert result.gain.dims == ("channel", "frequency") and np.isfinite(result.gain).all()


def test_batches_do_not_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Sequential(nn.Conv1d(1, 4, 9), nn.ReLU(), nn.Conv1d(4, 3, 5)).double()
    calls: list[tuple[int, int]] = []
    together = gains(model, "2", progress=lambda *n: calls.append(n))
    assert calls[-1] == (76, 76) and calls[0] == (16, 76)
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    np.testing.assert_allclose(gains(model, "2").gain, together.gain)


def test_a_trained_model_has_a_best_frequency_for_each_map(tmp_path: Path) -> None:
    subject = Subject("vowel-name")
    layer = list(subject.taps())[-1]
    result = tone_response(subject, layer=layer, bins_per_octave=3)
    save(result, tmp_path / "tones.nc")
    xr.testing.assert_identical(open_result(tmp_path / "tones.nc"), result)
    np.testing.assert_array_equal(result.best_gain, result.gain.max("frequency"))
    heard = result.best_frequency.dropna("channel")
    assert heard.size and heard.isin(result.frequency).all()
    assert result.attrs["layer"] == layer


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "conv9"}, "no tap is named 'conv9'"),
        ({"frequencies": [5000.0]}, "4000 Hz"),
        ({"frequencies": []}, "frequencies"),
        ({"amplitude": 0.0}, "amplitude"),
        ({"minimum_frequency": 0.0}, "minimum_frequency"),
        ({"bins_per_octave": 0}, "bins_per_octave"),
        ({"duration": 0.0}, "duration has to be"),
        ({"duration": float("nan")}, "duration has to be"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        tone_response(Subject(convolution(torch.eye(4)), RATE), **{"layer": "conv1d", "duration": 0.125, **options})
