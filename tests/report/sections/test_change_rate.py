"""The section of change rates shows both measures."""

from __future__ import annotations

from torch import nn

from otoscope.report.html import render
from otoscope.report.sections.change_rate import change_rate
from otoscope.training import ChangeRate


def test_both_measures_are_shown() -> None:
    model = nn.Conv1d(1, 2, 3)
    rate = ChangeRate(model)
    model.weight.data.mul_(1.1)
    rate.step()
    section = change_rate(rate.result())
    assert "figure 4" in section.source and render("page", [section], {}).count("<img") == 2
