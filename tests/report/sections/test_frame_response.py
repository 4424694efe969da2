"""The section on the response to one frame."""

from __future__ import annotations

from html import escape

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from otoscope.methods.frame_response import frame_response
from otoscope.report.html import render
from otoscope.report.sections import section
from otoscope.subject import Subject


def subject_of(dead: int = 0) -> Subject:
    """Three kernels, some of them zero."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 3, 20, stride=5, bias=False), nn.ReLU(), nn.Conv1d(3, 4, 3))
    model[0].weight.data[:dead] = 0
    return Subject(model, 8000)


@pytest.mark.parametrize("level", [1.0, 0.0])
def test_it_says_which_frame_is_shown(level: float) -> None:
    result = frame_response(subject_of(), level * torch.sin(torch.arange(4000) / 3), time=0.2)
    page = render("page", [section("frame_response")(result)], {})
    assert page.count("<img") == 1 and plt.get_fignums() == []
    assert "around 0.200 s" in page and escape(result.attrs["source"]) in page
