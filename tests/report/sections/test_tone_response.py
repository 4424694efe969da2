"""The section on the response to tones."""

from __future__ import annotations

from html import escape

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from otoscope.methods.tone_response import tone_response
from otoscope.report.html import render
from otoscope.report.sections import section
from otoscope.subject import Subject


def subject_of(dead: int = 0) -> Subject:
    """Three kernels, some of them zero."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 3, 20, stride=5, bias=False), nn.ReLU(), nn.Conv1d(3, 4, 3))
    model[0].weight.data[:dead] = 0
    return Subject(model, 8000)


@pytest.mark.parametrize("dead", [0, 2])
def test_it_names_the_layer_and_counts_the_maps_without_answer(dead: int) -> None:
    result = tone_response(subject_of(dead), layer="1", bins_per_octave=2, duration=0.1)
    page = render("page", [section("tone_response")(result)], {})
    assert page.count("<img") == 1 and plt.get_fignums() == [] and escape(result.attrs["source"]) in page
    assert "Response to tones of 1" in page
    assert (f"3 maps, {dead} of which respond to no sine." if dead else ">3 maps.<") in page
