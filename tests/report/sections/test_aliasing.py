"""The sections and rows of data flow and aliasing say what the results say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from otoscope import Scope
from otoscope.report import render
from otoscope.report.html import Note, Table
from otoscope.report.sections import make_sections
from otoscope.report.summary import aliasing_rows, flow_rows


@pytest.fixture
def pooling() -> Scope:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 4, 9, stride=4), nn.ReLU(), nn.MaxPool1d(5), nn.AdaptiveAvgPool1d(1))
    return Scope(model, 8000, name="small")


def test_sections_show_every_step_and_what_is_not_counted(pooling: Scope, clip: torch.Tensor) -> None:
    results = {
        "data_flow": pooling.data_flow(clip),
        "aliasing": pooling.aliasing(clip),
        "aliasing_map": pooling.aliasing_map(0.1, frequencies=9),
    }
    sections = list(make_sections(results))
    assert [section.title for section in sections] == ["Data flow", "Aliasing", "Aliasing over input frequency"]
    (table,) = (item for item in sections[1].body if isinstance(item, Table))
    assert [row[0] for row in table.rows] == ["0", "2"]
    assert table.rows[0][5] == float(results["aliasing"].share[0])
    notes = [item.text for item in sections[1].body if isinstance(item, Note)]
    assert notes == ["Not counted: 3: keeps one value of the whole clip."]
    assert render("page", sections, {}).count("<img") == 3


def test_rows_of_silence_say_so(pooling: Scope) -> None:
    pooling.model[0].bias.data.zero_()
    (section,) = make_sections({"aliasing": pooling.aliasing(torch.zeros(400))})
    (table,) = (item for item in section.body if isinstance(item, Table))
    assert table.rows[0][5] == "silent"


def test_rows_hold_the_numbers_of_the_results(pooling: Scope, clip: torch.Tensor) -> None:
    shares, flow = pooling.aliasing(clip), pooling.data_flow(clip, ["0"], top=2)
    assert [row["share"] for row in aliasing_rows(shares)] == shares.share.values.tolist()
    assert [row["rate_after"] for row in aliasing_rows(shares)] == [2000, 400]
    rows = flow_rows(flow)
    assert [(row["tap"], row["nyquist"]) for row in rows] == [("input", 4000), ("0", 1000), ("0", 1000)]
    assert rows[0]["peak_frequency"] == pytest.approx(440, abs=2)
    np.testing.assert_allclose(rows[0]["deviation"], clip.numpy().std(), rtol=1e-5)
