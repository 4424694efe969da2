"""A linear classifier on features of a network, trained by itself or together with what is before it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from otoscope.dsp.precision import mean_average_precision_of


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a classifier is trained, and what is before it.

    Attributes
    ----------
    epochs, batch_size : int
    learning_rate, encoder_learning_rate : float
        At the first step; they fall to zero along a cosine.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    encoder_learning_rate: float


class LinearProbe(nn.Module):
    """A linear classifier on features that are standardised as they were before training.

    Parameters
    ----------
    features : Tensor, (clip, feature)
        Those to train on.
    classes : int
    seed : int
        Of the first weights.

    Examples
    --------
    >>> features, known = torch.tensor([[1.0], [2.0], [-1.0], [-2.0]]), torch.tensor([1, 1, 0, 0])
    >>> probe = LinearProbe(features, 2, seed=0)
    >>> fit_probe(probe, None, features.__getitem__, known, Schedule(50, 2, 0.01, 0.0), seed=0)
    >>> probe_score(probe(features).detach().numpy(), known)
    1.0
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, features: Tensor, classes: int, seed: int) -> None:
        super().__init__()
        deviation = features.std(0, correction=0)
        live = deviation > 1e-6 * deviation.max()
        self.register_buffer("mean", features.mean(0))
        self.register_buffer("scale", torch.where(live, 1 / deviation, 0.0))
        # Small, so that few steps suffice; any start leads to the same classifier in the end.
        bound = 0.01 * features.shape[1] ** -0.5
        first = torch.empty(features.shape[1], classes)
        first.uniform_(-bound, bound, generator=torch.Generator().manual_seed(seed))
        self.weight = nn.Parameter(first.to(features))
        self.bias = nn.Parameter(features.new_zeros(classes))

    def forward(self, features: Tensor) -> Tensor:
        """Logits (clip, class) of features (clip, feature)."""
        return (features - self.mean) * self.scale @ self.weight + self.bias


def fit_probe(
    head: LinearProbe,
    encoder: nn.Module | None,
    features: Callable[[Tensor], Tensor],
    known: Tensor,
    schedule: Schedule,
    seed: int,
) -> None:
    """Train a classifier, and an encoder where there is one, by Adam on the cross-entropy of random batches.

    Parameters
    ----------
    head : LinearProbe
    encoder : nn.Module or None
        What `features` runs, to be trained as well.
    features : callable
        From the numbers of the clips of a batch to their features (clip, feature).
    known : Tensor
        The numbers of the classes (clip,); or, where a clip may have several, zeros and ones (clip, class), by binary
        cross-entropy.
    schedule : Schedule
    seed : int
        Of the order of clips.
    """
    groups = [{"params": list(head.parameters()), "lr": schedule.learning_rate}]
    if encoder is not None and list(encoder.parameters()):
        groups.append({"params": list(encoder.parameters()), "lr": schedule.encoder_learning_rate})
    optimizer = torch.optim.Adam(groups, weight_decay=1e-3)
    loss = binary_cross_entropy_with_logits if known.ndim > 1 else cross_entropy
    steps = schedule.epochs * -(-len(known) // schedule.batch_size)
    cosine = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 + 0.5 * math.cos(math.pi * step / steps))
    order = torch.Generator().manual_seed(seed)
    with torch.enable_grad():
        for _ in range(schedule.epochs):
            for drawn in torch.randperm(len(known), generator=order).split(schedule.batch_size):
                scores = head(features(drawn))
                optimizer.zero_grad()
                loss(scores, known[drawn].to(scores.device)).backward()
                optimizer.step()
                cosine.step()


def probe_score(answers: np.ndarray, known: Tensor) -> float:
    """The accuracy of answers (clip, class), or their mean average precision where a clip may have several classes."""
    if known.ndim > 1:
        return mean_average_precision_of(answers, known.numpy())
    return float((answers.argmax(1) == known.numpy()).mean())
