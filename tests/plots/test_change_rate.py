"""The picture of change rates has a line a layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from otoscope import plots
from otoscope.training import ChangeRate


@pytest.mark.parametrize("variable", ["change_rate", "change"])
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
