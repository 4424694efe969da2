"""The picture of kernels: a contour around each, over their total energy."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_hex
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.methods.wigner import wigner as measure
from otoscope.plots.wigner import wigner
from otoscope.subject import Subject

RATE = 16_000


def bank(*frequencies: float, width: int = 301) -> nn.Module:
    time = (torch.arange(width) - width // 2) / RATE
    model = nn.Conv1d(1, len(frequencies), width)
    for kernel, f in zip(model.weight.data, frequencies, strict=True):
        kernel[0] = torch.hann_window(width) * torch.cos(2 * torch.pi * f * time) if f else 0
    return model


class Branches(nn.Module):
    """Parallel kernels of several widths."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([layer(x)[..., :1] for layer in self.layers], 1)


def result_of(model: nn.Module, **options: Any) -> xr.Dataset:
    return measure(Subject(model, RATE), **options)


def contour_sets(ax: Axes) -> list[QuadContourSet]:
    return [one for one in ax.collections if isinstance(one, QuadContourSet)]


def contours(ax: Axes) -> list[np.ndarray]:
    return [np.concatenate([path.vertices for path in one.get_paths()]) for one in contour_sets(ax)]


def mesh_of(ax: Axes) -> QuadMesh:
    return next(one for one in ax.collections if isinstance(one, QuadMesh))


@pytest.mark.parametrize("widths", [(301,), (30, 150, 301)])
def test_it_is_legible_and_has_units(check_picture: Callable[..., Any], widths: tuple[int, ...]) -> None:
    check_picture(result_of(Branches(*(bank(500.0, 2000.0, width=width) for width in widths))))


def test_each_contour_encloses_the_peak_of_its_kernel() -> None:
    result = result_of(bank(500.0, 2000.0, 7000.0))
    ax = wigner(result, Figure().subplots())
    lines = contours(ax)
    assert len(lines) == 3
    for line, frequency in zip(lines, (0.5, 2.0, 7.0), strict=True):
        assert line[:, 1].min() < frequency < line[:, 1].max() < frequency + 0.2
        assert line[:, 0].min() < 0 < line[:, 0].max()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time from the centre (ms)", "frequency (kHz)")


def test_contours_lie_at_the_level_and_a_higher_one_is_narrower() -> None:
    result = result_of(bank(2000.0), distributions=True)
    wide, narrow = (contours(wigner(result, Figure().subplots(), level=level))[0] for level in (0.5, 0.9))
    assert np.ptp(narrow[:, 0]) < np.ptp(wide[:, 0]) and np.ptp(narrow[:, 1]) < np.ptp(wide[:, 1])
    at = result.distribution[0].interp(time=("point", wide[:, 0] / 1000), frequency=("point", wide[:, 1] * 1000))
    np.testing.assert_allclose(at, 0.5 * float(result.peak[0]), rtol=0.02)


def test_the_energy_is_grey_and_not_negative() -> None:
    ax = wigner(result_of(bank(1000.0, 1500.0)), Figure().subplots())
    mesh = mesh_of(ax)
    assert mesh.get_array().min() == 0 and mesh.get_array().max() == 1
    colours = mesh.to_rgba(np.linspace(0, 1, 20))[:, :3]
    assert np.ptp(colours, axis=1).max() < 1e-6 and (np.diff(colours[:, 0]) < 0).all() and colours[0, 0] == 1
    assert ax.get_xlim()[0] == pytest.approx(-ax.get_xlim()[1], abs=0.1)


@pytest.mark.parametrize("width", [320, 500])
def test_the_energy_of_long_kernels_can_be_seen_far_from_its_peak(width: int) -> None:
    """A twentieth of the peak is well below white, and every kernel has a place as dark as that."""
    frequencies = np.geomspace(150, 7000, 20)
    mesh = mesh_of(wigner(result_of(bank(*frequencies, width=width)), Figure().subplots()))
    assert mesh.to_rgba(0.05)[0] < 0.88
    darkness = 1 - mesh.to_rgba(np.asarray(mesh.get_array()))[..., 0]
    rows = darkness.reshape(mesh.get_array().shape).max(1)
    places = (frequencies / (RATE / 2) * rows.size).round().astype(int)
    assert rows[places].min() > 0.15


def test_neighbours_in_frequency_differ_in_colour() -> None:
    ax = wigner(result_of(bank(500.0, 3000.0, 1000.0, 7000.0)), Figure().subplots())
    colours = [to_hex(one.get_edgecolor()[0]) for one in contour_sets(ax)]
    assert len(set(colours)) == 4 and ax.get_legend() is None


def test_kernels_of_several_widths_have_a_colour_a_width_that_a_legend_names() -> None:
    ax = wigner(
        result_of(Branches(bank(500.0, 4000.0, width=30), bank(1000.0, 2000.0, width=301))), Figure().subplots()
    )
    colours = [to_hex(one.get_edgecolor()[0]) for one in contour_sets(ax)]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["30", "301"]
    assert [to_hex(line.get_color()) for line in legend.get_lines()] == colours[::2]


def test_kernels_of_a_few_samples_have_no_blocks() -> None:
    torch.manual_seed(0)
    result = result_of(nn.Conv1d(1, 5, 7))
    mesh = mesh_of(wigner(result, Figure().subplots()))
    shown = np.asarray(mesh.get_array()).reshape(result.sizes["frequency"], -1)
    assert shown.shape[1] > 100 and abs(np.diff(shown, axis=1)).max() < 0.2
    steps = (shown.shape[1] - 1) // (result.sizes["time"] - 1)
    energy = result.energy.values.clip(0)
    np.testing.assert_allclose(shown[:, ::steps] / shown[:, ::steps].max(), energy / energy.max(), atol=1e-6)


def test_dead_kernels_have_no_contour_and_dead_layers_say_so() -> None:
    assert len(contours(wigner(result_of(bank(1000.0, 0.0)), Figure().subplots()))) == 1
    ax = wigner(result_of(bank(0.0, 0.0)), Figure().subplots())
    assert [text.get_text() for text in ax.texts] == ["all kernels are zero"]


@pytest.mark.parametrize("width", [1, 2, 7])
def test_short_kernels_can_be_drawn(width: int) -> None:
    torch.manual_seed(0)
    figure = Figure()
    wigner(result_of(nn.Conv1d(1, 5, width)), figure.subplots())
    saved = io.BytesIO()
    figure.savefig(saved, format="png")
    assert saved.getvalue()


def test_a_new_figure_is_of_column_width() -> None:
    assert wigner(result_of(bank(1000.0))).figure.get_figwidth() == pytest.approx(3.4)


@pytest.mark.parametrize("level", [0, 1, -0.5])
def test_levels_outside_of_0_to_1_are_refused(level: float) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        wigner(result_of(bank(1000.0)), Figure().subplots(), level=level)
