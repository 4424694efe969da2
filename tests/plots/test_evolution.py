"""Pictures of evolution: checkpoints side by side above the activity."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib.figure import Figure
from torch import nn

from otoscope import InputError, Scope, plots
from otoscope.methods.evolution import sounds_of_checkpoints
from otoscope.plots.evolution import evolution


def result_of(labels: list[int | str]) -> xr.Dataset:
    def network(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return nn.Sequential(nn.Conv1d(1, 6, 9, stride=3), nn.ReLU())

    states = [(label, network(n).state_dict()) for n, label in enumerate(labels)]
    states[0][1]["0.weight"][3] = 0
    states[0][1]["0.bias"][3] = -1
    x = torch.randn(1, 1, 2000, generator=torch.Generator().manual_seed(0))
    result = sounds_of_checkpoints(Scope(network(9), 8000), x, states, layer="1", channels=[3, 4])
    return result.isel(clip=0).assign_attrs(method="evolution")


def test_checkpoints_stand_side_by_side_above_the_activity() -> None:
    result = result_of([0, 10, 20, 30, 40, 50, 600])
    axes = plots.plot(result, channels=4)
    assert [ax.get_title() for ax in axes] == ["step 0", "step 20", "step 30", "step 40", "step 600", ""]
    line = axes[-1].lines[0]
    np.testing.assert_allclose(line.get_xdata(), result["checkpoint"])
    np.testing.assert_allclose(line.get_ydata(), result.activity[:, 1])
    limits = {ax.collections[0].get_clim() for ax in axes[:-1]}
    assert limits == {(-80, 0)}


def test_a_dead_map_is_said_to_be_silent_and_the_scale_is_shared() -> None:
    axes = evolution(result_of(["before", "after"]), channels=3)
    assert [ax.get_title() for ax in axes] == ["before", "after", ""]
    assert [text.get_text() for text in axes[0].texts] == ["silence"] and not axes[1].texts
    assert axes[0].collections[0].get_array().max() == -80
    assert axes[1].collections[0].get_array().max() == pytest.approx(0)


def test_wrong_choices_are_refused() -> None:
    result = result_of([0, 10])
    with pytest.raises(InputError, match="no channel 5; it has 3, 4"):
        evolution(result, channels=5)
    with pytest.raises(InputError, match="no checkpoint 7"):
        evolution(result, checkpoints=[7])
    with pytest.raises(InputError, match="need 3 axes"):
        evolution(result, Figure().subplots(1, 2))
