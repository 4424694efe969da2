"""The picture of a data flow: a row a layer, its own time and frequency, nothing missing or refused by mistake."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.figure import Figure
from torch import nn

from otoscope import InputError
from otoscope.methods.data_flow import data_flow
from otoscope.plots.data_flow import data_flow as draw
from otoscope.subject import Subject


def flow_of(x: torch.Tensor) -> xr.Dataset:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 4, 9, stride=4), nn.ReLU(), nn.MaxPool1d(10))
    return data_flow(Subject(model, 8000), x, layer=["0", "1", "2"])


def test_every_layer_has_a_row_with_its_own_limit() -> None:
    grid = draw(flow_of(torch.randn(4000)))
    assert grid.shape == (4, 2)
    assert [left.get_title(loc="left").split(",")[0] for left, _ in grid] == ["input", "0", "1", "2"]
    # Up to 2 kHz in kHz, below in Hz, with the limit as the last label.
    assert [right.get_xticklabels()[-1].get_text() for _, right in grid] == ["4 kHz", "1000 Hz", "1000 Hz", "100 Hz"]
    assert [right.get_title(loc="left").split("rate ")[1] for _, right in grid] == [
        "8 kHz", "2000 Hz", "2000 Hz", "200 Hz",
    ]  # fmt: skip
    for left, _ in grid:  # all on the clock of the sound
        np.testing.assert_allclose(left.get_xlim(), (0, 0.5))
    assert grid[-1, 0].get_xlabel() == "time (s)"


def test_a_map_is_drawn_where_it_is_in_time() -> None:
    flow = flow_of(torch.randn(400))
    grid = draw(flow)
    np.testing.assert_allclose(grid[3, 0].lines[0].get_xdata(), flow["time_3"])
    np.testing.assert_array_equal(grid[3, 0].lines[0].get_ydata(), flow["signal_3"][0])


def test_of_many_layers_the_first_and_last_are_kept() -> None:
    grid = draw(flow_of(torch.randn(400)), most=2)
    assert [left.get_title(loc="left").split(",")[0] for left, _ in grid] == ["input", "2"]
    assert grid[-1, 0].get_xlabel() == "time (s)\n2 of 4 layers not drawn"


def test_silence_is_said_and_has_a_level() -> None:
    grid = draw(flow_of(torch.zeros(400)))
    assert [text.get_text() for text in grid[0, 0].texts] == ["silence"]
    assert np.isfinite(grid[0, 1].lines[0].get_ydata()).all()


def test_what_does_not_fit_is_refused() -> None:
    flow = flow_of(torch.randn(2, 400))
    with pytest.raises(InputError, match="one clip"):
        draw(flow)
    with pytest.raises(InputError, match="8 axes; 2 were given"):
        draw(flow.isel(clip=0), Figure().subplots(2))


def test_the_line_at_0_hz_is_within_the_picture() -> None:
    """Behind a rectifier the mean is above the peak of all else."""
    flow = flow_of(torch.randn(4000))
    grid = draw(flow)
    for n, (_, ax) in enumerate(grid):
        spectrum = flow[f"spectrum_{n}"].values[0]
        (line,) = ax.collections[0].get_segments()
        low, high = ax.get_ylim()
        assert low <= line[1, 1] < high and ax.get_xlim()[0] < 0
        ratio = 20 * np.log10(spectrum[0] / spectrum[1:].max())
        assert line[1, 1] == pytest.approx(max(ratio, low), abs=1e-3)
        assert max(ax.lines[0].get_ydata()) == 0  # a line keeps its height, however many frequencies there are
    assert line[1, 1] > 0
