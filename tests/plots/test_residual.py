"""Residual sounds have a panel each."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from otoscope import InputError, plots
from otoscope.plots.residual import residual


def rest(*clips: int) -> xr.Dataset:
    dims = ("clip",) * len(clips)
    sounds = np.random.default_rng(0).standard_normal((*clips, 2, 800))
    return xr.Dataset(
        {
            "residual": ((*dims, "layer", "time"), sounds),
            "channel": ((*dims, "layer"), np.broadcast_to([4, 7], (*clips, 2))),
        },
        {"layer": ["1", "3"]},
        {"method": "residual", "sample_rate": 8000},
    )


def test_a_panel_a_layer_names_the_map_that_is_missing() -> None:
    axes = plots.plot(rest())
    assert [ax.get_title() for ax in axes] == ["1, without map 4", "3, without map 7"]
    assert len(axes[0].figure.axes) == 3  # with one colour bar
    given = Figure().subplots(1, 2)
    assert list(residual(rest(), given)) == list(given)


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(InputError, match="2 layers need as many axes"):
        residual(rest(), Figure().subplots(1, 3))
    with pytest.raises(InputError, match="one clip"):
        residual(rest(2))
