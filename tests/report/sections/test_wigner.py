"""The section on kernels in time and frequency."""

from __future__ import annotations

from html import escape

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from otoscope.methods.wigner import wigner
from otoscope.report.html import render
from otoscope.report.sections import section
from otoscope.subject import Subject


def subject_of(dead: int = 0) -> Subject:
    """Three kernels, some of them zero."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 3, 20, stride=5, bias=False), nn.ReLU(), nn.Conv1d(3, 4, 3))
    model[0].weight.data[:dead] = 0
    return Subject(model, 8000)


@pytest.mark.parametrize("dead", [0, 2, 3])
def test_it_counts_the_kernels_and_those_that_are_zero(dead: int) -> None:
    result = wigner(subject_of(dead))
    page = render("page", [section("wigner")(result)], {})
    assert page.count("<img") == 1 and plt.get_fignums() == [] and escape(result.attrs["source"]) in page
    assert "3 kernels" in page and (f"{dead} of them zero" in page) == bool(dead)
    assert ("have their peak below" in page) == (dead < 3)
