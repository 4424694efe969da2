"""The picture of filters: rows from low to high, and the same filters before and after training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from torch import nn

from otoscope.dsp.kernels import bandpass_bank
from otoscope.errors import InputError
from otoscope.methods.filters import filters as measure
from otoscope.plots.filters import filters
from otoscope.subject import Subject

RATE = 16_000
BANDS = [(4000, 5000), (500, 900), (2000, 2600), (1000, 1500)]


def model_of(kernels: torch.Tensor) -> nn.Module:
    model = nn.Sequential(nn.Conv1d(1, len(kernels), kernels.shape[1], stride=10, bias=False), nn.ReLU())
    model[0].weight.data = kernels[:, None].clone()
    return model


def result_of(kernels: torch.Tensor, **options: Any) -> xr.Dataset:
    return measure(Subject(model_of(kernels), RATE), **options)


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Weights of random kernels."""
    torch.manual_seed(0)
    torch.save(model_of(torch.randn(4, 251)).state_dict(), tmp_path / "before.pt")
    return tmp_path / "before.pt"


def levels_of(result: xr.Dataset) -> np.ndarray:
    ax = filters(result, Figure().subplots())[0]
    mesh = next(one for one in ax.collections if isinstance(one, QuadMesh))
    return np.asarray(mesh.get_array()).reshape(result.sizes["kernel"], -1)


def test_it_is_legible_and_has_units(check_picture: Callable[..., Any]) -> None:
    check_picture(result_of(bandpass_bank(BANDS, 251, RATE)), panels=2)


def test_rows_of_the_image_are_the_filters_from_low_to_high() -> None:
    levels = levels_of(result_of(bandpass_bank(BANDS, 251, RATE)))
    peaks = levels.argmax(1) * RATE / 2 / (levels.shape[1] - 1)
    for peak, (low, high) in zip(peaks, sorted(BANDS), strict=True):
        assert low <= peak <= high
    np.testing.assert_allclose(levels.max(1), 0)


def test_dead_filters_are_dark_and_break_nothing() -> None:
    kernels = torch.cat((bandpass_bank(BANDS, 251, RATE), torch.zeros(2, 251)))
    assert (levels_of(result_of(kernels))[4:] == -40).all()


def test_before_and_after_are_legible_and_have_units(check_picture: Callable[..., Any], before: Path) -> None:
    result = result_of(bandpass_bank(BANDS, 251, RATE), before=before)
    unitless = {"magnitude", *(f"no. {number}\nweight" for number in range(4))}
    axes = check_picture(result, panels=12, columns=2, unitless=unitless)
    assert [ax.get_title() for ax in axes[:2]] == ["before", "after"]
    assert [ax.get_ylabel() for ax in axes[4::2]] == [f"no. {n}\nweight" for n in (1, 3, 2, 0)]
    assert all(len(ax.lines) == 2 for ax in axes[4:])
    assert filters(result, kernels=[2]).size == 6


def test_both_images_are_in_the_order_after_training(before: Path) -> None:
    result = result_of(bandpass_bank(BANDS, 251, RATE), before=before)
    order = result.order.sel(training="after").values
    for ax, training in zip(
        filters(result, Figure().subplots(3, 2), kernels=[0])[:2], ("before", "after"), strict=True
    ):
        mesh = next(one for one in ax.collections if isinstance(one, QuadMesh))
        peaks = np.asarray(mesh.get_array()).reshape(4, -1).argmax(1)
        np.testing.assert_array_equal(peaks, result.magnitude.sel(training=training).values[order].argmax(1))


def test_what_does_not_fit_is_refused(before: Path) -> None:
    bank = bandpass_bank(BANDS, 251, RATE)
    alone, both = result_of(bank), result_of(bank, before=before)
    with pytest.raises(InputError, match="no weight"):
        filters(alone.drop_vars("weight"))
    with pytest.raises(InputError, match="3 were given"):
        filters(alone, Figure().subplots(3))
    with pytest.raises(InputError, match="no kernel 4"):
        filters(both, kernels=[4])
    with pytest.raises(InputError, match="12 axes"):
        filters(both, Figure().subplots(3))
