"""Wigner-Ville distributions of first layers of many kinds."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope.contract import Contract
from otoscope.dsp.wigner import wigner_ville
from otoscope.errors import InputError
from otoscope.methods.wigner import wigner
from otoscope.models import load
from otoscope.results import open_result, save
from otoscope.subject import Subject

sys.path.insert(0, str(Path(__file__).parents[1] / "probe"))
RATE = 16_000


def first_layer(*kernels: Tensor) -> nn.Module:
    """A layer of these kernels; several widths become parallel branches."""

    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convs = nn.ModuleList()
            for kernel in kernels:
                conv = nn.Conv1d(1, len(kernel), kernel.shape[1], stride=10, bias=False)
                conv.weight.data.copy_(kernel[:, None])
                self.convs.append(conv)

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([conv(nn.functional.pad(x, (0, conv.kernel_size[0] - 1))) for conv in self.convs], 1)

    return Branches()


def gabor(width: int, frequency: float) -> Tensor:
    time = (torch.arange(width) - width // 2) / RATE
    return torch.hann_window(width, periodic=False) * torch.cos(2 * torch.pi * frequency * time)


def ask(model: nn.Module, **options: Any) -> xr.Dataset:
    return wigner(Subject(model, RATE), **options)


def test_energy_is_the_sum_over_the_kernels_and_keeps_both_marginals() -> None:
    torch.manual_seed(0)
    model = nn.Conv1d(1, 20, 300, stride=10)
    result = ask(model, distributions=True)
    kernels = model.weight.detach()[:, 0]
    np.testing.assert_allclose(result.distribution, wigner_ville(kernels), atol=1e-6)
    np.testing.assert_allclose(result.energy, result.distribution.sum("kernel"), atol=1e-5)
    z = scipy.signal.hilbert(kernels.numpy().astype(np.float64))
    over_time = result.energy.sum("frequency")[::2]
    np.testing.assert_allclose(over_time, (np.abs(z) ** 2).sum(0), rtol=1e-4, atol=1e-4)
    over_frequency = (np.abs(np.fft.fft(z, 600)[:, :300]) ** 2).sum(0) / 300
    np.testing.assert_allclose(result.energy.sum("time"), over_frequency, rtol=1e-3, atol=1e-3)


def test_peaks_lie_where_the_kernels_were_put() -> None:
    frequencies = (400.0, 1500.0, 6000.0)
    model = first_layer(torch.stack([gabor(301, f) for f in frequencies]))
    result = ask(model)
    np.testing.assert_allclose(result.peak_frequency, frequencies, atol=RATE / 301)
    np.testing.assert_allclose(result.peak_time, 0, atol=2 / RATE)
    assert result.frequency.values[0] == 0 and result.frequency.values[-1] < RATE / 2
    assert result.frequency.attrs["units"] == "Hz" and result.time.attrs["units"] == "s"
    np.testing.assert_allclose(np.diff(result.time), 0.5 / RATE)


def test_kernels_of_several_widths_are_aligned_at_their_centres() -> None:
    model = first_layer(gabor(30, 3000.0)[None], gabor(150, 1000.0)[None], gabor(301, 500.0)[None])
    result = ask(model)
    assert result.width.values.tolist() == [30, 150, 301]
    assert result.kernels.shape == (3, 301)
    np.testing.assert_allclose(result.peak_time, 0, atol=2 / RATE)
    np.testing.assert_allclose(result.peak_frequency, [3000, 1000, 500], atol=150)
    assert not result.kernels[0, : 150 - 15].any() and not result.kernels[0, 150 + 15 :].any()


def test_the_peak_of_two_components_is_one_of_them_and_not_their_interference() -> None:
    kernel = gabor(301, 1000.0) + 0.98 * gabor(301, 5000.0)
    result = ask(first_layer(kernel[None]), distributions=True)
    row = int(result.distribution[0].max("time").argmax("frequency"))
    assert abs(float(result.frequency[row]) - 3000) < 200  # the largest value lies midway
    np.testing.assert_allclose(result.peak_frequency, 1000, atol=RATE / 301)
    np.testing.assert_allclose(result.peak_time, 0, atol=2 / RATE)


def test_a_dead_kernel_has_no_peak() -> None:
    result = ask(first_layer(torch.stack([gabor(64, 2000.0), torch.zeros(64)])))
    assert np.isfinite(result.peak_frequency[0]) and np.isnan(result.peak_frequency[1])
    assert float(result.peak[1]) == 0


def test_it_is_kept_small_and_can_be_read_back(tmp_path: Path) -> None:
    result = ask(nn.Conv1d(1, 80, 300, stride=10))
    assert "distribution" not in result and result.nbytes < 2e6
    save(result, tmp_path / "wigner.nc")
    loaded = open_result(tmp_path / "wigner.nc")
    xr.testing.assert_identical(loaded, result)
    assert loaded.attrs["method"] == "wigner" and "Fig. 4" in loaded.attrs["source"]
    used = json.loads(loaded.attrs["arguments"])
    assert (used["layer"], used["n_fft"], used["distributions"]) == ("conv1d", 300, False)


@pytest.mark.parametrize("name", ["cnn12", "res-tssdnet", "swam-segmental", "swam-multiresolution", "vowel-name"])
def test_models_by_name(name: str) -> None:
    result = wigner(Subject(load(name, **({"width": 0.1} if name == "cnn12" else {}))))
    assert np.isfinite(result.energy).all() and (result.peak > 0).all()
    assert result.attrs["model"] == name
    if name == "swam-multiresolution":
        assert sorted(set(result.width.values.tolist())) == [10, 30, 50, 70, 90, 150, 300, 500]


@pytest.mark.parametrize("name", ["sinc", "weight_norm", "multi_resolution", "rows", "framed", "wav2vec2_group"])
def test_kernels_that_are_computed_or_written_otherwise(name: str) -> None:
    from probe_zoo import build

    model, x = build(name)
    result = wigner(Subject(model, RATE, contract=Contract(length=x.shape[-1])))
    assert np.isfinite(result.energy).all() and float(result.energy.max()) > 0


def test_layers_without_a_waveform_are_refused(cnn12: nn.Module) -> None:
    with pytest.raises(InputError, match="waveform of one channel"):
        wigner(Subject(cnn12), layer="conv2")
    with pytest.raises(InputError, match="no layer is named 'nowhere'"):
        wigner(Subject(cnn12), layer="nowhere")
    for option in ({"n_fft": 0}, {"n_fft": -1}, {"n_kernels": 0}):
        with pytest.raises(InputError, match="1 or more"):
            ask(nn.Conv1d(1, 4, 300), **option)


def test_wide_kernels_cost_little_and_are_smoothed() -> None:
    """Half of a constant-Q bank: the marginals are those of the equation, smoothed by the window that is stated."""
    width, frequencies = 4096, (200.0, 1000.0, 3000.0)
    model = first_layer(torch.stack([gabor(width, f) for f in frequencies]))
    result = ask(model)
    assert result.energy.shape == (1024, 1024)
    np.testing.assert_allclose(np.diff(result.time), 8 / 2 / RATE)
    np.testing.assert_allclose(result.peak_frequency, frequencies, atol=RATE / 1024)
    np.testing.assert_allclose(result.peak_time, 0, atol=8 / RATE)
    z = scipy.signal.hilbert(np.stack([gabor(width, f).numpy().astype(float) for f in frequencies]))
    twice = 2 * (np.abs(z) ** 2).sum()
    np.testing.assert_allclose(float(result.energy.sum()) * 8, twice, rtol=1e-3)
    lags = np.arange(-1023, 1024)
    pairs = np.stack([np.correlate(one, one, "full")[width - 1 + lags] for one in z]).sum(0)
    window = np.cos(np.pi * lags / 2048) ** 2
    over_time = [(pairs * window * np.exp(-1j * np.pi * k * lags / 1024)).sum().real / 1024 for k in range(1024)]
    found = result.energy.sum("time") * 8
    np.testing.assert_allclose(found, over_time, atol=1e-3 * max(over_time))


def test_a_huge_bank_is_thinned_out_and_says_so() -> None:
    kernels = torch.stack([gabor(301, 200.0 + 100 * n) for n in torch.randperm(60).tolist()])
    result = ask(first_layer(kernels), n_kernels=7)
    assert result.sizes["kernel"] == 7 and json.loads(result.attrs["arguments"])["n_kernels"] == 7
    spread = np.sort(result.peak_frequency)
    assert spread[0] < 300 and spread[-1] > 6000 and np.ptp(np.diff(spread)) < 300
    assert result.attrs["kernels_of_the_layer"] == 60
    np.testing.assert_allclose(result.kernels, kernels[result.kernel.values.tolist()])
    assert ask(first_layer(kernels)).sizes["kernel"] == 60


def test_too_many_distributions_are_refused() -> None:
    with pytest.raises(InputError, match=r"would take \d+ GiB: leave out distributions"):
        ask(nn.Conv1d(1, 10, 400), n_fft=100_000, distributions=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that CUDA can use")
def test_a_gpu_gives_the_same() -> None:
    model = nn.Conv1d(1, 20, 100, stride=10)
    expected = ask(model)
    found = ask(model.cuda())
    np.testing.assert_allclose(found.energy, expected.energy, atol=1e-5)
