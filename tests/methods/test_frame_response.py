"""The response to one frame, against its equation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.fft import dct
from torch import Tensor, nn

from otoscope.data.vowels import mean_vowel, synthesise
from otoscope.errors import InputError
from otoscope.methods.frame_response import frame_response
from otoscope.methods.strs import strs
from otoscope.models import load
from otoscope.results import open_result, save
from otoscope.subject import Subject

RATE = 16_000


def convolution(kernels: Tensor, stride: int = 10) -> nn.Conv1d:
    layer = nn.Conv1d(1, len(kernels), kernels.shape[1], stride=stride, bias=False).to(kernels.dtype)
    layer.weight.data = kernels[:, None].clone()
    return layer


def sound(length: int = 700) -> Tensor:
    return torch.randn(2, length, generator=torch.Generator().manual_seed(1))


def test_with_an_orthonormal_basis_the_response_is_the_spectrum_of_the_frame() -> None:
    model = convolution(torch.from_numpy(dct(np.eye(32), norm="ortho", axis=0)))
    result = frame_response(Subject(model, RATE), sound(), time=0.02, n_fft=64)
    np.testing.assert_allclose(result.frame_response, result.spectrum, atol=1e-10)
    np.testing.assert_allclose(result.spectrum, np.abs(np.fft.rfft(result.input, 64)), atol=1e-10)
    np.testing.assert_array_equal(result.input[1], sound()[1, 320 - 16 : 320 + 16])


def test_equation_2_by_hand() -> None:
    kernels, x = torch.randn(5, 30, dtype=torch.float64), sound()
    result = frame_response(Subject(convolution(kernels), RATE), x, time=300 / RATE, n_fft=64)
    frame = x[0, 285:315].double().numpy()
    expected = np.abs(sum((frame @ kernel) * np.fft.rfft(kernel, 64) for kernel in kernels.numpy()))
    np.testing.assert_allclose(result.frame_response[0], expected, atol=1e-10)


def test_it_is_the_column_of_the_strs_at_that_time_also_for_several_widths() -> None:
    model = load("swam-multiresolution", n_classes=3, input_length=4000).double()
    x = torch.randn(4000)
    result = frame_response(Subject(model, RATE), x, time=0.1)
    column = strs(Subject(model, RATE), x).strs.sel(time=0.1)
    np.testing.assert_allclose(result.frame_response, column, atol=1e-9 * float(column.max()))


def test_by_default_the_frame_of_most_energy_is_taken() -> None:
    x = torch.zeros(2, 700)
    x[0, 203], x[1, 588] = 1.0, -1.0
    result = frame_response(Subject(convolution(torch.randn(3, 9).double(), stride=4), RATE), x)
    np.testing.assert_allclose(result.frame_time * RATE, [203, 588], atol=4)
    assert (abs(result.input).sum("lag") == 1).all()


def test_frames_at_the_ends_have_zeros_beyond_the_sound() -> None:
    x = sound()
    for time, inside in ((0.0, slice(16, None)), (699 / RATE, slice(None, 17))):
        frame = frame_response(Subject(convolution(torch.eye(32).double()), RATE), x, time=time).input[0]
        is_inside = np.zeros(32, dtype=bool)
        is_inside[inside] = True
        np.testing.assert_array_equal(frame.values != 0, is_inside)


@pytest.mark.parametrize("time", [-0.1, 1.0, float(700 / RATE), float("nan"), float("inf")])
def test_a_time_outside_the_sound_is_refused(time: float) -> None:
    with pytest.raises(InputError, match=r"lasts 0.04375 s"):
        frame_response(Subject(convolution(torch.eye(8).double()), RATE), sound(), time=time)


def test_the_peak_of_a_tone_is_at_its_frequency() -> None:
    tone = torch.sin(2 * torch.pi * 1500 * torch.arange(4000) / RATE)
    model = convolution(torch.from_numpy(dct(np.eye(256), norm="ortho", axis=0)))
    assert float(frame_response(Subject(model, RATE), tone).peak_frequency) == pytest.approx(1500, abs=RATE / 512)
    assert np.isnan(frame_response(Subject(model, RATE), 0 * tone).peak_frequency)


def test_the_trained_vowel_model_answers_a_vowel(tmp_path: Path) -> None:
    subject = Subject("vowel-name")
    wave = synthesise(mean_vowel("ah", "men"), subject.sample_rate)
    for time in (None, 0.1):
        result = frame_response(subject, wave, time=time)
        assert "clip" not in result.dims and result.attrs["model_sha256"] == subject.digest
        save(result, tmp_path / "result.nc")
        xr.testing.assert_identical(open_result(tmp_path / "result.nc"), result)
