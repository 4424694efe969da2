"""Sections on layers and on a training hold the numbers, the pictures and the sounds of their results."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from otoscope import Scope
from otoscope.methods import feature_evolution
from otoscope.report import evolution_rows, importance_rows, render, residual_rows
from otoscope.report.html import Figure, Player, Table
from otoscope.report.sections import make_sections
from otoscope.training import ChangeRate


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv1d(1, 6, 9, stride=3), nn.ReLU(), nn.Conv1d(6, 5, 5), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(),
        nn.Linear(5, 2),
    )  # fmt: skip


def waves(count: int = 6) -> tuple[list[np.ndarray], list[str]]:
    rng = np.random.default_rng(0)
    return [0.1 * rng.standard_normal(1600) for _ in range(count)], [str(n % 2) for n in range(count)]


def test_studies_have_a_picture_and_a_row_a_layer() -> None:
    scope = Scope(network(), 8000, classes=["0", "1"])
    study = scope.residual_study(*waves())
    known = scope.layer_importance(waves(), waves(), epochs=1, seeds=2)
    sections = list(make_sections({"residual_study": study, "layer_importance": known}))
    tables = [item for section in sections for item in section.body if isinstance(item, Table)]
    assert [[row[0] for row in table.rows] for table in tables] == [["1", "3"], ["1", "3"]]
    np.testing.assert_allclose([row[1] for row in tables[0].rows], study.score, rtol=1e-3)
    np.testing.assert_allclose([row[2] for row in tables[1].rows], known["mean"], rtol=1e-3)
    assert render("page", sections, {}).count("<img") == 2
    rows = residual_rows(study)
    np.testing.assert_allclose([row["change_low"] for row in rows], study.change_low)
    np.testing.assert_allclose([row["logit_change"] for row in rows], study.logit_change.mean("clip"), rtol=1e-5)
    assert [row["runs"] for row in importance_rows(known)] == known.accuracy.values.tolist()


def test_residual_sounds_can_be_played() -> None:
    rest = Scope(network(), 8000).residual(waves()[0][0])
    (section,) = make_sections({"residual": rest})
    players = [item.player for item in section.body if isinstance(item, Figure)]
    assert len(players) == 2
    for player, one in zip(players, rest, strict=True):
        assert player is not None and player.sample_rate == 8000
        np.testing.assert_array_equal(player.samples, one)


def test_a_training_can_be_heard_and_seen() -> None:
    model = network()
    rate = ChangeRate(model)
    model[0].weight.data.mul_(1.1)
    rate.step()
    x = torch.as_tensor(waves()[0][0], dtype=torch.float32)[None, None]
    run = [(n, network(n).state_dict()) for n in (1, 2, 3)]
    result = feature_evolution(model, x, sample_rate=8000, checkpoints=run, layer="1", top=2).isel(clip=0)
    evolved, changed = make_sections({"feature_evolution": result, "change_rate": rate.result()})
    assert len([item for item in evolved.body if isinstance(item, Player)]) == 6
    assert render("page", [evolved, changed], {}).count("<img") == 4
    rows = evolution_rows(result)
    assert [row["checkpoint"] for row in rows] == [1, 2, 3, 1, 2, 3]
    np.testing.assert_allclose([row["activity"] for row in rows], result.activity.values.T.ravel(), rtol=1e-6)
