"""The section of coherence shows what its result says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from otoscope import Scope
from otoscope.report.html import Note, Table, render
from otoscope.report.sections.coherence import coherence


@pytest.fixture
def small() -> Scope:
    torch.manual_seed(0)
    return Scope(nn.Sequential(nn.Conv1d(1, 12, 9, stride=4), nn.ReLU()), 8000, name="small")


@pytest.fixture
def waves() -> list[np.ndarray]:
    return [np.random.default_rng(n).normal(0, 0.1, 2400).astype("f4") for n in range(3)]


def test_coherence(small: Scope, waves: list[np.ndarray]) -> None:
    result = small.coherence(waves)
    section = coherence(result)
    (table,) = (item for item in section.body if isinstance(item, Table))
    (row,) = table.rows
    assert (row[0], row[4]) == ("1", 3)
    np.testing.assert_allclose(row[1:4], [result[name][0] for name in ("coherence", "ci_low", "ci_high")], rtol=1e-3)
    assert "the 5 most coherent" in section.sentence
    assert any(isinstance(item, Note) for item in section.body)
    assert "section 6.3" in section.source
    assert render("page", [section], {}).count("<img") == 2


def test_the_caution_is_about_rules_that_need_it(small: Scope, waves: list[np.ndarray]) -> None:
    section = coherence(small.coherence(waves, rule="gradient", n_frequencies=3))
    assert "the 3 most coherent" in section.sentence
    assert not any(isinstance(item, Note) for item in section.body)
