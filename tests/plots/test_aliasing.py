"""Pictures of aliasing: bars are the shares, the zigzag is the theory, and only steps that can be read are drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.figure import Figure
from torch import nn

from otoscope import InputError, plots
from otoscope.dsp.aliasing import folded_frequency
from otoscope.methods import aliasing, aliasing_map


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv1d(1, 4, 9, stride=4), nn.ReLU(), nn.MaxPool1d(10))


@pytest.fixture
def sweep() -> xr.Dataset:
    return aliasing_map(model(), torch.zeros(1, 1, 2000), sample_rate=8000, frequencies=20, cells=10)


def test_bars_are_the_shares() -> None:
    result = aliasing(model(), torch.randn(1, 1, 4000), sample_rate=8000)
    ax = plots.aliasing(result)
    np.testing.assert_allclose([bar.get_height() for bar in ax.patches], result.share[0])
    flat = next(lines for lines in ax.collections if lines.get_label() == "flat spectrum")
    assert [segment[0, 1] for segment in flat.get_segments()] == [0.75, 0.9]
    low, high = np.percentile(result.channel_share[0], [10, 90], axis=-1)
    inner = next(lines for lines in ax.collections if "channels" in lines.get_label())
    np.testing.assert_allclose([segment[:, 1] for segment in inner.get_segments()], np.stack([low, high], 1))


def test_silence_has_no_bars() -> None:
    layer = nn.Conv1d(1, 2, 4, stride=2, bias=False)
    ax = plots.aliasing(aliasing(layer, torch.zeros(1, 1, 400), sample_rate=8000))
    assert [bar.get_height() for bar in ax.patches] == [0]


def test_the_zigzag_is_what_theory_says(sweep: xr.Dataset) -> None:
    (ax,) = plots.aliasing_map(sweep, steps=["0"])
    corners = ax.lines[0]
    frequencies = torch.linspace(1, 3999, 50)
    drawn = np.interp(frequencies / 1000, corners.get_xdata(), corners.get_ydata())
    np.testing.assert_allclose(
        drawn * 1000 if drawn.max() < 10 else drawn, folded_frequency(frequencies, 2000), atol=0.1
    )
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("input frequency (kHz)", "output (Hz)")
    np.testing.assert_allclose(ax.get_ylim(), (0, 1000))


def test_steps_that_fold_finer_than_the_sweep_are_left_to_the_user(sweep: xr.Dataset) -> None:
    assert plots.legible_steps(sweep) == ["0"]
    assert [ax.get_title(loc="left") for ax in plots.aliasing_map(sweep, steps=["0", "2"])] == ["0", "2"]


def test_what_does_not_fit_is_refused(sweep: xr.Dataset) -> None:
    with pytest.raises(InputError, match="no step 'pool'; it has 0, 2"):
        plots.aliasing_map(sweep, steps=["pool"])
    with pytest.raises(InputError, match="1 steps is drawn on as many axes; 2 were given"):
        plots.aliasing_map(sweep, Figure().subplots(2), steps=["0"])
    with pytest.raises(InputError, match="no share"):
        plots.aliasing(sweep)
