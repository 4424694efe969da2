"""Picture of aliasing over input frequency: the zigzag is the theory, dark is what does not pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.figure import Figure
from torch import nn

from otoscope import InputError
from otoscope.dsp.aliasing import folded_frequency
from otoscope.methods.aliasing_map import aliasing_map
from otoscope.plots.aliasing_map import aliasing_map as draw
from otoscope.plots.aliasing_map import legible_steps, sines_for
from otoscope.subject import Subject


@pytest.fixture
def sweep() -> xr.Dataset:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 4, 9, stride=4), nn.ReLU(), nn.MaxPool1d(10))
    return aliasing_map(Subject(model, 8000), duration=0.25, frequencies=20, cells=10)


def test_the_zigzag_is_what_theory_says(sweep: xr.Dataset) -> None:
    _, ax = draw(sweep, steps=["0"])
    corners = ax.lines[0]
    frequencies = torch.linspace(1, 3999, 50)
    drawn = np.interp(frequencies / 1000, corners.get_xdata(), corners.get_ydata())
    np.testing.assert_allclose(
        drawn * 1000 if drawn.max() < 10 else drawn, folded_frequency(frequencies, 2000), atol=0.1
    )
    assert ax.get_xlabel().startswith("input frequency (kHz)") and ax.get_ylabel() == "output (Hz)"
    np.testing.assert_allclose(ax.get_ylim(), (0, 1000))


def test_a_column_is_as_bright_as_its_sine_passes() -> None:
    """A layer whose gain is known: x[n] + x[n - 1], 2 cos(pi f / r), which stops half the rate."""
    layer = nn.Conv1d(1, 1, 2, stride=2, bias=False)
    nn.init.ones_(layer.weight)
    frequencies = np.array([500.0, 2000.0, 3500.0, 3990.0])
    result = aliasing_map(Subject(layer, 8000), frequencies=frequencies.tolist(), cells=20)
    gain, ax = draw(result, dynamic_range=80)
    expected = 20 * np.log10(2 * np.cos(np.pi * frequencies / 8000))
    np.testing.assert_allclose(gain.lines[0].get_ydata(), expected, atol=0.1)
    levels = levels_of(ax)
    # Sums in power over a column are those of the gain, but for the floor, and the largest cell of all is 0 dB.
    power = 10 * np.log10((10 ** (levels / 10)).sum(0))
    np.testing.assert_allclose(power - power[0], expected - expected[0], atol=0.2)
    assert levels.max() == 0


def levels_of(ax: Any) -> np.ndarray:
    mesh = next(one for one in ax.collections if hasattr(one, "get_coordinates"))
    return np.asarray(mesh.get_array()).reshape(np.array(mesh.get_coordinates().shape[:2]) - 1)


def test_a_sine_that_nothing_passes_is_dark(sweep: xr.Dataset) -> None:
    sweep["gain"][0, 3] = 0
    sweep["magnitude"][0, 3] = 0
    gain, ax = draw(sweep, steps=["0"], dynamic_range=30)
    assert np.isnan(gain.lines[0].get_ydata()[3])
    assert (levels_of(ax)[:, 3] == -30).all()


def striding(stride: int) -> Subject:
    layer = nn.Conv1d(1, 1, 1, stride=stride, bias=False)
    nn.init.ones_(layer.weight)
    return Subject(layer, 8000)


def test_what_goes_from_sine_to_sine_by_more_than_a_cell_is_a_line_all_the_same() -> None:
    """Of 21 sines in 4 kHz the frequency after decimation to 2 kHz moves by 190 Hz, or nine cells of 21 Hz."""
    result = aliasing_map(striding(4), frequencies=21)
    _, ax = draw(result, steps=[str(result.step.values[0])])
    brightest = levels_of(ax).argmax(0)
    assert len(levels_of(ax)) == 4 and np.abs(np.diff(brightest)).max() == 1


def test_columns_that_no_picture_has_room_for_are_means_over_sines() -> None:
    result = aliasing_map(striding(2), frequencies=400)
    _, ax = draw(result, dynamic_range=60)
    power = 10 ** (levels_of(ax) / 10)
    assert power.shape == (48, 134)
    np.testing.assert_allclose(power.sum(0) / power.sum(0).mean(), 1, atol=0.1)  # of a layer that passes all alike


def test_as_many_sines_are_named_as_show_the_next_step() -> None:
    model = nn.Sequential(nn.MaxPool1d(2), nn.MaxPool1d(4))
    result = aliasing_map(Subject(model, 8000), frequencies=80)
    assert legible_steps(result) == ["0"] and sines_for(result, ["0"]) == ("1", 288)
    assert draw(result)[-1].get_xlabel().endswith("not drawn: 1\nfrequencies=288 shows 1")
    finer = aliasing_map(Subject(model, 8000), frequencies=288, duration=0.1)
    assert legible_steps(finer) == ["0", "1"] and sines_for(finer, ["0", "1"]) is None


def test_steps_that_fold_finer_than_the_sweep_are_left_to_the_user_and_named(sweep: xr.Dataset) -> None:
    assert legible_steps(sweep) == ["0"]
    assert draw(sweep)[-1].get_xlabel().endswith("not drawn: 2")  # which has too many folds for any sweep
    axes = draw(sweep, steps=["0", "2"])
    assert [ax.get_title(loc="left") for ax in axes] == ["", "0", "2"]
    assert "not drawn" not in axes[-1].get_xlabel()


def test_what_does_not_fit_is_refused(sweep: xr.Dataset) -> None:
    with pytest.raises(InputError, match="no step 'pool'; it has 0, 2"):
        draw(sweep, steps=["pool"])
    with pytest.raises(InputError, match="one for each step, here 2; 3 were given"):
        draw(sweep, Figure().subplots(3), steps=["0"])
    with pytest.raises(InputError, match="no gain"):
        draw(sweep.drop_vars("gain"))


def test_long_names_of_steps_stay_within_the_figure(check_text: Any) -> None:
    names = [f"features.stage{n}.downsampling" for n in range(8)]
    across = np.linspace(10, 3990, 300)
    result = xr.Dataset(
        {
            "magnitude": (("step", "input_frequency", "output"), np.ones((8, 300, 10))),
            "gain": (("step", "input_frequency"), np.ones((8, 300))),
        },
        {
            "step": names, "nyquist": ("step", 2000.0 / 2.0 ** np.arange(8)), "input_frequency": across,
            "output": np.arange(10) / 10,
        },
    )  # fmt: skip
    axes = draw(result)
    check_text(axes[0].figure)
    assert [ax.get_title(loc="left") for ax in axes[1:]] == ["stage0", "stage1", "stage2"]
    assert axes[-1].get_xlabel().replace("\n", " ").endswith("not drawn: stage3, stage4, stage5 and 2 more")
