"""Pictures of a relevance that adds up: to both sides of 0, with symmetric limits, and sums that stay sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from torch import nn

from otoscope import Scope
from otoscope.errors import InputError
from otoscope.plots.compare import compare_bands, compare_difference
from otoscope.plots.drawing import SIGNED_MAP, pool_sums
from otoscope.plots.relevance import relevance, relevance_bands, relevance_spectrogram, relevance_spectrum

RATE = 8000


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


def signed(samples: int = 4000, scale: float = 1.0) -> xr.Dataset:
    """For the output at 1 kHz, half as much against it at 2 kHz."""
    frequency, frames = np.fft.rfftfreq(samples, 1 / RATE), np.fft.rfftfreq(200, 1 / RATE)
    spectrum, cells = np.zeros(frequency.size), np.zeros((frames.size, 51))
    for hertz, value in ((1000, 1.0), (2000, -0.5)):
        spectrum[np.abs(frequency - hertz).argmin()] = scale * value
        cells[np.abs(frames - hertz).argmin()] = scale * value / 51
    return xr.Dataset(
        {
            "relevance": ("time", np.full(samples, scale * 0.5 / samples)),
            "relevance_spectrum": ("frequency", spectrum),
            "relevance_spectrogram": (("frame_frequency", "frame_time"), cells),
            "input": ("time", np.sin(2 * np.pi * 1000 * np.arange(samples) / RATE)),
            "relevance_share": ("sub_band", [2.0, -1.0]),
        },
        {
            "frequency": frequency, "frame_frequency": frames, "frame_time": np.arange(51) / 100,
            "sub_band_low": ("sub_band", [0.0, 1500.0]), "sub_band_high": ("sub_band", [1500.0, 4000.0]),
        },
        attrs={"method": "relevance", "sample_rate": RATE, "form": "product"},
    )  # fmt: skip


def mesh_of(ax: Axes) -> QuadMesh:
    return next(one for one in ax.collections if isinstance(one, QuadMesh))


@pytest.mark.parametrize("scale", [1.0, -1.0, 1e-9])
def test_colours_run_to_both_sides_of_nought_as_far(scale: float) -> None:
    ax = relevance_spectrogram(signed(scale=scale), Figure().subplots())
    mesh = mesh_of(ax)
    assert mesh.get_cmap().name == SIGNED_MAP and mesh.get_clim() == (-1, 1)
    assert mesh.norm(0.0) == 0.5 and mesh.norm(-0.25) == pytest.approx(1 - mesh.norm(0.25))
    values = np.asarray(mesh.get_array())
    assert values[25].mean() == pytest.approx(np.sign(scale)) and values[50].mean() == pytest.approx(
        -np.sign(scale) / 2
    )
    assert ax.figure.axes[-1].get_ylabel() == "relevance (re peak)"
    assert mesh_of(relevance_spectrogram(signed(), of="relevance_spectrogram", colorbar=False)).get_clim() == (-1, 1)


def test_over_frequency_what_is_for_the_output_goes_up_and_what_is_against_it_down() -> None:
    ax = relevance_spectrum(signed(), Figure().subplots(), marks={"F1": 1000.0})
    assert ax.get_ylim() == (-1.05, 1.05) and ax.get_ylabel() == "relevance (re peak)"
    reach = {one.get_label(): one.get_datalim(ax.transData) for one in ax.collections}
    assert reach["for it"].y1 == 1 and reach["for it"].y0 == 0
    assert reach["against it"].y0 == -0.5 and reach["against it"].y1 == 0
    assert (reach["input"].y0, reach["input"].y1) == (-1, 1)


def test_sums_stay_sums_where_columns_are_pooled() -> None:
    values = np.random.default_rng(0).standard_normal((3, 5001))
    pooled, at = pool_sums(values, np.arange(5001.0), 100)
    assert pooled.shape[1] == at.size <= 100
    np.testing.assert_allclose(pooled.sum(1), values.sum(1))
    assert pool_sums(values, np.arange(5001.0), 5001)[0] is values


def test_bands_are_shares_to_both_sides_and_of_a_gradient_upwards() -> None:
    ax = relevance_bands(signed(), Figure().subplots())
    up, down = (patch.get_data().values for patch in ax.patches)
    np.testing.assert_allclose([up, down], [[200, 0], [0, -100]])
    assert ax.get_ylabel() == "share of the relevance (%)" and ax.get_xlim()[0] > 0
    plain = signed().assign(relevance_share=("sub_band", [0.25, 0.75])).assign_attrs(form="gradient")
    ax = relevance_bands(plain, Figure().subplots())
    (up,) = (patch.get_data().values for patch in ax.patches)
    np.testing.assert_allclose(up, [25, 75])
    assert ax.get_ylabel() == "share of the energy (%)"
    with pytest.raises(InputError, match="no relevance_share"):
        relevance_bands(signed().drop_vars("relevance_share"))


def test_no_relevance_and_one_without_a_sum_can_be_drawn() -> None:
    nothing = signed(scale=0.0)
    nothing["relevance_share"] = "sub_band", [np.nan, np.nan]
    assert relevance(nothing).shape == (3,)
    assert any(text.get_text() == "no relevance" for text in relevance_spectrogram(nothing).texts)
    assert all(not patch.get_data().values.any() for patch in relevance_bands(nothing).patches)


def test_a_comparison_of_what_adds_up_is_signed() -> None:
    two = xr.concat([signed(), signed(scale=3.0), signed(scale=-1.0)], "model").assign_coords(model=["a", "b", "c"])
    two["share"], two["input_share"] = (("model", "band"), [[0.6, -0.4]] * 3), ("band", [0.5, 0.5])
    same = mesh_of(compare_difference(two, Figure().subplots(), model="a", other="b"))
    assert np.abs(np.asarray(same.get_array())).max() == pytest.approx(0, abs=1e-12) or not same.get_array().any()
    ax = compare_difference(two, Figure().subplots(), model="a", other="c")
    values = np.asarray(mesh_of(ax).get_array())
    assert values[25].mean() == 1 and values[50].mean() == pytest.approx(-0.5)
    assert ax.get_title() == "a − c" and mesh_of(ax).get_clim() == (-1, 1)
    edges = {"band_low": ("band", [100.0, 1500.0]), "band_high": ("band", [1500.0, 4000.0])}
    bands = compare_bands(two.assign_coords(edges), Figure().subplots())
    assert bands.get_ylim()[0] < -40 and bands.get_ylabel() == "share of relevance (%)"


@pytest.mark.parametrize("channels", [1, 2])
def test_the_picture_of_what_adds_up_is_legible(channels: int, check_picture: Callable[..., Any]) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv1d(channels, 4, 20, stride=5), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 2)
    )
    sound = torch.randn(*[channels] * (channels > 1), 4000)
    result = Scope(model, RATE).relevance(sound, rule="gradient_x_input")
    if channels == 1:
        check_picture(result, panels=3)
    assert np.shape(relevance(result)) == ((3,) if channels == 1 else (3, 2))
    one = result if channels == 1 else result.isel(channel=1)
    assert relevance_bands(one).get_legend() is not None
