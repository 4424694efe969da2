"""The picture of cumulative response spectra: one curve or several, from 0 up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from otoscope.errors import InputError
from otoscope.plots.crs import crs


def result_of(values: np.ndarray, nyquist: float = 4000, model: str = "ear") -> xr.Dataset:
    coords = {"frequency": np.linspace(0, nyquist, values.size)}
    return xr.Dataset({"crs": ("frequency", values, {"units": "1"})}, coords, {"method": "crs", "model": model})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("db", [False, True])
@pytest.mark.parametrize("level", [1.0, 0.0])
def test_it_is_legible_and_has_units(check_picture: Callable[..., Any], db: bool, level: float) -> None:
    check_picture(result_of(np.full(65, level)), db=db)


def test_the_axis_of_the_values_starts_at_0() -> None:
    ax = crs(result_of(np.linspace(5, 6, 65)), Figure().subplots())
    assert ax.get_ylim()[0] == 0 and ax.get_ylim()[1] > 6
    assert crs(result_of(np.linspace(5, 6, 65)), Figure().subplots(), db=True).get_ylim()[0] < -1


def test_several_curves_are_labelled_and_differ_in_colour_and_line() -> None:
    one, other = result_of(np.ones(5), model="one"), result_of(2 * np.ones(5), model="other")
    for curves, labels in (([one, other], ["one", "other"]), ({"a": one, "b": other}, ["a", "b"])):
        ax = crs(curves, Figure().subplots())
        assert [text.get_text() for text in ax.get_legend().get_texts()] == labels
        assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == 2
    assert crs(one, Figure().subplots()).get_legend() is None


def test_frequencies_are_in_the_fitting_unit_and_a_geometric_series_on_a_logarithmic_axis() -> None:
    assert crs(result_of(np.ones(5), nyquist=1000), Figure().subplots()).get_xlabel() == "frequency (Hz)"
    series = xr.Dataset({"crs": ("frequency", np.ones(60))}, {"frequency": 55 * 2 ** (np.arange(60) / 10)})
    ax = crs(series, Figure().subplots())
    assert (ax.get_xlabel(), ax.get_xscale()) == ("frequency (kHz)", "log")


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(InputError, match="at least one"):
        crs([])
    with pytest.raises(InputError, match="no crs"):
        crs(xr.Dataset({"strs": ("frequency", [1.0])}))
    with pytest.raises(InputError, match=r"isel\(clip=0\)"):
        crs(xr.concat([result_of(np.ones(5))] * 2, "clip"))
