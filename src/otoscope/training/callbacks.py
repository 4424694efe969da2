"""Lightning callbacks: what is logged and stored during training."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Literal, cast

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, Checkpoint, EarlyStopping, ModelCheckpoint
from torch import nn

from otoscope.files import whole_file
from otoscope.models.checkpoints import save_weights
from otoscope.training.change_rate import ChangeRate

Report = Callable[[str, int, int], None]
"""Called with a description of the step, the amount done, and the total."""


class MetricsLog(Checkpoint):  # of this type, so that it runs when all metrics of an epoch are known
    """Write the metrics of each epoch as a row of a table.

    Parameters
    ----------
    path : Path
        The CSV file; a resumed training continues its rows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add the row of this epoch."""
        metrics = {name: float(value) for name, value in sorted(trainer.callback_metrics.items())}
        self.rows.append({"epoch": trainer.current_epoch, "step": trainer.global_step, **metrics})
        if trainer.is_global_zero:
            with whole_file(self.path) as part, part.open("w", newline="", encoding="utf-8") as file:
                table = csv.DictWriter(file, self.rows[-1], extrasaction="ignore")
                table.writeheader()
                table.writerows(self.rows)

    def state_dict(self) -> dict[str, Any]:
        """The rows so far."""
        return {"rows": self.rows}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        self.rows = list(state["rows"])


class BestCheckpoint(ModelCheckpoint):
    """Store the best epoch as ``best.ckpt``; a training can resume in a folder that was moved.

    Parameters
    ----------
    folder : Path
    monitor : str
        The metric.
    mode : "max" or "min"
        Whether the highest is the best, or the lowest.
    """

    def __init__(self, folder: Path, monitor: str, mode: Literal["max", "min"] = "max") -> None:
        super().__init__(folder, "best", monitor, mode=mode, save_on_train_epoch_end=True, enable_version_counter=False)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state, with the file in this folder."""
        path = os.path.join(str(self.dirpath), "best.ckpt")
        scores = dict.fromkeys([path] * len(state_dict["best_k_models"]), state_dict["best_model_score"])
        here = {"best_model_path": path, "kth_best_model_path": path, "best_k_models": scores}
        super().load_state_dict(state_dict | here | {"dirpath": self.dirpath})


class StepCheckpoint(ModelCheckpoint):
    """Store ``last.ckpt`` within epochs, but not after the last batch, which the end of the epoch stores.

    A training resumed between the two would take the epoch for finished and skip its validation.

    Parameters
    ----------
    folder : Path
    every : int
        Steps.
    """

    def __init__(self, folder: Path, every: int) -> None:
        super().__init__(folder, "last", every_n_train_steps=every, enable_version_counter=False)

    def on_train_batch_end(self, trainer: Trainer, *others: Any) -> None:
        """Store a checkpoint after every `every` steps."""
        if not trainer.is_last_batch:
            super().on_train_batch_end(trainer, *others)


class EarlyStop(EarlyStopping):
    """End a training that no longer improves, for good: resuming it does not train further.

    Parameters
    ----------
    monitor : str
        The metric.
    epochs : int
    mode : "max" or "min"
        Whether the highest is the best, or the lowest.
    """

    def __init__(self, monitor: str, epochs: int, mode: Literal["max", "min"] = "max") -> None:
        super().__init__(monitor, mode=mode, patience=epochs)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop at once if it was ended before."""
        trainer.should_stop = trainer.should_stop or self.stopped_epoch > 0


class StepWeights(Callback):
    """Store the weights of the model after chosen optimizer steps, as ``step=N.safetensors``.

    Parameters
    ----------
    folder : Path
    steps : collection of int
        0 is before the first.
    """

    def __init__(self, folder: Path, steps: Collection[int]) -> None:
        self.folder, self.steps = folder, frozenset(steps)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Store the initial weights, if step 0 is chosen."""
        if trainer.global_step == 0:
            self._store(trainer, pl_module)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Store the weights of this step, if it is chosen."""
        self._store(trainer, pl_module)

    def _store(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.global_step in self.steps and trainer.is_global_zero:
            self.folder.mkdir(exist_ok=True)
            save_weights(cast(nn.Module, pl_module.model), self.folder / f"step={trainer.global_step}.safetensors")


class ChangeRateLog(Callback):
    """Record how much the filters change at each step; see :class:`otoscope.training.ChangeRate`.

    Parameters
    ----------
    path : Path
        The NetCDF file, written when training ends.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._before: dict[str, torch.Tensor] = {}
        self._rate: ChangeRate | None = None
        self._steps = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the weights that training starts or resumes from."""
        self._rate, self._steps = ChangeRate(cast(nn.Module, pl_module.model)), trainer.global_step
        if self._before:
            self._rate.load_state_dict(self._before)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Record the change, if the optimizer made a step."""
        if self._rate is not None and trainer.global_step > self._steps:
            self._rate.step()
            self._steps = trainer.global_step

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the changes."""
        if self._rate is not None and self._steps and trainer.is_global_zero:
            with whole_file(self.path) as part:
                self._rate.result().to_netcdf(part, engine="scipy")

    def state_dict(self) -> dict[str, Any]:
        """The changes so far, for a checkpoint."""
        return self._rate.state_dict() if self._rate is not None else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore them."""
        self._before = state


_SHOWN = ("accuracy", "average_precision")


class ProgressReporter(Callback):
    """Report every batch, with a metric of the last epoch, and measure the training time over all resumptions.

    Parameters
    ----------
    report : callable
    """

    def __init__(self, report: Report | None) -> None:
        self.report = report
        self.seconds = 0.0
        self._began = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._began = time.monotonic() - self.seconds

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, i: int
    ) -> None:
        """Report the progress of the epoch."""
        self.seconds = time.monotonic() - self._began
        if self.report is not None and trainer.is_global_zero:
            metrics = trainer.callback_metrics
            name = next((name for name in metrics if name.endswith(_SHOWN)), "")
            value = f", {name.partition('_')[2].replace('_', ' ')} {float(metrics[name]):.3f}" if name else ""
            step = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}{value}"
            self.report(step, i + 1, int(trainer.num_training_batches))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop the clock."""
        self.seconds = time.monotonic() - self._began

    def state_dict(self) -> dict[str, Any]:
        """The time so far."""
        return {"seconds": self.seconds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore it."""
        self.seconds = float(state["seconds"])
