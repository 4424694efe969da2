"""The picture of short-time response spectra: its axes, its scales, silence, and smoothing over time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from otoscope.errors import InputError
from otoscope.plots.strs import strs

RATE = 8000


def result_of(values: np.ndarray, frequency: np.ndarray | None = None, rate: float = 800) -> xr.Dataset:
    frequency = np.linspace(0, RATE / 2, values.shape[0]) if frequency is None else frequency
    coords = {"frequency": frequency, "time": np.arange(values.shape[1]) / rate}
    return xr.Dataset({"strs": (("frequency", "time"), values, {"units": "1"})}, coords, {"method": "strs"})


def levels(ax: Axes) -> np.ndarray:
    mesh = next(one for one in ax.collections if isinstance(one, QuadMesh))
    return np.asarray(mesh.get_array()).reshape(mesh.get_array().shape)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("options", [{}, {"db": False}, {"smoothing": 0.01}])
@pytest.mark.parametrize("level", [1.0, 0.0])
def test_it_is_legible_and_has_units(check_picture: Callable[..., Any], options: dict[str, Any], level: float) -> None:
    check_picture(result_of(np.full((65, 40), level)), **options)


def test_silence_is_said() -> None:
    assert [text.get_text() for text in strs(result_of(np.zeros((65, 40))), Figure().subplots()).texts] == ["silence"]


def test_frequencies_in_a_geometric_series_get_a_logarithmic_axis() -> None:
    values = np.ones((60, 4))
    assert strs(result_of(values, 55 * 2 ** (np.arange(60) / 12)), Figure().subplots()).get_yscale() == "log"
    assert strs(result_of(values), Figure().subplots()).get_yscale() == "linear"


def test_smoothing_turns_glottal_pulses_into_a_steady_level() -> None:
    pulses = np.zeros((5, 400))
    pulses[:, ::8] = 1  # 100 a second
    stripes = levels(strs(result_of(pulses), Figure().subplots()))
    even = levels(strs(result_of(pulses), Figure().subplots(), smoothing=0.08))
    assert np.ptp(stripes[:, 40:-40]) == 80 and np.ptp(even[:, 40:-40]) < 1.2


@pytest.mark.parametrize("smoothing", [0.0, -1.0, float("nan"), float("inf")])
def test_smoothing_is_a_time(smoothing: float) -> None:
    with pytest.raises(InputError, match="positive time in s"):
        strs(result_of(np.ones((5, 4))), Figure().subplots(), smoothing=smoothing)


def test_smoothing_by_hand_and_of_a_single_frame() -> None:
    values = np.random.default_rng(0).random((3, 50))
    shown = levels(strs(result_of(values), Figure().subplots(), db=False, smoothing=5 / 800))
    padded = np.pad(np.square(values), ((0, 0), (2, 2)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 5, axis=1)
    np.testing.assert_allclose(shown, np.sqrt(np.nanmean(windows, axis=-1)))
    strs(result_of(np.ones((5, 1))), Figure().subplots(), smoothing=0.01)


def test_one_clip_of_a_batch_is_drawn() -> None:
    batch = result_of(np.ones((5, 4))).expand_dims(clip=1)
    assert strs(batch, Figure().subplots()).has_data()
    with pytest.raises(InputError, match=r"isel\(clip=0\)"):
        strs(xr.concat([batch, batch], "clip"))


def test_what_is_no_strs_is_refused() -> None:
    with pytest.raises(InputError, match="no strs"):
        strs(xr.Dataset({"crs": ("frequency", [1.0])}), Figure().subplots())
    with pytest.raises(InputError, match="not finite"):
        strs(result_of(np.full((5, 4), np.nan)), Figure().subplots())
