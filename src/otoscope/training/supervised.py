"""Learning from labels: one class a clip or several, with the whole model or its last layer alone."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from otoscope.errors import InputError
from otoscope.metrics import accuracy, d_prime, equal_error_rate, mean_auc, mean_average_precision
from otoscope.training.evaluate import clip_scores
from otoscope.training.learner import Learner
from otoscope.training.mixup import mixup
from otoscope.training.recipe import Recipe


class Supervised(Learner):
    """A classifier that is trained on crops and evaluated on whole clips.

    Parameters
    ----------
    model : nn.Module
        From (clip, 1, time) to logits (clip, class).
    recipe : Recipe
        With the method ``linear`` only the last linear layer is trained, and the rest of the model runs in evaluation
        mode (no dropout, fixed batch statistics).
    n_classes : int
    multilabel : bool
        Whether a clip may have several classes: binary cross-entropy for each class, instead of one over all.
    weights : Tensor (class,), optional
        Of the classes in the loss that is trained on, see :func:`otoscope.training.weights.class_weights`.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        n_classes: int,
        *,
        multilabel: bool = False,
        weights: Tensor | None = None,
    ) -> None:
        super().__init__(model, recipe)
        self.register_buffer("class_weights", weights, persistent=False)
        self.n_classes, self.multilabel = n_classes, multilabel
        self.scored: list[tuple[Tensor, Tensor]] = []
        wanted = recipe.learn.select_by
        if wanted is not None and wanted not in self.measured:
            raise InputError(
                f"learn.select_by={wanted} is not measured on this data: choose {' or '.join(self.measured)}"
            )
        if recipe.learn.method == "linear":
            model.requires_grad_(False)
            classifier_of(model)[1].requires_grad_(True)

    @property
    def measured(self) -> tuple[str, ...]:
        """The metrics that may select the best epoch."""
        if self.multilabel:
            return "mean_average_precision", "mean_auc", "d_prime", "loss"
        return ("accuracy", *(["equal_error_rate"] if self.n_classes == 2 else []), "loss")

    @property
    def best_by(self) -> str:
        """The metric that selects the best epoch."""
        return self.recipe.learn.select_by or ("mean_average_precision" if self.multilabel else "accuracy")

    def on_train_start(self) -> None:
        """Keep the frozen layers in evaluation mode, also when a training resumes within an epoch."""
        if self.recipe.learn.method == "linear":
            self.model.eval()

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """The loss of a batch of crops (clip, 1, 1, time)."""
        waves, targets = batch[0][:, 0], batch[1]
        alpha = self.recipe.augment.mixup
        if alpha is not None:
            generator = self.step_generator(batch_idx)
            waves, targets = mixup(waves, targets, generator, alpha=alpha, n_classes=self.n_classes)
        return self.record_loss(self.loss(self.answers(waves), targets, self.class_weights))

    def loss(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """Cross-entropy, or binary cross-entropy of each class."""
        if self.multilabel:
            return binary_cross_entropy_with_logits(logits, targets, pos_weight=weights)
        return cross_entropy(logits, targets, weights)

    def validation_step(self, clip: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Score one whole clip."""
        scores = clip_scores(self.model, clip[0], self.contract)
        self.scored.append((scores.float().cpu(), clip[1].cpu()))

    test_step = validation_step

    def on_validation_epoch_end(self) -> None:
        """Compute the metrics over all clips."""
        self._log("validation")

    def on_test_epoch_end(self) -> None:
        """Compute the metrics over all clips."""
        self._log("test")

    def _log(self, split: str) -> None:
        scores, targets = (torch.stack(column) for column in zip(*gather_ranks(self.scored), strict=True))
        self.scored = []
        values = {"loss": float(self.loss(scores, targets))} | metrics(scores, targets, multilabel=self.multilabel)
        wanted = self.recipe.learn.select_by
        if split == "validation" and wanted is not None and wanted not in values:
            raise InputError(
                f"learn.select_by={wanted} cannot be measured: the clips to validate on do not have both classes"
            )
        self.log_split(split, values)

    def log_split(self, split: str, values: dict[str, float]) -> None:
        """Log metrics under names that begin with the split."""
        self.log_dict({f"{split}_{name}": value for name, value in values.items()}, rank_zero_only=False)


def metrics(scores: Tensor, targets: Tensor, *, multilabel: bool = False) -> dict[str, float]:
    """Metrics of classification.

    Parameters
    ----------
    scores : Tensor, (clip, class)
    targets : Tensor, (clip,) or (clip, class)
    multilabel : bool

    Returns
    -------
    dict
        With one class a clip the accuracy, and with two classes the equal error rate; with several classes a clip mean
        average precision, mean area under the ROC curve and d-prime. See :mod:`otoscope.metrics`.

    Examples
    --------
    >>> metrics(torch.tensor([[2.0, 1.0], [0.0, 1.0]]), torch.tensor([0, 1]))
    {'accuracy': 1.0, 'equal_error_rate': 0.0}
    """
    predicted, truth = scores.numpy(), targets.numpy()
    if multilabel:
        auc = mean_auc(predicted, truth)
        return {
            "mean_average_precision": mean_average_precision(predicted, truth),
            "mean_auc": auc,
            "d_prime": d_prime(auc),
        }
    values = {"accuracy": accuracy(predicted, truth)}
    if predicted.shape[1] == 2 and 0 < truth.sum() < len(truth):
        values["equal_error_rate"] = equal_error_rate(predicted[:, 1] - predicted[:, 0], truth)
    return values


def classifier_of(model: nn.Module) -> tuple[str, nn.Linear]:
    """Name and module of the last linear layer, taken as the classifier.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> classifier_of(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)))[0]
    '2'
    """
    layers = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    if not layers:
        name = type(model).__name__
        raise InputError(f"{name} has no linear layer to serve as its classifier: let it end in nn.Linear")
    return layers[-1]


def gather_ranks(results: list[Any]) -> list[Any]:
    """The results of all devices of a training, on each of them."""
    if not (dist.is_available() and dist.is_initialized()):
        return results
    gathered: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(gathered, results)
    return [result for of_rank in gathered for result in of_rank]
