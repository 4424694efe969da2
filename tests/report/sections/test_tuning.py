"""The section on tuning curves."""

from __future__ import annotations

from html import escape

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from otoscope.methods.tuning import tuning
from otoscope.report.html import render
from otoscope.report.sections import section
from otoscope.subject import Subject


@pytest.mark.parametrize("dead", [0, 2])
def test_it_names_the_layer_and_counts_the_maps_without_answer(dead: int) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 3, 20, stride=5, bias=False), nn.ReLU())
    model[0].weight.data[:dead] = 0
    result = tuning(Subject(model, 8000), layer="1", bins_per_octave=2, rates=[8.0], duration=0.2)
    page = render("page", [section("tuning")(result)], {})
    assert page.count("<img") == 1 and plt.get_fignums() == [] and escape(result.attrs["source"]) in page
    assert "Tuning of 1" in page
    assert (f"3 maps, {dead} of which respond to no tone." if dead else ">3 maps.<") in page
