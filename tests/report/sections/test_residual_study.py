"""The section of the residual study has a picture and a row a layer."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from otoscope import Scope
from otoscope.report.html import Table, render
from otoscope.report.sections.residual_study import residual_study


def test_a_row_a_layer() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv1d(1, 6, 9, stride=3), nn.ReLU(), nn.Conv1d(6, 5, 5), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(),
        nn.Linear(5, 2),
    )  # fmt: skip
    rng = np.random.default_rng(0)
    sounds = [(0.1 * rng.standard_normal(1600), str(n % 2)) for n in range(6)]
    study = Scope(model, 8000).residual_study(sounds)
    section = residual_study(study)
    (table,) = (item for item in section.body if isinstance(item, Table))
    assert [row[0] for row in table.rows] == ["1", "3"]
    for column, name in enumerate(("score", "score_ci_low", "score_ci_high", "change"), 1):
        np.testing.assert_allclose([row[column] for row in table.rows], study[name], rtol=1e-3)
    assert "6 sounds" in section.sentence and "over clips" in table.caption
    assert render("page", [section], {}).count("<img") == 1
