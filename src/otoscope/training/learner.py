"""What all trainings share: optimizer, schedule, and chance that does not depend on where a training was cut off."""

from __future__ import annotations

import math
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.training.clips import seeded_generator
from otoscope.training.recipe import LearnSection
from otoscope.training.schedule import warm_up_cosine

_LOOK_EVERY = 20  # steps, for to look at a number on a GPU is to wait for it


class Learner(LightningModule):
    """A model that learns by AdamW.

    Parameters
    ----------
    model : nn.Module
    learn : LearnSection
        Of a recipe.
    seed : int

    Attributes
    ----------
    epoch_loss : float
        Mean of the losses of the last whole epoch, over its batches and all devices.
    """

    def __init__(self, model: nn.Module, learn: LearnSection, seed: int) -> None:
        super().__init__()
        self.model, self.learn, self.seed = model, learn, seed
        self.epoch_loss = math.nan
        self._losses: list[Tensor] = []

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Seed what draws from torch's own generator, such as dropout, anew at every step."""
        torch.manual_seed(self.chance(batch_idx).initial_seed())

    def chance(self, batch_idx: int) -> torch.Generator:
        """The generator of one step."""
        return seeded_generator(self.seed, self.current_epoch, batch_idx, self.global_rank)

    def note(self, loss: Tensor) -> Tensor:
        """Take the loss of a step into that of its epoch."""
        self._losses.append(loss.detach())
        return loss

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        """End a training that went astray, before it spoils the weights."""
        if self.trainer.global_step % _LOOK_EVERY == 0:
            self._check_losses()

    def _check_losses(self) -> None:
        if self._losses and not bool(torch.stack(self._losses[-_LOOK_EVERY:]).isfinite().all()):
            where = f"epoch {self.current_epoch + 1}, step {self.trainer.global_step}"
            raise InputError(
                f"the loss is no longer a number ({where}): learn.learning_rate={self.learn.learning_rate:g} is too "
                "high, or the model divides by zero on some sound"
            )

    def on_train_epoch_end(self) -> None:
        """Log the loss of the epoch."""
        self._check_losses()
        self.epoch_loss, self._losses = float(self._losses_of_all_ranks().mean()), []
        self.log("loss", self.epoch_loss)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the losses of an epoch that is not over."""
        checkpoint["losses"] = self._losses_of_all_ranks().tolist()
        checkpoint["epoch_loss"] = self.epoch_loss

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on from there."""
        self._losses = [torch.tensor(loss) for loss in checkpoint["losses"]]
        self.epoch_loss = checkpoint["epoch_loss"]

    def _losses_of_all_ranks(self) -> Tensor:
        # Those of a checkpoint were read before the model went to its device.
        losses = [loss.to(self.device) for loss in self._losses]
        together = torch.stack(losses) if losses else torch.zeros(0, device=self.device)
        return self.trainer.strategy.reduce(together, reduce_op="mean")

    def configure_optimizers(self) -> Any:
        """Adam with decoupled decay, and the schedule of its rate if there is one, stepped after each epoch."""
        learnt = [parameter for parameter in self.parameters() if parameter.requires_grad]
        if not learnt:
            raise InputError(f"{type(self.model).__name__} has no parameter that learns (requires_grad)")
        optimizer = torch.optim.AdamW(learnt, self.learn.learning_rate, weight_decay=self.learn.weight_decay)
        if self.learn.schedule == "constant":
            return optimizer
        return [optimizer], [warm_up_cosine(optimizer, total=self.learn.epochs, warm_up=self.learn.warm_up)]
