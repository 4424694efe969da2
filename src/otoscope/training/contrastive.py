"""Learning without labels: SimCLR."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from otoscope.training.learner import Learner
from otoscope.training.nt_xent import nt_xent
from otoscope.training.recipe import Recipe


class Contrastive(Learner):
    """An encoder that learns to match two views of a clip among those of all other clips.

    Parameters
    ----------
    model : nn.Module
        From (clip, 1, time) to embeddings (clip, feature).
    recipe : Recipe
    features : int
        Size of an embedding.

    Notes
    -----
    The projection head, with one hidden layer as wide as its output, is used in training alone (thesis on
    sonification, 2022, section 4.3.2). The loss is :func:`otoscope.training.nt_xent`.
    """

    best_by = None

    def __init__(self, model: nn.Module, recipe: Recipe, features: int) -> None:
        super().__init__(model, recipe)
        units = recipe.learn.projection
        self.projection = nn.Sequential(nn.Linear(features, units), nn.ReLU(), nn.Linear(units, units))

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """The loss of a batch of pairs of crops (clip, view, 1, time)."""
        views = batch[0]
        # One pass for both views, so that batch-norm sees the statistics of twice the clips.
        projected = self.projection(self.answers(torch.cat([views[:, 0], views[:, 1]])))
        first, second = projected.chunk(2)
        return self.record_loss(nt_xent(first, second, temperature=self.recipe.learn.temperature))
