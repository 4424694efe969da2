"""Learning from labels: classes, several at a time or one, with all of a model or its last layer alone."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from otoscope.errors import InputError
from otoscope.training.crops import fill
from otoscope.training.evaluate import clip_scores
from otoscope.training.learner import Learner
from otoscope.training.metrics import accuracy, d_prime, equal_error_rate, mean_auc, mean_average_precision
from otoscope.training.mixup import mixup
from otoscope.training.recipe import LearnSection


class Supervised(Learner):
    """A classifier that learns from crops and is judged on whole clips.

    Parameters
    ----------
    model : nn.Module
        From (clip, 1, time) to logits (clip, class).
    learn : LearnSection
        Of a recipe; with the method ``linear`` nothing but the last linear layer learns, and the rest of the model runs
        as it does after training (no dropout, batch statistics as they are).
    seed : int
    n_classes : int
    multilabel : bool
        Whether a clip may have several classes: binary cross-entropy for each, instead of one over all.
    mixup_alpha : float, optional
        See :func:`otoscope.training.mixup`.
    shortest : int
        Samples that a clip to be judged is filled up to.
    window : int, optional
        Samples of the windows in which a clip is judged, for a model that takes one length; else the whole at once.
    padding : str
        As in a recipe.
    """

    def __init__(
        self,
        model: nn.Module,
        learn: LearnSection,
        seed: int,
        n_classes: int,
        *,
        multilabel: bool = False,
        mixup_alpha: float | None = None,
        shortest: int = 1,
        window: int | None = None,
        padding: str = "zeros",
    ) -> None:
        super().__init__(model, learn, seed)
        self.n_classes, self.multilabel, self.mixup_alpha = n_classes, multilabel, mixup_alpha
        self.shortest, self.window, self.padding = shortest, window, padding
        self.judged: list[tuple[Tensor, Tensor]] = []
        if learn.method == "linear":
            model.requires_grad_(False)
            classifier_of(model)[1].requires_grad_(True)

    @property
    def best_by(self) -> str:
        """The metric by which one epoch is better than another; more is better."""
        return "mean_average_precision" if self.multilabel else "accuracy"

    def on_train_start(self) -> None:
        """Keep what does not learn from changing; a training that goes on within an epoch begins here too."""
        if self.learn.method == "linear":
            self.model.eval()

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """The loss of a batch of crops (clip, 1, 1, time)."""
        waves, targets = batch[0][:, 0], batch[1]
        if self.mixup_alpha is not None:
            chance = self.chance(batch_idx)
            waves, targets = mixup(waves, targets, chance, alpha=self.mixup_alpha, n_classes=self.n_classes)
        logits = self.model(waves)
        return self.note(self.loss(logits, targets))

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy, or its binary kind for each class."""
        return binary_cross_entropy_with_logits(logits, targets) if self.multilabel else cross_entropy(logits, targets)

    def validation_step(self, clip: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Score one whole clip."""
        wave = fill(clip[0], self.shortest, self.padding)
        scores = clip_scores(self.model, wave, window=self.window, padding=self.padding)
        self.judged.append((scores.float().cpu(), clip[1].cpu()))

    test_step = validation_step

    def on_validation_epoch_end(self) -> None:
        """Judge all clips together."""
        self._log("validation")

    def on_test_epoch_end(self) -> None:
        """Judge all clips together."""
        self._log("test")

    def _log(self, part: str) -> None:
        scores, targets = (torch.stack(column) for column in zip(*gather_ranks(self.judged), strict=True))
        self.judged = []
        found = {"loss": float(self.loss(scores, targets))} | metrics(scores, targets, multilabel=self.multilabel)
        self.log_dict({f"{part}_{name}": value for name, value in found.items()}, rank_zero_only=False)


def metrics(scores: Tensor, targets: Tensor, *, multilabel: bool = False) -> dict[str, float]:
    """How well scores tell the classes.

    Parameters
    ----------
    scores : Tensor, (clip, class)
    targets : Tensor, (clip,) or (clip, class)
    multilabel : bool

    Returns
    -------
    dict
        Of one class a clip the accuracy, and of two classes the equal error rate too; of several classes mean average
        precision, mean area under the ROC curve and d-prime. See :mod:`otoscope.training.metrics`.

    Examples
    --------
    >>> metrics(torch.tensor([[2.0, 1.0], [0.0, 1.0]]), torch.tensor([0, 1]))
    {'accuracy': 1.0, 'equal_error_rate': 0.0}
    """
    known, truth = scores.numpy(), targets.numpy()
    if multilabel:
        auc = mean_auc(known, truth)
        return {
            "mean_average_precision": mean_average_precision(known, truth),
            "mean_auc": auc,
            "d_prime": d_prime(auc),
        }
    found = {"accuracy": accuracy(known, truth)}
    if known.shape[1] == 2 and 0 < truth.sum() < len(truth):
        found["equal_error_rate"] = equal_error_rate(known[:, 1] - known[:, 0], truth)
    return found


def classifier_of(model: nn.Module) -> tuple[str, nn.Linear]:
    """Name and module of the last linear layer, which tells the classes apart.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> classifier_of(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)))[0]
    '2'
    """
    found = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    if not found:
        name = type(model).__name__
        raise InputError(f"{name} has no linear layer that could be its classifier: let it end in nn.Linear")
    return found[-1]


def gather_ranks(judged: list[Any]) -> list[Any]:
    """What all devices of a training have found, on each of them."""
    if not (dist.is_available() and dist.is_initialized()):
        return judged
    parts: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(parts, judged)
    return [one for part in parts for one in part]
