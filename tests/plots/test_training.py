"""Pictures of a training: checkpoints side by side, activity and change rates."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

from otoscope import InputError, plots
from otoscope.methods import feature_evolution
from otoscope.training import ChangeRate


def evolution(labels: list[int | str]) -> object:
    def network(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return nn.Sequential(nn.Conv1d(1, 6, 9, stride=3), nn.ReLU())

    states = [(label, network(n).state_dict()) for n, label in enumerate(labels)]
    states[0][1]["0.weight"][3] = 0
    states[0][1]["0.bias"][3] = -1
    x = torch.randn(1, 1, 2000, generator=torch.Generator().manual_seed(0))
    return feature_evolution(network(9), x, sample_rate=8000, checkpoints=states, layer="1", channel=[3, 4])


def test_checkpoints_stand_side_by_side_above_the_activity() -> None:
    result = evolution([0, 10, 20, 30, 40, 50, 600])
    axes = plots.plot(result, channel=4)
    assert [ax.get_title() for ax in axes] == ["step 0", "step 20", "step 30", "step 40", "step 600", ""]
    line = axes[-1].lines[0]
    np.testing.assert_allclose(line.get_xdata(), result["checkpoint"])
    np.testing.assert_allclose(line.get_ydata(), result.activity[0, :, 1])
    limits = {ax.collections[0].get_clim() for ax in axes[:-1]}
    assert limits == {(-80, 0)}


def test_a_dead_map_is_said_to_be_silent_and_the_scale_is_shared() -> None:
    axes = plots.feature_evolution(evolution(["before", "after"]), channel=3)
    assert [ax.get_title() for ax in axes] == ["before", "after", ""]
    assert [text.get_text() for text in axes[0].texts] == ["silence"] and not axes[1].texts
    assert axes[0].collections[0].get_array().max() == -80
    assert axes[1].collections[0].get_array().max() == pytest.approx(0)


def test_wrong_choices_are_said() -> None:
    result = evolution([0, 10])
    with pytest.raises(InputError, match="no channel 5; it has 3, 4"):
        plots.feature_evolution(result, channel=5)
    with pytest.raises(InputError, match="no checkpoint 7"):
        plots.feature_evolution(result, checkpoints=[7])
    with pytest.raises(InputError, match="need 3 axes"):
        plots.feature_evolution(result, Figure().subplots(1, 2))


@pytest.mark.parametrize("variable", ["rate", "change"])
def test_change_rates_have_a_line_a_layer(variable: str) -> None:
    model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.Conv1d(2, 2, 3), nn.Conv1d(2, 2, 3))
    rate = ChangeRate(model)
    for factor in (1.5, 1.1):
        with torch.no_grad():
            model[1].weight.mul_(factor)
        rate.step()
    result = rate.result()
    ax = plots.plot(result, variable=variable)
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [0.5, 0.1], rtol=1e-5)
    assert np.isnan(ax.lines[0].get_ydata()).all()
    assert ax.get_yscale() == "log" and ax.get_xlabel() == "iteration"
