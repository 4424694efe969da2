"""The picture of kernels: a contour around each, over their total energy."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from matplotlib.collections import QuadMesh
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from torch import nn

from otoscope import InputError, methods, plots

RATE = 16_000


def bank(*frequencies: float, width: int = 301) -> nn.Module:
    time = (torch.arange(width) - width // 2) / RATE
    model = nn.Conv1d(1, len(frequencies), width)
    for kernel, f in zip(model.weight.data, frequencies, strict=True):
        kernel[0] = torch.hann_window(width) * torch.cos(2 * torch.pi * f * time) if f else 0
    return model


def wigner(model: nn.Module, **options: object):  # type: ignore[no-untyped-def]
    return methods.wigner(model, torch.zeros(1, 1, RATE), sample_rate=RATE, **options)


def contours(ax) -> list[np.ndarray]:  # type: ignore[no-untyped-def]
    sets = [one for one in ax.collections if isinstance(one, QuadContourSet)]
    return [np.concatenate([path.vertices for path in one.get_paths()]) for one in sets]


def test_each_contour_encloses_the_peak_of_its_kernel() -> None:
    result = wigner(bank(500.0, 2000.0, 7000.0))
    ax = plots.wigner(result, Figure().subplots())
    lines = contours(ax)
    assert len(lines) == 3
    for line, frequency in zip(lines, (0.5, 2.0, 7.0), strict=True):
        assert line[:, 1].min() < frequency < line[:, 1].max() < frequency + 0.2
        assert line[:, 0].min() < 0 < line[:, 0].max()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time from the centre (ms)", "frequency (kHz)")


def test_contours_lie_at_the_level_and_a_higher_one_is_narrower() -> None:
    result = wigner(bank(2000.0), distributions=True)
    wide, narrow = (contours(plots.wigner(result, Figure().subplots(), level=level))[0] for level in (0.5, 0.9))
    assert np.ptp(narrow[:, 0]) < np.ptp(wide[:, 0]) and np.ptp(narrow[:, 1]) < np.ptp(wide[:, 1])
    at = result.distribution[0].interp(time=("point", wide[:, 0] / 1000), frequency=("point", wide[:, 1] * 1000))
    np.testing.assert_allclose(at, 0.5 * float(result.peak[0]), rtol=0.02)


def test_the_energy_is_grey_and_not_negative() -> None:
    ax = plots.wigner(wigner(bank(1000.0, 1500.0)), Figure().subplots())
    mesh = next(one for one in ax.collections if isinstance(one, QuadMesh))
    assert mesh.get_cmap().name == "Greys" and mesh.get_array().min() >= 0
    assert ax.get_xlim()[0] == pytest.approx(-ax.get_xlim()[1], abs=0.1)


def test_dead_kernels_have_no_contour_and_dead_layers_say_so() -> None:
    assert len(contours(plots.wigner(wigner(bank(1000.0, 0.0)), Figure().subplots()))) == 1
    ax = plots.wigner(wigner(bank(0.0, 0.0)), Figure().subplots())
    assert [text.get_text() for text in ax.texts] == ["all kernels are zero"]


@pytest.mark.parametrize("width", [1, 2, 7])
def test_short_kernels_can_be_drawn(width: int) -> None:
    torch.manual_seed(0)
    figure = Figure()
    plots.wigner(wigner(nn.Conv1d(1, 5, width)), figure.subplots())
    saved = io.BytesIO()
    figure.savefig(saved, format="png")
    assert saved.getvalue()


def test_a_result_is_drawn_by_its_method_at_column_width() -> None:
    ax = wigner(bank(1000.0)).otoscope.plot()
    assert ax.figure.get_figwidth() == pytest.approx(3.4)


@pytest.mark.parametrize("level", [0, 1, -0.5])
def test_levels_outside_of_0_to_1_are_refused(level: float) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        plots.wigner(wigner(bank(1000.0)), Figure().subplots(), level=level)
