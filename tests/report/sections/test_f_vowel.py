"""The section on the filters that fire most."""

from __future__ import annotations

from html import escape

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from otoscope.methods.f_vowel import f_vowel
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
def test_it_names_the_filters_and_the_peak(level: float) -> None:
    result = f_vowel(subject_of(), level * torch.sin(torch.arange(4000) / 3), n_filters=1)
    page = render("page", [section("f_vowel")(result)], {})
    assert page.count("<img") == 1 and plt.get_fignums() == [] and escape(result.attrs["source"]) in page
    if level:
        number = int(result.firing.values.argmax())
        assert f"{number} ({float(result.firing[number]):.0%})" in page
        assert f"highest at {float(result.peak_frequency):.0f} Hz" in page
    else:
        assert "No filter fires" in page and "highest" not in page
