"""Tuning curves where they are known: of band-passes, rectifiers, powers and followers of the envelope."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope.dsp.kernels import bandpass_bank
from otoscope.errors import InputError
from otoscope.methods.tuning import tuning
from otoscope.subject import Subject

RATE = 8000
BANDS = [(400, 500), (900, 1300), (2000, 2600)]


class Power(nn.Module):
    """A power of the band-passes of a sound, smoothed and taken every 5 ms."""

    sample_rate = RATE

    def __init__(self, exponent: float = 1.0, smooth: int = 40) -> None:
        super().__init__()
        self.bank = nn.Conv1d(1, 3, 251, bias=False)
        self.bank.weight.data = bandpass_bank(BANDS, 251, RATE)[:, None]
        self.pool = nn.AvgPool1d(smooth, 40)
        self.exponent = exponent

    def forward(self, wave: Tensor) -> Tensor:
        return self.pool(self.bank(wave).abs() ** self.exponent).mean(-1)


def measured(model: nn.Module, layer: str = "pool", **options: Any) -> xr.Dataset:
    return tuning(Subject(model.eval(), RATE), layer=layer, **options)


def test_best_frequencies_and_widths_are_those_of_the_bands() -> None:
    found = measured(Power(), layer="bank", bins_per_octave=24, minimum_frequency=200.0)
    for channel, (low, high) in enumerate(BANDS):
        assert low * 0.97 <= found.best_frequency[channel] <= high * 1.03
        assert found.width[channel] == pytest.approx(math.log2(high / low), abs=0.12)


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_the_exponent_is_that_of_the_map(exponent: float) -> None:
    found = measured(Power(exponent), bins_per_octave=1)
    np.testing.assert_allclose(found.exponent, exponent, atol=1e-3)


def test_a_map_that_follows_the_envelope_has_a_gain_of_one_and_a_slow_one_less() -> None:
    rates = [2.0, 4.0, 8.0, 16.0]
    follows = measured(Power(), bins_per_octave=1, rates=rates, duration=4.0).modulation_gain
    np.testing.assert_allclose(follows, 1.0, atol=0.2)
    slow = measured(Power(smooth=800), bins_per_octave=1, rates=rates, duration=4.0)
    width = 800 / RATE
    expected = np.abs(np.sinc(np.array(rates) * width))
    np.testing.assert_allclose(slow.modulation_gain.mean("channel"), expected, atol=0.1)
    assert (slow.best_rate == 2.0).all()


def test_half_of_the_depth_is_no_other_gain() -> None:
    whole, half = (measured(Power(), bins_per_octave=1, rates=[4.0], duration=2.0, depth=one) for one in (1.0, 0.5))
    np.testing.assert_allclose(half.modulation_gain, whole.modulation_gain, atol=0.1)


def test_rates_that_a_map_is_too_slow_for_are_unknown() -> None:
    found = measured(Power(), bins_per_octave=1, rates=[50.0, 99.0, 101.0])  # its elements come 200 times a second
    assert np.isfinite(found.modulation_gain[:, :2]).all() and np.isnan(found.modulation_gain[:, 2]).all()


def test_a_dead_map_is_tuned_to_nothing() -> None:
    model = Power()
    model.bank.weight.data[1] = 0
    found = measured(model, bins_per_octave=1)
    for name in ("best_frequency", "width", "exponent", "best_rate", "best_modulation_gain"):
        assert np.isnan(found[name][1]) and np.isfinite(found[name][[0, 2]]).all(), name


class Threshold(Power):
    """The loudness of bands in dB above one that each has."""

    def forward(self, wave: Tensor) -> Tensor:
        level = 10 * (self.bank(wave).square().mean(-1, keepdim=True) + 1e-12).log10()
        above = torch.tensor([-80.0, -40.0, -20.0])[:, None]
        return self.pool(torch.relu(level - above).expand(-1, -1, 400)).mean(-1)


def test_the_exponent_of_a_map_with_a_threshold_is_that_above_it() -> None:
    found = measured(Threshold(), bins_per_octave=1, rates=[4.0])
    assert np.isfinite(found.exponent[:2]).all() and (found.exponent[:2] > 0).all()
    assert found.threshold[0] == -60.0 and -42.0 < found.threshold[1] <= -24.0
    assert np.isnan(found.exponent[2])  # fewer than three levels are above it
    assert found.threshold.attrs["units"] == "dB"


def test_a_map_that_is_not_finite_is_tuned_to_nothing_that_is_known() -> None:
    model = Power()
    model.bank.weight.data[1] = math.nan
    found = measured(model, bins_per_octave=1)
    assert np.isnan(found.best_frequency[1]) and np.isfinite(found.best_frequency[[0, 2]]).all()
    assert np.isnan(found.width[1]) and np.isnan(found.exponent[1]) and np.isfinite(found.exponent[0])


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[int, int]] = []
    measured(Power(), bins_per_octave=1, rates=[4.0], progress=lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] and sorted(told) == told


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": [-20.0]}, "two or more"),
        ({"levels": [-20.0, -20.0]}, "two or more"),
        ({"levels": [-20.0, math.nan]}, "two or more"),
        ({"levels": [-20.0, 400.0]}, "0 or less"),
        ({"level": math.nan}, "0 or less"),
        ({"level": math.inf}, "0 or less"),
        ({"level": -math.inf}, "0 or less"),
        ({"level": 400.0}, "0 or less"),
        ({"rates": [0.0]}, "above 0"),
        ({"rates": []}, "above 0"),
        ({"depth": 0.0}, "depth"),
        ({"depth": 1.5}, "depth"),
        ({"minimum_frequency": 0.0}, "minimum_frequency"),
        ({"bins_per_octave": 0}, "bins_per_octave"),
        ({"layer": "nowhere"}, "nowhere"),
    ],
)
def test_what_is_not_possible_is_said(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        measured(Power(), **{"layer": "pool", **options})
