"""Short-time response spectra against numpy written from the equation, on layers built in the ways that people do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import xarray as xr
from scipy.fft import dct
from torch import Tensor, nn

import otoscope.methods.strs as module
from otoscope.errors import InputError
from otoscope.methods.crs import crs
from otoscope.methods.strs import strs
from otoscope.models import load
from otoscope.subject import Subject

RATE = 16_000


def fourier_basis(n: int) -> np.ndarray:
    """Orthonormal real Fourier basis, a sine and a cosine a row."""
    t = np.arange(n)
    rows = [np.ones(n) / np.sqrt(n), (-1.0) ** t / np.sqrt(n)]
    for k in range(1, n // 2):
        rows += [np.sqrt(2 / n) * f(2 * np.pi * k * t / n) for f in (np.cos, np.sin)]
    return np.stack(rows)


def dct_basis(n: int) -> np.ndarray:
    return dct(np.eye(n), norm="ortho", axis=0)


def framed(signal: np.ndarray, width: int, hop: int) -> np.ndarray:
    """Frames (frame, width) with sample ``j * hop`` at place ``width // 2``."""
    padded = np.concatenate([np.zeros(width // 2), signal, np.zeros(width)])
    return np.stack([padded[j : j + width] for j in range(0, len(signal), hop)])


def equation_1(signal: np.ndarray, kernels: list[np.ndarray], hop: int, n_fft: int) -> np.ndarray:
    """SWAM eq. 1, kernel by kernel: the middle of each kernel is time 0 of its spectrum and of its response."""
    frequencies = 2 * np.pi * np.arange(n_fft // 2 + 1) / n_fft
    total = np.zeros((n_fft // 2 + 1, -(-len(signal) // hop)), complex)
    for kernel in kernels:
        times = np.arange(len(kernel)) - len(kernel) // 2
        spectrum = np.exp(-1j * np.outer(frequencies, times)) @ kernel
        response = framed(signal, len(kernel), hop) @ kernel
        total += np.outer(spectrum, response)
    return np.abs(total)


def convolution(kernels: np.ndarray, stride: int = 10) -> nn.Conv1d:
    layer = nn.Conv1d(1, len(kernels), kernels.shape[1], stride=stride, bias=False).double()
    layer.weight.data.copy_(torch.from_numpy(kernels)[:, None])
    return layer


def sound(length: int = 700) -> Tensor:
    return torch.randn(length, generator=torch.Generator().manual_seed(1))


def spectra(model: nn.Module, wave: Tensor, **options: Any) -> xr.DataArray:
    return strs(Subject(model, RATE), wave, **options)["strs"]


@pytest.mark.parametrize("basis", [fourier_basis, dct_basis])
def test_with_an_orthonormal_basis_it_is_the_magnitude_of_the_short_time_fourier_transform(
    basis: Callable[[int], np.ndarray],
) -> None:
    kernels = basis(32)
    assert np.allclose(kernels @ kernels.T, np.eye(32))
    x = sound()
    result = spectra(convolution(kernels), x, n_fft=64)
    expected = np.abs(np.fft.rfft(framed(x.double().numpy(), 32, 10), 64)).T
    np.testing.assert_allclose(result.values, expected, atol=1e-10)


def test_axes_are_hertz_and_seconds_of_the_frames() -> None:
    result = spectra(convolution(dct_basis(16), stride=5), sound(), n_fft=32)
    np.testing.assert_allclose(result.frequency, np.arange(17) * RATE / 32)
    np.testing.assert_allclose(result.time, np.arange(140) * 5 / RATE)
    assert result.frequency.attrs["units"] == "Hz" and result.time.attrs["units"] == "s"


def test_multi_resolution_layer_is_equation_1_over_all_its_branches() -> None:
    torch.manual_seed(0)
    model = load("swam-multiresolution", n_classes=3, input_length=4000).double()
    x = sound(4000)
    branches = model.features.conv1.branches.values()
    kernels = [kernel.numpy() for branch in branches for kernel in branch.weight.detach()[:, 0]]
    assert {len(kernel) for kernel in kernels} == {10, 30, 50, 70, 90, 150, 300, 500}
    result = spectra(model, x)
    expected = equation_1(x.double().numpy(), kernels, hop=10, n_fft=1024)
    np.testing.assert_allclose(result.values, expected, atol=1e-9 * expected.max())


class Computed(nn.Module):
    """Kernels that exist only while the layer runs, as in SincNet."""

    def __init__(self) -> None:
        super().__init__()
        self.centre = nn.Parameter(torch.linspace(0.02, 0.4, 6, dtype=torch.float64))

    def kernels(self) -> Tensor:
        t = torch.arange(25, dtype=torch.float64) - 12
        return torch.cos(2 * torch.pi * self.centre[:, None] * t) * torch.hann_window(25, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(x, self.kernels()[:, None], stride=4)


def test_computed_kernels_are_used_as_they_were_computed() -> None:
    model, x = nn.Sequential(Computed(), nn.ReLU()), sound()
    kernels = list(model[0].kernels().detach().numpy())
    result = spectra(model, x, n_fft=64)
    np.testing.assert_allclose(result.values, equation_1(x.double().numpy(), kernels, 4, 64), atol=1e-9)


def test_weight_norm_is_seen_after_normalisation() -> None:
    plain = convolution(dct_basis(16)[:4])
    normed = nn.utils.parametrizations.weight_norm(convolution(dct_basis(16)[:4]))
    normed.parametrizations.weight.original1.data.mul_(7)  # only the direction counts
    x = sound()
    result = spectra(normed, x, n_fft=64)
    np.testing.assert_allclose(result.values, spectra(plain, x, n_fft=64).values, atol=1e-10)


@pytest.mark.parametrize(
    ("kernel", "shape"), [((16, 1), (1, 1, -1, 1)), ((1, 16), (1, 1, 1, -1))], ids=["column", "row"]
)
def test_a_convolution_written_in_two_dimensions_is_the_one_in_one(
    kernel: tuple[int, int], shape: tuple[int, ...]
) -> None:
    bank = dct_basis(16)[:5]
    layer = nn.Conv2d(1, 5, kernel, stride=tuple(10 if n > 1 else 1 for n in kernel), bias=False).double()
    layer.weight.data.copy_(torch.from_numpy(bank).reshape(layer.weight.shape))

    class Picture(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x.reshape(shape))

    x = sound()
    result = spectra(Picture(), x, n_fft=64)
    np.testing.assert_allclose(result, spectra(convolution(bank), x, n_fft=64), atol=1e-10)


def test_dilated_kernels_have_zeros_between_their_taps() -> None:
    bank = dct_basis(8)[:3]
    spread = np.zeros((3, 22))
    spread[:, ::3] = bank
    dilated = nn.Conv1d(1, 3, 8, stride=10, dilation=3, bias=False).double()
    dilated.weight.data.copy_(torch.from_numpy(bank)[:, None])
    x = sound()
    result = spectra(dilated, x, n_fft=64)
    np.testing.assert_allclose(result, spectra(convolution(spread), x, n_fft=64), atol=1e-10)


def test_logarithmic_scale_is_equation_1_at_frequencies_of_a_geometric_series() -> None:
    model, x = convolution(dct_basis(32)[3:9]), sound()
    result = spectra(model, x, scale="log", bins_per_octave=6, minimum_frequency=125)
    expected = 125 * 2 ** (np.arange(37) / 6)
    np.testing.assert_allclose(result.frequency, expected)
    assert result.frequency[-1] <= RATE / 2
    times = np.arange(32) - 16
    transform = np.exp(-2j * np.pi * np.outer(expected, times) / RATE) @ dct_basis(32)[3:9].T
    responses = framed(x.double().numpy(), 32, 10) @ dct_basis(32)[3:9].T
    np.testing.assert_allclose(result.values, np.abs(transform @ responses.T), atol=1e-9)


def test_a_larger_hop_takes_every_so_manieth_frame() -> None:
    model, x = convolution(dct_basis(32)[3:9]), sound()
    every, third = spectra(model, x), spectra(model, x, hop=30)
    np.testing.assert_array_equal(third.time, every.time[::3])
    np.testing.assert_allclose(third, every[..., ::3], rtol=1e-10)


def test_clips_of_a_batch_do_not_mix() -> None:
    model, x = convolution(dct_basis(32)[3:9]), torch.stack([sound(), 0.3 * sound().flip(-1)])
    together = spectra(model, x)
    assert together.dims == ("clip", "frequency", "time")
    for i in range(2):
        np.testing.assert_allclose(together[i], spectra(model, x[i]), rtol=1e-10)


def test_silence_has_an_empty_spectrum_and_no_peak() -> None:
    result = strs(Subject(convolution(dct_basis(32)), RATE), torch.zeros(400))
    assert not result.strs.any() and np.isnan(result.peak_frequency).all()


def test_peaks_follow_a_chirp() -> None:
    time = torch.arange(4000, dtype=torch.float64) / RATE
    chirp = torch.sin(2 * torch.pi * (500 * time + 4000 * time**2))  # from 500 to 2500 Hz
    peaks = strs(Subject(convolution(fourier_basis(256)), RATE), chirp).peak_frequency
    inside = peaks.sel(time=slice(0.03, 0.22))
    np.testing.assert_allclose(inside, 500 + 8000 * inside.time, atol=80)


def test_what_was_used_by_default_is_in_the_arguments() -> None:
    model = nn.Sequential(nn.Conv1d(1, 4, 16, stride=7), nn.ReLU(), nn.Conv1d(4, 2, 3)).double()
    result = strs(Subject(model, RATE), sound())
    arguments = json.loads(result.attrs["arguments"])
    assert (arguments["layer"], arguments["hop"], arguments["n_fft"]) == ("0", 7, 1024)
    assert result.attrs["method"] == "strs"


def two_layers() -> nn.Module:
    return nn.Sequential(nn.Conv1d(1, 4, 16, stride=2), nn.ReLU(), nn.Conv1d(4, 2, 3)).double()


#: What both response spectra refuse.
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"layer": "2"}, r"'2'.*one channel"),
    ({"layer": "conv9"}, r"no layer is named 'conv9'; the layers are 0, 2"),
    ({"n_fft": 0}, r"n_fft has to be 1 or more, not 0"),
    ({"hop": 0}, r"hop .* at least 1"),
    ({"alignment": "end"}, r"'centre' or 'start'"),
    ({"scale": "mel"}, r"'linear' or 'log'"),
    ({"scale": "log", "minimum_frequency": 9000}, r"minimum_frequency .* 8000 Hz"),
    ({"scale": "log", "bins_per_octave": 0}, r"bins_per_octave"),
    ({"scale": "log", "bins_per_octave": 10**8}, r"bins_per_octave .* 1200"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    for method in (strs, crs):
        with pytest.raises(InputError, match=message):
            method(Subject(two_layers(), RATE), sound(), **options)


def test_a_model_without_convolution_has_no_first_layer() -> None:
    with pytest.raises(InputError, match="no convolution"):
        spectra(nn.Sequential(nn.Linear(700, 4), nn.ReLU()).double(), sound())


def test_a_layer_that_reads_stereo_is_refused() -> None:
    class Stereo(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(2, 4, 16)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(torch.cat([x, -x], 1))

    with pytest.raises(InputError, match="one channel"):
        spectra(Stereo(), sound())


def test_an_answer_larger_than_memory_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_VALUES", 1000)
    with pytest.raises(InputError, match="larger hop, or ask for the CRS"):
        spectra(convolution(dct_basis(32)), sound())


def test_kernels_that_are_complex_or_not_finite_are_refused_by_name() -> None:
    class Complex(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 4, 16, dtype=torch.cfloat)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x.cfloat()).abs()

    with pytest.raises(InputError, match="'conv' has complex kernels"):
        spectra(Complex(), sound())
    spoilt = nn.Sequential(nn.Conv1d(1, 4, 16))
    nn.init.constant_(spoilt[0].weight, torch.nan)
    with pytest.raises(InputError, match="'0' has weights that are NaN"):
        spectra(spoilt, sound())
