"""The picture of tuning curves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from torch import nn

from otoscope.dsp.kernels import bandpass_bank
from otoscope.errors import InputError
from otoscope.methods.tuning import tuning as measure
from otoscope.plots.tuning import tuning
from otoscope.subject import Subject

RATE = 8000
BANDS = [(2000, 2500), (500, 900), (1000, 1500)]


def result_of(gain: float = 1.0, **options: Any) -> xr.Dataset:
    model = nn.Sequential(nn.Conv1d(1, 3, 251, stride=10, bias=False), nn.ReLU())
    model[0].weight.data = gain * bandpass_bank(BANDS, 251, RATE)[:, None]
    return measure(Subject(model, RATE), layer="1", duration=0.5, bins_per_octave=3, **options)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("options", [{}, {"gain": 0.0}, {"rates": [300.0]}, {"rates": [500.0]}, {"rates": [8.0, 4.0]}])
def test_it_is_legible_and_has_units(check_picture: Callable[..., Any], options: dict[str, Any]) -> None:
    check_picture(result_of(**options), panels=3)


def test_levels_are_drawn_from_soft_to_loud_and_in_proportion() -> None:
    axes = tuning(result_of(levels=[-20.0, -40.0, -30.0]), Figure().subplots(3))
    line = axes[1].lines[0]
    np.testing.assert_allclose(line.get_xdata(), [-40, -30, -20])
    np.testing.assert_allclose(line.get_ydata(), [-20, -10, 0], atol=1e-3)


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(InputError, match="2 were given"):
        tuning(result_of(), Figure().subplots(2))
    with pytest.raises(InputError, match="no level_response"):
        tuning(result_of().drop_vars("level_response"))
