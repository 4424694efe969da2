"""What all training methods share: optimizer, schedule, and randomness that does not depend on interruptions."""

from __future__ import annotations

import math
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from otoscope.contract import Contract
from otoscope.errors import InputError
from otoscope.training.clips import seeded_generator
from otoscope.training.recipe import Recipe
from otoscope.training.schedule import exponential_decay, warm_up_cosine

_CHECK_EVERY = 20  # steps: to read a number from a GPU is to wait for it


class Learner(LightningModule):
    """A model that is trained by AdamW.

    Parameters
    ----------
    model : nn.Module
    recipe : Recipe

    Attributes
    ----------
    contract : Contract
        What the model takes.
    epoch_loss : float
        Mean loss of the last complete epoch, over its batches and all devices.
    """

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        super().__init__()
        self.model, self.recipe = model, recipe
        self.contract = Contract.of(model)
        self.epoch_loss = self._learning_rate = math.nan
        self._losses: list[Tensor] = []

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Seed torch's global generator, which dropout draws from, at every step."""
        seed = self.step_generator(batch_idx).initial_seed()
        if self.device.type == "cpu":
            # torch.manual_seed notes a call for every kind of GPU that is not in use, each with its stack of frames.
            torch.default_generator.manual_seed(seed)
        else:
            torch.manual_seed(seed)

    def step_generator(self, batch_idx: int) -> torch.Generator:
        """The random generator of one step."""
        return seeded_generator(self.recipe.seed, self.current_epoch, batch_idx, self.global_rank)

    def answers(self, waves: Tensor) -> Tensor:
        """What the model answers to crops, normalised as it takes them."""
        answers: Tensor = self.model(self.contract.normalise(waves))
        return answers

    def record_loss(self, loss: Tensor) -> Tensor:
        """Add the loss of a step to that of its epoch."""
        self._losses.append(loss.detach())
        return loss

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        """Note the learning rate, and end a training that has diverged, before it spoils the weights."""
        self._learning_rate = optimizer.param_groups[0]["lr"]  # at the end of an epoch it is that of the next
        if self.trainer.global_step % _CHECK_EVERY == 0:
            self._check_losses()

    def _check_losses(self) -> None:
        if self._losses and not bool(torch.stack(self._losses[-_CHECK_EVERY:]).isfinite().all()):
            where = f"epoch {self.current_epoch + 1}, step {self.trainer.global_step}"
            raise InputError(
                f"the loss is not finite ({where}): learn.learning_rate={self.recipe.learn.learning_rate:g} is too "
                "high, or the model divides by zero on some sound"
            )

    def on_train_epoch_end(self) -> None:
        """Log the loss and the learning rate of the epoch."""
        self._check_losses()
        self.epoch_loss, self._losses = float(self._losses_of_all_ranks().mean()), []
        self.log("loss", self.epoch_loss)
        self.log("learning_rate", self._learning_rate)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the losses of an unfinished epoch."""
        checkpoint["losses"] = self._losses_of_all_ranks().tolist()
        checkpoint["epoch_loss"] = self.epoch_loss

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore them."""
        self._losses = [torch.tensor(loss) for loss in checkpoint["losses"]]
        self.epoch_loss = checkpoint["epoch_loss"]

    def _losses_of_all_ranks(self) -> Tensor:
        # Those of a checkpoint were read before the model was moved to its device.
        losses = [loss.to(self.device) for loss in self._losses]
        stacked = torch.stack(losses) if losses else torch.zeros(0, device=self.device)
        return self.trainer.strategy.reduce(stacked, reduce_op="mean")

    def configure_optimizers(self) -> Any:
        """AdamW (decoupled weight decay), and the learning-rate schedule, if any, stepped after each epoch."""
        learn = self.recipe.learn
        trainable = [parameter for parameter in self.parameters() if parameter.requires_grad]
        if not trainable:
            raise InputError(f"{type(self.model).__name__} has no trainable parameter (requires_grad)")
        optimizer = torch.optim.AdamW(trainable, learn.learning_rate, weight_decay=learn.weight_decay)
        if learn.schedule == "constant":
            return optimizer
        if learn.schedule == "exponential":
            return [optimizer], [exponential_decay(optimizer, decay=learn.decay, warm_up=learn.warm_up)]
        return [optimizer], [warm_up_cosine(optimizer, total=learn.epochs, warm_up=learn.warm_up)]
