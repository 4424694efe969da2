"""The section on short-time response spectra."""

from __future__ import annotations

from html import escape

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from otoscope.methods.strs import strs
from otoscope.report.html import render
from otoscope.report.sections import section
from otoscope.subject import Subject


@pytest.mark.parametrize("level", [1.0, 0.0])
def test_it_has_a_picture_its_source_and_the_arguments(level: float) -> None:
    torch.manual_seed(0)
    subject = Subject(nn.Sequential(nn.Conv1d(1, 3, 20, stride=5), nn.ReLU()), 8000)
    result = strs(subject, level * torch.sin(torch.arange(4000) / 3), hop=80)
    page = render("page", [section("strs")(result)], {})
    assert page.count("<img") == 1 and plt.get_fignums() == []
    for words in ("(STRS)", escape(result.attrs["source"]), "hop=80, layer="):
        assert words in page
