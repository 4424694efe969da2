"""Response spectra against numpy written from the equations, on layers built in the ways that people build them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.fft import dct
from torch import Tensor, nn

from otoscope import InputError, load
from otoscope.methods import crs, strs
from otoscope.methods.strs import crs_of_stream

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
    return torch.randn(1, 1, length, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("basis", [fourier_basis, dct_basis])
def test_with_an_orthonormal_basis_it_is_the_magnitude_of_the_short_time_fourier_transform(
    basis: Callable[[int], np.ndarray],
) -> None:
    kernels = basis(32)
    assert np.allclose(kernels @ kernels.T, np.eye(32))
    x = sound()
    result = strs(convolution(kernels), x, sample_rate=RATE, n_fft=64)[0]
    expected = np.abs(np.fft.rfft(framed(x[0, 0].numpy(), 32, 10), 64)).T
    np.testing.assert_allclose(result.values, expected, atol=1e-10)


def test_axes_are_hertz_and_seconds_of_the_frames() -> None:
    result = strs(convolution(dct_basis(16), stride=5), sound(), sample_rate=RATE, n_fft=32)
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
    result = strs(model, x, sample_rate=RATE)[0]
    expected = equation_1(x[0, 0].numpy(), kernels, hop=10, n_fft=1024)
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
    result = strs(model, x, sample_rate=RATE, n_fft=64)[0]
    np.testing.assert_allclose(result.values, equation_1(x[0, 0].numpy(), kernels, 4, 64), atol=1e-9)


def test_weight_norm_is_seen_after_normalisation() -> None:
    plain = convolution(dct_basis(16)[:4])
    normed = nn.utils.parametrizations.weight_norm(convolution(dct_basis(16)[:4]))
    normed.parametrizations.weight.original1.data.mul_(7)  # only the direction counts
    x = sound()
    result = strs(normed, x, sample_rate=RATE, n_fft=64)
    np.testing.assert_allclose(result.values, strs(plain, x, sample_rate=RATE, n_fft=64).values, atol=1e-10)


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
    result = strs(Picture(), x, sample_rate=RATE, n_fft=64)
    np.testing.assert_allclose(result, strs(convolution(bank), x, sample_rate=RATE, n_fft=64), atol=1e-10)


def test_dilated_kernels_have_zeros_between_their_taps() -> None:
    bank = dct_basis(8)[:3]
    spread = np.zeros((3, 22))
    spread[:, ::3] = bank
    dilated = nn.Conv1d(1, 3, 8, stride=10, dilation=3, bias=False).double()
    dilated.weight.data.copy_(torch.from_numpy(bank)[:, None])
    x = sound()
    result = strs(dilated, x, sample_rate=RATE, n_fft=64)
    np.testing.assert_allclose(result, strs(convolution(spread), x, sample_rate=RATE, n_fft=64), atol=1e-10)


def test_logarithmic_scale_is_equation_1_at_frequencies_of_a_geometric_series() -> None:
    model, x = convolution(dct_basis(32)[3:9]), sound()
    result = strs(model, x, sample_rate=RATE, scale="log", bins_per_octave=6, minimum_frequency=125)[0]
    expected = 125 * 2 ** (np.arange(37) / 6)
    np.testing.assert_allclose(result.frequency, expected)
    assert result.frequency[-1] <= RATE / 2
    times = np.arange(32) - 16
    spectra = np.exp(-2j * np.pi * np.outer(expected, times) / RATE) @ dct_basis(32)[3:9].T
    responses = framed(x[0, 0].numpy(), 32, 10) @ dct_basis(32)[3:9].T
    np.testing.assert_allclose(result.values, np.abs(spectra @ responses.T), atol=1e-9)


def test_a_tone_is_at_its_frequency_on_either_scale() -> None:
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(4000, dtype=torch.float64) / RATE)[None, None]
    model = convolution(fourier_basis(256))
    for scale in ("linear", "log"):
        spectrum = crs(model, tone, sample_rate=RATE, scale=scale)[0]
        assert float(spectrum.idxmax("frequency")) == pytest.approx(1000, rel=0.02)


LOG = {"scale": "log", "bins_per_octave": 12}


@pytest.mark.parametrize("options", [{}, {"hop": 7}, {"n_fft": 128}, {"alignment": "start"}, LOG])
def test_crs_is_the_mean_of_the_strs_over_time_whole_or_in_blocks(options: dict[str, Any]) -> None:
    model, x = convolution(dct_basis(32)[3:9]), sound(1234)
    mean = strs(model, x, sample_rate=RATE, **options).mean("time")
    np.testing.assert_allclose(crs(model, x, sample_rate=RATE, **options), mean, rtol=1e-10)
    blocks = np.split(x[0, 0].numpy(), [1, 50, 51, 900])
    streamed = crs_of_stream(model, iter(blocks), x[..., :100], sample_rate=RATE, **options)
    np.testing.assert_allclose(streamed, mean, rtol=1e-10)


def test_a_larger_hop_takes_every_so_manieth_frame() -> None:
    model, x = convolution(dct_basis(32)[3:9]), sound()
    every, third = strs(model, x, sample_rate=RATE), strs(model, x, sample_rate=RATE, hop=30)
    np.testing.assert_array_equal(third.time, every.time[::3])
    np.testing.assert_allclose(third, every[..., ::3], rtol=1e-10)


def test_clips_of_a_batch_do_not_mix() -> None:
    model, x = convolution(dct_basis(32)[3:9]), torch.cat([sound(), 3 * sound().flip(-1)])
    together = strs(model, x, sample_rate=RATE)
    for i in range(2):
        np.testing.assert_allclose(together[i], strs(model, x[i : i + 1], sample_rate=RATE)[0], rtol=1e-10)


def test_silence_has_an_empty_spectrum() -> None:
    assert (strs(convolution(dct_basis(32)), torch.zeros(1, 1, 400).double(), sample_rate=RATE) == 0).all()


def two_layers() -> nn.Module:
    return nn.Sequential(nn.Conv1d(1, 4, 16, stride=2), nn.ReLU(), nn.Conv1d(4, 2, 3)).double()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "2"}, r"'2'.*one channel"),
        ({"layer": "conv9"}, r"no layer is named 'conv9'; the layers are 0, 2"),
        ({"n_fft": 8}, r"n_fft is 8 .* 16"),
        ({"n_fft": 0}, r"n_fft has to be the width of a kernel or more, not 0"),
        ({"hop": 0}, r"hop .* at least 1"),
        ({"alignment": "end"}, r"'centre' or 'start'"),
        ({"scale": "mel"}, r"'linear' or 'log'"),
        ({"scale": "log", "minimum_frequency": 9000}, r"minimum_frequency .* 8000 Hz"),
        ({"scale": "log", "bins_per_octave": 0}, r"bins_per_octave"),
        ({"scale": "log", "bins_per_octave": 10**8}, r"bins_per_octave .* 1200"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    for method in (strs, crs):
        with pytest.raises(InputError, match=message):
            method(two_layers(), sound(), sample_rate=RATE, **options)


def test_a_model_without_convolution_has_no_first_layer() -> None:
    with pytest.raises(InputError, match="no convolution"):
        strs(nn.Sequential(nn.Linear(700, 4), nn.ReLU()).double(), sound(), sample_rate=RATE)


def test_a_layer_that_reads_stereo_is_refused() -> None:
    with pytest.raises(InputError, match="one channel"):
        strs(nn.Conv1d(2, 4, 16), torch.zeros(1, 2, 100), sample_rate=RATE)


def test_an_answer_larger_than_memory_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("otoscope.methods.strs")

    monkeypatch.setattr(module, "_MOST_VALUES", 1000)
    with pytest.raises(InputError, match="larger hop, or ask for the CRS"):
        strs(convolution(dct_basis(32)), sound(), sample_rate=RATE)


def test_kernels_that_are_complex_or_not_finite_are_refused_by_name() -> None:
    complex_layer = nn.Conv1d(1, 4, 16, dtype=torch.cfloat)
    with pytest.raises(InputError, match="'conv1d' has complex kernels"):
        strs(complex_layer, torch.zeros(1, 1, 100, dtype=torch.cfloat), sample_rate=RATE)
    spoilt = nn.Sequential(nn.Conv1d(1, 4, 16))
    nn.init.constant_(spoilt[0].weight, torch.nan)
    with pytest.raises(InputError, match="'0' has weights that are NaN"):
        strs(spoilt, torch.zeros(1, 1, 100), sample_rate=RATE)
