"""The filters that fire most, against their equation."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from otoscope.data.vowels import vowel_clip
from otoscope.dsp.kernels import bandpass_bank
from otoscope.errors import InputError
from otoscope.methods.f_vowel import f_vowel
from otoscope.subject import Subject

RATE = 16_000


def subject_of(kernels: Tensor, stride: int = 10) -> Subject:
    layer = nn.Conv1d(1, len(kernels), kernels.shape[1], stride=stride, bias=False).to(kernels.dtype)
    layer.weight.data = kernels[:, None].clone()
    return Subject(layer, RATE)


def sound(length: int = 700) -> Tensor:
    return torch.randn(2, length, generator=torch.Generator().manual_seed(1))


def tone(*frequencies: float, length: int = 4000) -> Tensor:
    time = torch.arange(length) / RATE
    return torch.stack([torch.sin(2 * torch.pi * f * time) for f in frequencies])


def test_f_vowel_of_a_tone_is_the_filter_tuned_to_it() -> None:
    bank = bandpass_bank([(low, low + 500) for low in range(0, 4000, 500)], 251, RATE)
    result = f_vowel(subject_of(bank), tone(750, 3250), n_fft=512)
    peaks = result.frequency[result.f_vowel.argmax("frequency")]
    assert abs(peaks - [750, 3250]).max() < 250
    np.testing.assert_array_equal(result.peak_frequency, peaks)
    assert result.firing.argmax("kernel").values.tolist() == [1, 6]
    assert result.firing.max("kernel").min() > 0.9


def test_f_vowel_by_hand() -> None:
    kernels, x = torch.randn(9, 31, dtype=torch.float64), sound()
    result = f_vowel(subject_of(kernels), x, n_filters=3, n_fft=64)
    padded = np.pad(x[0].double().numpy(), (15, 15))
    answers = np.array([[abs(padded[j : j + 31] @ kernel) for kernel in kernels.numpy()] for j in range(0, 700, 10)])
    counts = np.bincount(answers.argmax(1), minlength=9)
    np.testing.assert_allclose(result.firing[0], counts / 70)
    taken = np.flatnonzero(result.taken[0])
    assert sorted(counts[taken]) == sorted(counts)[-3:]
    expected = np.average(np.abs(np.fft.rfft(kernels.numpy(), 64))[taken], axis=0, weights=counts[taken])
    np.testing.assert_allclose(result.f_vowel[0], expected, atol=1e-10)


def test_nothing_fires_in_silence() -> None:
    result = f_vowel(subject_of(torch.randn(6, 9)), torch.zeros(500))
    assert not result.f_vowel.any() and not result.firing.any() and not result.taken.any()
    assert np.isnan(result.peak_frequency)


def test_the_filters_of_a_trained_model_that_fire_most_in_a_vowel_pass_its_first_formant() -> None:
    subject = Subject("vowel-name")
    wave = vowel_clip("ah", "men")
    result = f_vowel(subject, wave)
    assert "clip" not in result.dims and json.loads(result.attrs["arguments"])["layer"] == "conv1"
    assert float(result.peak_frequency) == pytest.approx(wave.attrs["formants"][0], rel=0.25)


def test_a_wrong_number_of_filters_is_refused() -> None:
    with pytest.raises(InputError, match="n_filters has to be 1 or more, not 0"):
        f_vowel(subject_of(torch.eye(8)), sound(), n_filters=0)
