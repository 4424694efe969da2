"""The picture of the response to one frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.figure import Figure
from torch import nn

from otoscope.dsp.kernels import bandpass_bank
from otoscope.errors import InputError
from otoscope.methods.frame_response import frame_response as measure
from otoscope.plots.frame_response import frame_response
from otoscope.subject import Subject

RATE = 16_000


def result_of(level: float = 0.5) -> xr.Dataset:
    kernels = bandpass_bank([(500, 900), (1000, 1500), (2000, 2600)], 251, RATE)
    model = nn.Conv1d(1, 3, 251, stride=10, bias=False)
    model.weight.data = kernels[:, None].clone()
    tone = level * torch.sin(2 * torch.pi * 1200 * torch.arange(4000) / RATE)
    return measure(Subject(model, RATE), tone, time=0.1)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("level", [0.5, 0.0])
def test_it_is_legible_and_has_units(check_picture: Callable[..., Any], level: float) -> None:
    check_picture(result_of(level), panels=2)


def test_every_curve_is_below_its_own_peak_and_the_peak_is_where_the_tone_is() -> None:
    (ax,) = frame_response(result_of(), Figure().subplots())
    for line in ax.lines:
        assert line.get_ydata().max() == 0
    spectrum, response, _ = ax.lines
    peaks = [line.get_xdata()[np.argmax(line.get_ydata())] for line in (spectrum, response)]
    assert peaks[0] == pytest.approx(1.2, abs=0.03) and 1.0 <= peaks[1] <= 1.5  # the band of its filter


def test_silence_is_said() -> None:
    assert [text.get_text() for text in frame_response(result_of(0))[-1].texts] == ["silence"]


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(InputError, match="3 were given"):
        frame_response(result_of(), Figure().subplots(3))
    with pytest.raises(InputError, match="no spectrum"):
        frame_response(result_of().drop_vars("spectrum"))
