"""The section on the geometry of weights."""

from __future__ import annotations

import re
from html import escape

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from otoscope.methods.geometry import geometry
from otoscope.report.html import render
from otoscope.report.sections import section
from otoscope.subject import Subject


def subject_of(dead: int = 0) -> Subject:
    """Three kernels, some of them zero."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 3, 20, stride=5, bias=False), nn.ReLU(), nn.Conv1d(3, 4, 3))
    model[0].weight.data[:dead] = 0
    return Subject(model, 8000)


def rows_of(page: str) -> list[list[str]]:
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(<td.*?)</tr>", page)]


def test_it_has_a_row_a_layer_with_all_that_is_measured() -> None:
    result = geometry(subject_of())
    page = render("page", [section("geometry")(result)], {})
    assert page.count("<img") == 1 and plt.get_fignums() == [] and escape(result.attrs["source"]) in page
    rows = rows_of(page)
    assert [row[0] for row in rows] == ["0", "2"] and len(rows[0]) == 12
    for row, mu, mu_avg in zip(rows, result.mu.values, result.mu_avg.values, strict=True):
        assert float(row[-4]) == pytest.approx(mu, rel=1e-2) and float(row[-3]) == pytest.approx(mu_avg, rel=1e-2)


def test_a_bound_that_is_zero_but_for_rounding_is_zero() -> None:
    result = geometry(subject_of())
    result["A"][:] = [0.25, 1e-17]
    page = render("page", [section("geometry")(result)], {})
    bounds = [row[3] for row in rows_of(page)]
    assert bounds == ["0.25", "0"] and "the kernels do not span their space" in page


def test_dead_kernels_get_a_column_where_there_are_some() -> None:
    assert "dead" not in render("page", [section("geometry")(geometry(subject_of()))], {})
    assert ">dead<" in render("page", [section("geometry")(geometry(subject_of(1)))], {})
