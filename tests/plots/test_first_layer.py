"""Pictures of filters, frames and tones: what is drawn is what was measured, and every axis says what it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib
import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from torch import nn

from otoscope import InputError, Scope, plots
from otoscope.dsp.kernels import bandpass_bank
from otoscope.methods import filters_before_after

RATE = 16_000
BANDS = [(4000, 5000), (500, 900), (2000, 2600), (1000, 1500)]


@pytest.fixture(autouse=True)
def pyplot() -> Iterator[Any]:
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def scope_of(kernels: torch.Tensor) -> Scope:
    model = nn.Sequential(nn.Conv1d(1, len(kernels), kernels.shape[1], stride=10, bias=False), nn.ReLU())
    model[0].weight.data = kernels[:, None].clone()
    return Scope(model, RATE)


@pytest.fixture
def scope() -> Scope:
    return scope_of(bandpass_bank(BANDS, 251, RATE))


def results(scope: Scope) -> dict[str, xr.Dataset]:
    tone = 0.5 * torch.sin(2 * torch.pi * 1200 * torch.arange(4000) / RATE)
    return {
        "filters": scope.filters(),
        "frame_response": scope.frame_response(tone, 0.1),
        "f_vowel": scope.f_vowel(tone),
        "tone_response": scope.tone_response("1", bins_per_octave=4),
    }


@pytest.mark.parametrize("method", ["filters", "frame_response", "f_vowel", "tone_response"])
def test_every_axis_is_labelled_in_legible_text_within_the_figure(scope: Scope, method: str) -> None:
    axes = results(scope)[method].otoscope.plot()
    assert axes.shape == (2,)
    figure = axes[0].figure
    figure.canvas.draw()
    assert 3.3 <= figure.get_size_inches()[0] <= 3.5
    assert all(ax.get_ylabel() for ax in axes) and axes[-1].get_xlabel()
    texts = [text for text in figure.findobj(matplotlib.text.Text) if text.get_text() and text.get_visible()]
    assert min(text.get_fontsize() for text in texts) >= 7
    box = figure.bbox.padded(2)
    for ax in axes:
        for label in (ax.xaxis.label, ax.yaxis.label):
            extent = label.get_window_extent()
            assert extent.width == 0 or (box.contains(*extent.min) and box.contains(*extent.max)), label.get_text()


@pytest.mark.parametrize("method", ["filters", "frame_response", "f_vowel", "tone_response"])
def test_it_is_drawn_on_the_axes_given(scope: Scope, method: str, pyplot: Any) -> None:
    for count in (1, 2):
        given = Figure().subplots(count, squeeze=False)[:, 0]
        drawn = getattr(plots, method)(results(scope)[method], given[0] if count == 1 else given)
        assert list(drawn) == list(given) and all(ax.has_data() for ax in given)
    assert pyplot.get_fignums() == []
    with pytest.raises(InputError, match="3 were given"):
        getattr(plots, method)(results(scope)[method], Figure().subplots(3))


def test_rows_of_the_image_are_the_filters_from_low_to_high(scope: Scope) -> None:
    ax = plots.filters(scope.filters(), Figure().subplots())[0]
    mesh = next(one for one in ax.collections if isinstance(one, QuadMesh))
    levels = mesh.get_array().reshape(4, -1)
    peaks = levels.argmax(1) * RATE / 2 / (levels.shape[1] - 1)
    for peak, (low, high) in zip(peaks, sorted(BANDS), strict=True):
        assert low <= peak <= high
    np.testing.assert_allclose(levels.max(1), 0)


def test_a_sweep_in_octaves_gets_a_logarithmic_axis_with_plain_numbers(scope: Scope) -> None:
    axes = results(scope)["tone_response"].otoscope.plot()
    axes[0].figure.canvas.draw()
    assert axes[1].get_xscale() == "log"
    labels = [label.get_text() for label in axes[1].get_xticklabels()]
    assert {"0.1", "0.2", "1", "5"} <= set(labels)


def test_dead_filters_are_dark_and_break_nothing() -> None:
    kernels = torch.cat((bandpass_bank(BANDS, 251, RATE), torch.zeros(2, 251)))
    ax = plots.filters(scope_of(kernels).filters(), Figure().subplots())[0]
    mesh = next(one for one in ax.collections if isinstance(one, QuadMesh))
    assert (mesh.get_array().reshape(6, -1)[4:] == -40).all()


def test_before_and_after_show_both_and_the_chosen_filters(scope: Scope) -> None:
    before = scope_of(torch.randn(4, 251)).filters()
    axes = plots.filters_before_after(before, scope.filters())
    assert axes.size == 12
    assert [ax.get_title() for ax in axes[:2]] == ["before", "after"]
    assert [ax.get_ylabel() for ax in axes[4::2]] == [f"no. {n}\nweight" for n in (1, 3, 2, 0)]
    assert all(len(ax.lines) == 2 for ax in axes[4:])
    both = filters_before_after(before, scope.filters()).otoscope.plot(chosen=[2])
    assert both.size == 6


@pytest.mark.parametrize(
    ("kernels", "options", "message"),
    [
        (torch.randn(5, 251), {}, "of one layer"),
        (torch.randn(4, 251), {"chosen": [4]}, "no kernel 4"),
        (torch.randn(4, 251), {"axes": [None] * 3}, "12 axes"),
    ],
)
def test_what_does_not_fit_is_refused(scope: Scope, kernels: torch.Tensor, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plots.filters_before_after(scope_of(kernels).filters(), scope.filters(), **options)


def test_a_result_without_what_is_drawn_is_refused(scope: Scope) -> None:
    with pytest.raises(InputError, match="no weight"):
        plots.filters(scope.filters().drop_vars("weight"))


def test_silence_is_said(scope: Scope) -> None:
    silence = torch.zeros(4000)
    for result, place in ((scope.frame_response(silence), -1), (scope.f_vowel(silence), 0)):
        said = [text.get_text() for text in result.otoscope.plot()[place].texts]
        assert len(said) == 1 and said[0].startswith("silence")
    assert not scope.f_vowel(torch.randn(4000)).otoscope.plot()[0].texts
