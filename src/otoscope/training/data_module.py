"""The clips of a training, as Lightning asks for them: after it has told each process its share."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import LightningDataModule

from otoscope.errors import InputError
from otoscope.training.callbacks import Report
from otoscope.training.clips import Crops, Sounds, WholeClips, targets
from otoscope.training.frames import Windows, count_frames, files, sentences
from otoscope.training.loader import BatchSampler, EvaluationLoader, TrainingLoader
from otoscope.training.recipe import Recipe
from otoscope.training.splits import Splits


class DataModule(LightningDataModule):
    """Crops to learn from, and whole clips to be judged on.

    Parameters
    ----------
    recipe : Recipe
    splits : Splits
    sample_rate : int
        Of the model, in Hz.
    length : int
        Samples of a crop.
    batch_size : int
    report : callable, optional
        Told of the files that are looked at before training.

    Raises
    ------
    InputError
        If a file is broken, see :class:`otoscope.training.clips.Sounds`, or there are fewer clips than a batch takes.
    """

    def __init__(
        self,
        recipe: Recipe,
        splits: Splits,
        sample_rate: int,
        length: int,
        batch_size: int,
        report: Report | None = None,
    ) -> None:
        super().__init__()
        self.recipe, self.splits, self.batch_size = recipe, splits, batch_size
        self._begin = 0, 0
        there = {name: data for name, data in splits._asdict().items() if data is not None}
        said = {name: sentences(data) for name, data in there.items()} if recipe.learn.method == "frames" else {}
        BatchSampler(count_frames(said["train"]) if said else len(splits.train), batch_size, seed=0)
        sounds = {}
        for name, data in there.items():

            def looked_at(done: int, total: int, what: str = name) -> None:
                if report is not None:
                    report(f"sounds to {_PURPOSE[what]}", done, total)

            items = files(said[name]) if said else data.items
            sounds[name] = Sounds(items, sample_rate, in_memory=recipe.data.in_memory, progress=looked_at)
        self.crops = (
            Windows(sounds["train"], said["train"], length, augment=recipe.augment, seed=recipe.seed)
            if said
            else Crops(
                sounds["train"],
                targets(splits.train),
                length,
                views=2 if recipe.learn.method == "contrastive" else 1,
                crop=recipe.data.crop,
                padding=recipe.data.padding,
                augment=recipe.augment,
                seed=recipe.seed,
            )
        )
        self.wholes = {
            name: WholeClips(sounds[name], torch.arange(len(said[name])) if said else targets(data))
            for name, data in there.items()
            if name != "train"
        }

    def counts(self) -> dict[str, int]:
        """Clips of each part; of frames, sentences."""
        return {"train": len(self.crops.sounds)} | {name: len(wholes) for name, wholes in self.wholes.items()}

    def train_dataloader(self) -> TrainingLoader:
        """The batches of this process."""
        self._batches = BatchSampler(len(self.crops), self.batch_size, seed=self.recipe.seed, **self._share())
        self._batches.epoch, self._batches.done = self._begin
        return TrainingLoader(self.crops, self._batches, self.recipe.data.workers)

    def state_dict(self) -> dict[str, int]:
        """How many epochs, and batches of the one that runs, are done: a part of each checkpoint."""
        return {"epoch": self._batches.epoch, "done": self._batches.done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from there."""
        self._begin = state["epoch"], state["done"]

    def val_dataloader(self) -> Any:
        """The clips to watch, those of this process; nothing where there are none."""
        return self._judged("validation")

    def test_dataloader(self) -> Any:
        """The clips to judge on, those of this process."""
        return self._judged("test")

    def _judged(self, name: str) -> Any:
        if name not in self.wholes:
            return []
        wholes, share = self.wholes[name], self._share()
        if len(wholes) < share["ranks"]:
            raise InputError(
                f"there are {len(wholes)} clips to {_PURPOSE[name]}, and {share['ranks']} devices: use fewer"
            )
        return EvaluationLoader(wholes, self.recipe.data.workers, **share)

    def _share(self) -> dict[str, int]:
        if self.trainer is None:
            return {"rank": 0, "ranks": 1}
        return {"rank": self.trainer.global_rank, "ranks": self.trainer.world_size}


_PURPOSE = {"train": "train on", "validation": "watch", "test": "judge on"}
