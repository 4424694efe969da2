"""Filters that start as band-passes, measured."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from otoscope.dsp.kernels import bandwidth, centre_frequency, half_power_band
from otoscope.errors import InputError
from otoscope.models import start_from_bands

RATE = 16_000


def kernels(bands: object, filters: int, width: int = 1001) -> torch.Tensor:
    convolution = nn.Conv1d(1, filters, width)
    start_from_bands(convolution, bands, RATE)  # type: ignore[arg-type]
    assert not convolution.bias.any()
    return convolution.weight.detach()[:, 0]


def test_even_bands_share_all_frequencies() -> None:
    bank = kernels("even", 8)
    assert centre_frequency(bank, RATE)[1:-1].tolist() == pytest.approx(range(1500, 7000, 1000), abs=5)
    assert bandwidth(bank, RATE)[1:-1].tolist() == pytest.approx([1000] * 6, abs=30)


def test_mel_bands_are_equal_on_the_mel_scale() -> None:
    edges = half_power_band(kernels("mel", 8), RATE).numpy()
    mels = 2595 * np.log10(1 + edges / 700)
    step = 2595 * np.log10(1 + 8000 / 700) / 8
    assert np.diff(mels)[2:-1, 0] == pytest.approx(step, rel=0.05)
    assert mels[2:-1, 0] == pytest.approx(step * np.arange(2, 7), abs=0.05 * step)


def test_any_bands_in_any_order() -> None:
    bands = [(3000, 3500), (200, 400), (5000, 7000)]
    found = half_power_band(kernels(bands, 3), RATE)
    assert found.tolist() == [pytest.approx(pair, abs=20) for pair in bands]


def test_bands_pass_what_lies_in_them_at_its_level() -> None:
    convolution = nn.Conv1d(1, 2, 1001)
    start_from_bands(convolution, [(500, 1500), (2000, 3000)], RATE)
    tone = torch.cos(2 * torch.pi * 1000 / RATE * torch.arange(RATE))
    heard = convolution(tone[None, None])[0].detach().abs().amax(-1)
    assert heard.tolist() == pytest.approx([1, 0], abs=0.01)


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ("bark", "even, mel or pairs"),
        ([(100, 200)], "1 bands for 3 filters"),
        ([(100, 200), (300, 200), (1, 2)], "rising"),
        ([(100, 200), (300, 400), (500, 9000)], "8000"),
    ],
)
def test_bands_that_cannot_be(bands: object, message: str) -> None:
    convolution = nn.Conv1d(1, 3, 31)
    before = convolution.weight.detach().clone()
    with pytest.raises(InputError, match=message):
        start_from_bands(convolution, bands, RATE)  # type: ignore[arg-type]
    assert torch.equal(convolution.weight, before)


def test_only_a_convolution_of_the_waveform() -> None:
    with pytest.raises(InputError, match="one input channel"):
        start_from_bands(nn.Conv1d(2, 3, 31), "even", RATE)
