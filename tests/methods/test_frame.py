"""One frame and the filters that fire most, against their equations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.fft import dct
from torch import Tensor, nn

from otoscope import InputError, Scope, load
from otoscope.data.vowels import mean_vowel, synthesise
from otoscope.dsp.kernels import bandpass_bank
from otoscope.methods import f_vowel, frame_response, strs

RATE = 16_000


def convolution(kernels: Tensor, stride: int = 10) -> nn.Conv1d:
    layer = nn.Conv1d(1, len(kernels), kernels.shape[1], stride=stride, bias=False).to(kernels.dtype)
    layer.weight.data = kernels[:, None].clone()
    return layer


def sound(length: int = 700) -> Tensor:
    return torch.randn(2, 1, length, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def tone(*frequencies: float, length: int = 4000) -> Tensor:
    time = torch.arange(length) / RATE
    return torch.stack([torch.sin(2 * torch.pi * f * time) for f in frequencies])[:, None]


def test_with_an_orthonormal_basis_the_response_is_the_spectrum_of_the_frame() -> None:
    model = convolution(torch.from_numpy(dct(np.eye(32), norm="ortho", axis=0)))
    result = frame_response(model, sound(), sample_rate=RATE, time=0.02, n_fft=64)
    np.testing.assert_allclose(result.response, result.spectrum, atol=1e-10)
    np.testing.assert_allclose(result.spectrum, np.abs(np.fft.rfft(result.input, 64)), atol=1e-10)
    np.testing.assert_array_equal(result.input[1], sound()[1, 0, 320 - 16 : 320 + 16])


def test_equation_2_by_hand() -> None:
    kernels, x = torch.randn(5, 30, dtype=torch.float64), sound()
    result = frame_response(convolution(kernels), x, sample_rate=RATE, time=300 / RATE, n_fft=64)
    frame = x[0, 0, 285:315].numpy()
    expected = np.abs(sum((frame @ kernel) * np.fft.rfft(kernel, 64) for kernel in kernels.numpy()))
    np.testing.assert_allclose(result.response[0], expected, atol=1e-10)


def test_it_is_the_column_of_the_strs_at_that_time_also_for_several_widths() -> None:
    model = load("swam-multiresolution", n_classes=3, input_length=4000).double()
    x = torch.randn(1, 1, 4000, dtype=torch.float64)
    result = frame_response(model, x, sample_rate=RATE, time=0.1)
    column = strs(model, x, sample_rate=RATE).sel(time=0.1)
    np.testing.assert_allclose(result.response, column, atol=1e-9 * float(column.max()))


def test_by_default_the_frame_of_most_energy_is_taken() -> None:
    x = torch.zeros(2, 1, 700, dtype=torch.float64)
    x[0, 0, 203], x[1, 0, 588] = 1.0, -1.0
    result = frame_response(convolution(torch.randn(3, 9).double(), stride=4), x, sample_rate=RATE)
    np.testing.assert_allclose(result.frame_time * RATE, [203, 588], atol=4)
    assert (abs(result.input).sum("lag") == 1).all()


def test_frames_at_the_ends_have_zeros_beyond_the_sound() -> None:
    x = sound()
    for time, inside in ((0.0, slice(16, None)), (699 / RATE, slice(None, 17))):
        frame = frame_response(convolution(torch.eye(32).double()), x, sample_rate=RATE, time=time).input[0]
        is_inside = np.zeros(32, dtype=bool)
        is_inside[inside] = True
        np.testing.assert_array_equal(frame.values != 0, is_inside)


@pytest.mark.parametrize("time", [-0.1, 1.0, float(700 / RATE), float("nan"), float("inf")])
def test_a_time_outside_the_sound_is_refused(time: float) -> None:
    with pytest.raises(InputError, match=r"lasts 0.04375 s"):
        frame_response(convolution(torch.eye(8).double()), sound(), sample_rate=RATE, time=time)


def test_f_vowel_of_a_tone_is_the_filter_tuned_to_it() -> None:
    bank = bandpass_bank([(low, low + 500) for low in range(0, 4000, 500)], 251, RATE)
    result = f_vowel(convolution(bank), tone(750, 3250), sample_rate=RATE, n_fft=512)
    peaks = result.frequency[result.f_vowel.argmax("frequency")]
    assert abs(peaks - [750, 3250]).max() < 250
    assert result.firing.argmax("kernel").values.tolist() == [1, 6]
    assert result.firing.max("kernel").min() > 0.9


def test_f_vowel_by_hand() -> None:
    kernels, x = torch.randn(9, 31, dtype=torch.float64), sound()
    result = f_vowel(convolution(kernels), x, sample_rate=RATE, top=3, n_fft=64)
    padded = np.pad(x[0, 0].numpy(), (15, 15))
    answers = np.array([[abs(padded[j : j + 31] @ kernel) for kernel in kernels.numpy()] for j in range(0, 700, 10)])
    counts = np.bincount(answers.argmax(1), minlength=9)
    np.testing.assert_allclose(result.firing[0], counts / 70)
    taken = np.flatnonzero(result.taken[0])
    assert sorted(counts[taken]) == sorted(counts)[-3:]
    expected = np.average(np.abs(np.fft.rfft(kernels.numpy(), 64))[taken], axis=0, weights=counts[taken])
    np.testing.assert_allclose(result.f_vowel[0], expected, atol=1e-10)


def test_nothing_fires_in_silence() -> None:
    result = f_vowel(convolution(torch.randn(6, 9)), torch.zeros(1, 1, 500), sample_rate=RATE)
    assert not result.f_vowel.any() and not result.firing.any() and not result.taken.any()


def test_the_trained_vowel_models_answer_a_vowel(tmp_path: Path) -> None:
    scope = Scope(load("vowel-name"))
    wave = synthesise(mean_vowel("ah", "men"), scope.sample_rate)
    for result in (scope.frame_response(wave), scope.frame_response(wave, 0.1), scope.f_vowel(wave)):
        assert "clip" not in result.dims and result.attrs["model_sha256"] == scope.digest
        result.otoscope.save(tmp_path / "result.nc")
        with xr.open_dataset(tmp_path / "result.nc") as back:
            xr.testing.assert_allclose(back.load(), result)


def test_a_wrong_number_of_filters_is_refused() -> None:
    with pytest.raises(InputError, match="has to be 1 or more"):
        f_vowel(convolution(torch.eye(8).double()), sound(), sample_rate=RATE, top=0)
