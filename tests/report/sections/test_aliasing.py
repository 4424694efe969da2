"""The sections on aliasing say what the results say."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from otoscope.methods.aliasing import aliasing
from otoscope.methods.aliasing_map import aliasing_map
from otoscope.report.html import Figure, Note, Table
from otoscope.report.sections import section
from otoscope.subject import Subject


@pytest.fixture
def pooling() -> Subject:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 4, 9, stride=4), nn.ReLU(), nn.MaxPool1d(5), nn.AdaptiveAvgPool1d(1))
    return Subject(model, 8000, name="small")


def test_every_step_is_listed_and_what_is_not_counted(pooling: Subject, clip: torch.Tensor) -> None:
    result = aliasing(pooling, clip)
    made = section("aliasing")(result)
    (table,) = (item for item in made.body if isinstance(item, Table))
    assert [row[0] for row in table.rows] == ["0", "2"]
    assert table.rows[0][5] == float(result.share[0])
    notes = [item.text for item in made.body if isinstance(item, Note)]
    assert notes == ["Not counted: 3: keeps one value of the whole clip."]


def test_silence_has_no_share(pooling: Subject) -> None:
    pooling.model[0].bias.data.zero_()
    (table,) = (
        item for item in section("aliasing")(aliasing(pooling, torch.zeros(400))).body if isinstance(item, Table)
    )
    assert table.rows[0][5] is None and "a dash where the maps are silent" in table.caption


def test_a_map_names_the_steps_that_are_not_drawn(pooling: Subject) -> None:
    made = section("aliasing_map")(aliasing_map(pooling, duration=0.1, frequencies=9))
    assert sum(isinstance(item, Figure) for item in made.body) == 1
    notes = [item.text for item in made.body if isinstance(item, Note)]
    assert notes[0].startswith("Not drawn: 2. The sweep is too coarse") and "keeps one value" in notes[1]
