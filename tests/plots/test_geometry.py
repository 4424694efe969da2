"""The picture of the geometry of weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from otoscope.errors import InputError
from otoscope.plots.geometry import geometry


def result_of(layers: int) -> xr.Dataset:
    values = np.linspace(0.2, 0.9, layers)
    angles, bounds = np.degrees(np.arccos(values)), np.linspace(1, 12, layers)
    columns = {"A": 0 * bounds, "mu": values, "mu_avg": values / 2, "beta_min": angles, "beta_avg": angles, "B": bounds}
    return xr.Dataset(
        {name: ("layer", column) for name, column in {**columns, "skip": np.arange(layers) % 2}.items()},
        {"layer": [f"encoder.blocks.{i}.convolution" for i in range(layers)]},
        attrs={"method": "geometry"},
    )


@pytest.mark.parametrize("layers", [1, 5, 40])
def test_it_has_three_legible_panels_and_circles_skips(check_picture: Callable[..., Any], layers: int) -> None:
    axes = check_picture(result_of(layers), panels=3, unitless={"layer"})
    circles = [line for line in axes[0].lines if line.get_markerfacecolor() == "none" and len(line.get_xdata())]
    assert {x for line in circles for x in line.get_xdata()} == set(range(1, layers, 2))
    assert len(axes[2].get_xticks()) <= 24
    assert "degrees" in axes[1].get_ylabel()
    assert "do not span" in axes[2].get_legend().texts[0].get_text()


def test_a_lower_bound_above_0_needs_no_note() -> None:
    axes = geometry(result_of(3).assign(A=("layer", [0.1, 0.2, 0.3])), Figure().subplots(3))
    assert [text.get_text() for text in axes[2].get_legend().texts] == ["A", "B"]


def test_what_is_not_known_is_left_out_and_what_does_not_fit_is_refused() -> None:
    result = result_of(3)
    result["B"][:] = np.nan
    assert len(geometry(result, Figure().subplots(3))) == 3
    with pytest.raises(InputError, match="three axes"):
        geometry(result_of(3), Figure().subplots(2))
    with pytest.raises(InputError, match="no mu_avg"):
        geometry(result_of(3).drop_vars("mu_avg"))
