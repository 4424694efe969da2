"""The data loaders of a training, built once Lightning has assigned each process its share."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningDataModule

from otoscope.data.headers import read_headers, without_broken
from otoscope.errors import InputError
from otoscope.training.callbacks import Report
from otoscope.training.clips import Crops, Sounds, WholeClips, targets
from otoscope.training.frames import Windows, count_frames, sentences, whole_files
from otoscope.training.loader import BatchSampler, EvaluationLoader, TrainingLoader
from otoscope.training.orders import archives_of
from otoscope.training.recipe import Recipe
from otoscope.training.splits import Splits

_PURPOSE = {"train": "train on", "validation": "validate on", "test": "test on"}


class DataModule(LightningDataModule):
    """Crops for training, and whole clips for evaluation.

    Parameters
    ----------
    recipe : Recipe
    splits : Splits
    sample_rate : int
        Of the model, in Hz.
    length : int
        Samples of a crop.
    report : callable, optional
        Called with the progress of reading files before training.

    Raises
    ------
    InputError
        If all files of a split are broken (some are left out, with a warning), or there are fewer clips than a batch
        takes.
    """

    def __init__(
        self, recipe: Recipe, splits: Splits, sample_rate: int, length: int, report: Report | None = None
    ) -> None:
        super().__init__()
        self.recipe, self._resume_at = recipe, (0, 0)
        self._archives: np.ndarray | None = None
        frames = recipe.learn.method == "frames"
        data = {split: found for split, found in splits._asdict().items() if found is not None}
        spoken = {split: sentences(found) for split, found in data.items()} if frames else {}
        clips = count_frames(spoken["train"]) if frames else len(splits.train)
        BatchSampler(clips, recipe.learn.batch_size, seed=0)  # fails where they do not fill a batch
        sounds = {}
        for split, found in list(data.items()):

            def read(done: int, total: int, purpose: str = _PURPOSE[split]) -> None:
                if report is not None:
                    report(f"sounds to {purpose}", done, total)

            in_memory = recipe.data.in_memory
            if frames:
                sounds[split] = Sounds(whole_files(spoken[split]), sample_rate, in_memory=in_memory, progress=read)
                continue
            data[split], lengths = without_broken(found, read_headers(found.items, sample_rate, progress=read))
            if split == "train":  # of which broken ones are left out
                BatchSampler(len(data[split]), recipe.learn.batch_size, seed=0)
            items = data[split].items
            sounds[split] = Sounds(items, sample_rate, in_memory=in_memory, lengths=lengths, progress=read)
        for remark in dict.fromkeys(remark for found in data.values() for remark in found.remarks):
            warnings.warn(remark, stacklevel=2)
        if frames:
            self.crops: Crops = Windows(sounds["train"], spoken["train"], length, recipe)
        else:
            self._archives = archives_of(data["train"].items) if recipe.data.order == "archives" else None
            self.crops = Crops(sounds["train"], targets(data["train"]), length, recipe, self._archives)
        self.whole_clips = {
            split: WholeClips(sounds[split], torch.arange(len(spoken[split])) if frames else targets(found))
            for split, found in data.items()
            if split != "train"
        }

    def counts(self) -> dict[str, int]:
        """Clips of each split; for frames, sentences."""
        return {"train": len(self.crops.sounds)} | {split: len(clips) for split, clips in self.whole_clips.items()}

    def train_dataloader(self) -> TrainingLoader:
        """The batches of this process."""
        size, seed, mixed = self.recipe.learn.batch_size, self.recipe.seed, self.recipe.data.mixed
        archives = self._archives
        self._batches = BatchSampler(len(self.crops), size, seed=seed, archives=archives, mixed=mixed, **self._share())
        self._batches.epoch, self._batches.done = self._resume_at
        return TrainingLoader(self.crops, self._batches, self.recipe.data.workers)

    def state_dict(self) -> dict[str, int]:
        """How many epochs, and batches of the current one, are done: stored in each checkpoint."""
        return {"epoch": self._batches.epoch, "done": self._batches.done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Resume from there."""
        self._resume_at = state["epoch"], state["done"]

    def val_dataloader(self) -> Any:
        """The validation clips of this process; an empty list where there is no such split."""
        return self._evaluation_loader("validation")

    def test_dataloader(self) -> Any:
        """The test clips of this process."""
        return self._evaluation_loader("test")

    def _evaluation_loader(self, split: str) -> Any:
        if split not in self.whole_clips:
            return []
        clips, share = self.whole_clips[split], self._share()
        if len(clips) < share["ranks"]:
            raise InputError(
                f"there are {len(clips)} clips to {_PURPOSE[split]} and {share['ranks']} devices: use fewer devices"
            )
        return EvaluationLoader(clips, self.recipe.data.workers, **share)

    def _share(self) -> dict[str, int]:
        if self.trainer is None:
            return {"rank": 0, "ranks": 1}
        return {"rank": self.trainer.global_rank, "ranks": self.trainer.world_size}
