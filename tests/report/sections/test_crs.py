"""The section on cumulative response spectra."""

from __future__ import annotations

from html import escape

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from otoscope.methods.crs import crs
from otoscope.report.html import render
from otoscope.report.sections import section
from otoscope.subject import Subject


@pytest.mark.parametrize("level", [1.0, 0.0])
def test_it_has_a_picture_its_source_and_the_peak(level: float) -> None:
    torch.manual_seed(0)
    subject = Subject(nn.Sequential(nn.Conv1d(1, 3, 20, stride=5), nn.ReLU()), 8000)
    result = crs(subject, level * torch.sin(torch.arange(4000) / 3))
    page = render("page", [section("crs")(result)], {})
    assert page.count("<img") == 1 and plt.get_fignums() == []
    peak = f"Highest at {float(result.peak_frequency):.0f} Hz" if level else "Nowhere above 0"
    for words in ("(CRS)", escape(result.attrs["source"]), peak, peak.replace(peak[0], peak[0].lower(), 1)):
        assert words in page
