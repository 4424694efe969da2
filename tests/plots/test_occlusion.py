"""Pictures of the loss of an output, and of the relevance that is made of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from torch import nn

from otoscope import InputError
from otoscope.methods.relevance import relevance as relevance_of_sound
from otoscope.plots.occlusion import occlusion
from otoscope.plots.relevance import relevance as draw
from otoscope.subject import Subject

pytest.importorskip("captum")
RATE = 8000


def relevance(rule: str, **options: object) -> xr.Dataset:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 4, 20, stride=5), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    return relevance_of_sound(Subject(model, RATE), torch.randn(4000), target=0, rule=rule, **options)


def steps(ax) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[no-untyped-def]
    patch = next(one for one in ax.patches if isinstance(one, StepPatch))
    return patch.get_data().values, patch.get_data().edges


def test_bands_are_drawn_between_their_edges() -> None:
    result = relevance("frequency_occlusion", bands=[0, 500, 1000, 4000])
    ax = occlusion(result, Figure().subplots())
    values, edges = steps(ax)
    np.testing.assert_allclose(values, result.band_relevance)
    np.testing.assert_allclose(edges, [0, 0.5, 1, 4])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("frequency (kHz)", "loss of the output")


def test_windows_are_drawn_where_they_are() -> None:
    result = relevance("occlusion", occlusion_window=0.1, occlusion_hop=0.1)
    values, edges = steps(occlusion(result, Figure().subplots()))
    np.testing.assert_allclose(edges, np.arange(6) / 10)
    np.testing.assert_allclose(values, result.time_relevance[::800])


@pytest.mark.parametrize(("rule", "panels"), [("occlusion", 4), ("frequency_occlusion", 4), ("gradient", 3)])
def test_the_loss_is_above_the_relevance_made_of_it(rule: str, panels: int) -> None:
    axes = relevance(rule).otoscope.plot()
    assert len(axes) == panels
    assert ("loss" in axes[0].get_ylabel()) == (panels == 4)
    three = Figure().subplots(3)
    assert draw(relevance(rule), three)[0].get_ylabel() == "amplitude (re peak)"


def test_other_rules_have_no_loss() -> None:
    with pytest.raises(InputError, match="only relevance by the rule occlusion or frequency_occlusion"):
        occlusion(relevance("gradient"))
