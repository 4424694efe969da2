"""The picture of the response to tones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from torch import nn

from otoscope.dsp.kernels import bandpass_bank
from otoscope.errors import InputError
from otoscope.methods.tone_response import tone_response as measure
from otoscope.plots.tone_response import tone_response
from otoscope.subject import Subject

RATE = 16_000
BANDS = [(4000, 5000), (500, 900), (2000, 2600), (1000, 1500)]


def result_of(gain: float = 1.0, **options: Any) -> xr.Dataset:
    model = nn.Sequential(nn.Conv1d(1, 4, 251, stride=10, bias=False), nn.ReLU())
    model[0].weight.data = gain * bandpass_bank(BANDS, 251, RATE)[:, None]
    return measure(Subject(model, RATE), layer="1", duration=0.1, **{"bins_per_octave": 4, **options})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("gain", [1.0, 0.0])
def test_it_is_legible_and_has_units(check_picture: Callable[..., Any], gain: float) -> None:
    check_picture(result_of(gain), panels=2)


def test_a_sweep_in_octaves_gets_a_logarithmic_axis_with_plain_numbers() -> None:
    axes = tone_response(result_of())
    axes[0].figure.canvas.draw()
    assert axes[1].get_xscale() == "log"
    assert {"0.1", "0.2", "1", "5"} <= {label.get_text() for label in axes[1].get_xticklabels()}


def test_rows_are_the_maps_from_low_to_high_also_of_a_sweep_that_does_not_rise() -> None:
    for options in ({}, {"frequencies": [4500.0, 700.0, 2300.0, 1200.0, 300.0]}):
        result = result_of(**options)
        (ax,) = tone_response(result, Figure().subplots())
        mesh = next(one for one in ax.collections if isinstance(one, QuadMesh))
        levels = np.asarray(mesh.get_array()).reshape(4, -1)
        peaks = np.sort(result.frequency.values)[levels.argmax(1)]
        np.testing.assert_array_equal(peaks, np.sort(result.best_frequency))


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(InputError, match="3 were given"):
        tone_response(result_of(), Figure().subplots(3))
    with pytest.raises(InputError, match="no gain"):
        tone_response(result_of().drop_vars("gain"))
