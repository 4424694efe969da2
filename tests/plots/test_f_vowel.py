"""The picture of the filters that fire most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import xarray as xr
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from torch import nn

from otoscope.dsp.kernels import bandpass_bank
from otoscope.errors import InputError
from otoscope.methods.f_vowel import f_vowel as measure
from otoscope.plots.drawing import RELEVANCE_COLOUR
from otoscope.plots.f_vowel import f_vowel
from otoscope.subject import Subject

RATE = 16_000


def result_of(level: float = 0.5, count: int = 8, **options: Any) -> xr.Dataset:
    kernels = bandpass_bank([(low, low + 300) for low in range(200, 200 + 300 * count, 300)], 251, RATE)
    model = nn.Conv1d(1, count, 251, stride=10, bias=False)
    model.weight.data = kernels[:, None].clone()
    noise = level * torch.randn(4000, generator=torch.Generator().manual_seed(0))
    return measure(Subject(model, RATE), noise, **options)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("level", [0.5, 0.0])
@pytest.mark.parametrize("count", [3, 26])
def test_it_is_legible_and_has_units(check_picture: Callable[..., Any], level: float, count: int) -> None:
    check_picture(result_of(level, count), panels=2)


def test_bars_are_the_shares_of_frames_and_those_taken_are_dark() -> None:
    result = result_of(n_filters=3)
    _, ax = f_vowel(result, Figure().subplots(2))
    named = [int(label.get_text()) for label in ax.get_xticklabels()]
    for bar, number in zip(ax.patches, named, strict=True):
        assert bar.get_height() == pytest.approx(100 * float(result.firing[number]))
        assert (to_hex(bar.get_facecolor()) == RELEVANCE_COLOUR) == bool(result.taken[number])
    assert sum(to_hex(bar.get_facecolor()) == RELEVANCE_COLOUR for bar in ax.patches) == 3


def test_silence_is_said_and_sound_is_not() -> None:
    assert f_vowel(result_of(0))[0].texts[0].get_text().startswith("silence")
    assert not f_vowel(result_of())[0].texts


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(InputError, match="3 were given"):
        f_vowel(result_of(), Figure().subplots(3))
    with pytest.raises(InputError, match="no firing"):
        f_vowel(result_of().drop_vars("firing"))
