"""The section on filters."""

from __future__ import annotations

from html import escape
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from otoscope.methods.filters import filters
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
def test_it_counts_the_filters_and_those_that_are_zero(dead: int) -> None:
    result = filters(subject_of(dead))
    page = render("page", [section("filters")(result)], {})
    assert page.count("<img") == 1 and plt.get_fignums() == []
    assert "3 filters" in page and escape(result.attrs["source"]) in page
    assert (f"{dead} of them zero" in page) == bool(dead) and ("half of them are centred" in page) == (dead < 3)


@pytest.mark.parametrize("dead", [0, 2, 3])
def test_before_and_after_have_a_section_of_their_own(dead: int, tmp_path: Path) -> None:
    torch.save(subject_of(dead).model.state_dict(), tmp_path / "before.pt")
    model = subject_of(dead).model
    model[0].weight.data *= 1.5
    result = filters(Subject(model, 8000), before=tmp_path / "before.pt")
    page = render("page", [section("filters")(result)], {})
    assert "before and after training" in page and plt.get_fignums() == []
    assert ("more than 0.50 of their norm" in page) == (dead < 3)
