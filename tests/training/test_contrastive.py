"""Learning without labels: the loss that is followed, and that it brings the views of a clip together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from otoscope import InputError, load
from otoscope.models.checkpoints import read_config
from otoscope.training.contrastive import Contrastive
from otoscope.training.nt_xent import nt_xent
from otoscope.training.recipe import read_recipe
from otoscope.training.run import train

RECIPE = read_recipe("laptop/esc10/contrastive", ["learn.projection=12", "learn.temperature=0.2"])


def test_a_step_follows_nt_xent_of_the_projections() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(50, 7))
    learner, views = Contrastive(model, RECIPE, 7), torch.randn(6, 2, 1, 50)
    projected = [learner.projection(model(views[:, view])) for view in (0, 1)]
    torch.testing.assert_close(learner.training_step((views, torch.zeros(6)), 0), nt_xent(*projected, temperature=0.2))
    assert [tuple(layer.weight.shape) for layer in learner.projection if isinstance(layer, nn.Linear)] == [
        (12, 7),
        (12, 12),
    ]


def test_batch_statistics_are_those_of_both_views() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(1, momentum=1.0)
    learner = Contrastive(nn.Sequential(norm, nn.Flatten(), nn.Linear(50, 7)), RECIPE, 7)
    views = torch.randn(6, 2, 1, 50) + torch.tensor([0.0, 3.0]).reshape(1, 2, 1, 1)
    learner.train().training_step((views, torch.zeros(6)), 0)
    torch.testing.assert_close(norm.running_mean, views.mean().reshape(1))
    assert norm.running_var is not None
    torch.testing.assert_close(norm.running_var, views.var().reshape(1))


def test_it_learns_to_find_the_other_view(made: Any, tmp_path: Path) -> None:
    recipe = made(
        data={"validation": None, "in_memory": True, "duration": 0.3, "padding": "repeat"},
        learn={"method": "contrastive", "epochs": 25, "batch_size": 12, "learning_rate": 3e-3, "projection": 16},
        augment={"noise": True},
    )
    found = train(recipe, tmp_path / "run")
    rows = (tmp_path / "run" / "log.csv").read_text().splitlines()[1:]
    losses = [float(row.split(",")[3]) for row in rows]
    assert len(losses) == 25 and losses[-1] == found["train_loss"] < 0.8 * losses[0]
    assert set(found) == {"train_loss", "parameters", "epochs", "seconds", "device", "clips", "otoscope_version"}
    encoder = load(str(tmp_path / "run"))
    assert encoder(torch.zeros(1, 1, 8000)).ndim == 2  # no projection head, no classes
    assert read_config(tmp_path / "run")["contract"]["scores"] == "hidden state"
    assert found["parameters"] == sum(parameter.numel() for parameter in encoder.parameters())


def test_a_model_that_encodes_nothing(made: Any, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from torch import nn\n\nclass Own(nn.Conv1d):\n    sample_rate = 8000\n"
        "    def __init__(self):\n        super().__init__(1, 4, 20)\n"
    )
    model = {"name": f"{tmp_path / 'own.py'}:Own", "options": {}}
    with pytest.raises(InputError, match="is not an encoder: contrastive learning needs"):
        train(made(model=model, data={"validation": None}, learn={"method": "contrastive"}), tmp_path / "run")
