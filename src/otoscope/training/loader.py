"""Batches of clips, in an order that depends on the seed and the epoch, not on workers and interruptions."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from otoscope.errors import InputError
from otoscope.training.clips import Draw
from otoscope.training.orders import any_order, archive_after_archive, shuffled_in_blocks


class BrokenClip(NamedTuple):
    """The error of a sound, on its way from the process that decoded it."""

    message: str


class BatchSampler(Sampler[list[Draw]]):
    """Which clips are in each batch of an epoch.

    Parameters
    ----------
    count : int
        Clips of the data set.
    batch_size : int
        Clips of a batch, on each rank.
    seed, rank, ranks : int
        All ranks together use the batches of a single one whose batch size is the sum of theirs.
    archives : ndarray (clip,), optional
        In which tar archive each clip lies. With it each rank has another stretch of the archives, in random order,
        which is as long as that of the others; two ranks share an archive at most where their stretches meet.
    mixed : int
        Clips of such a stretch that are shuffled together.

    Raises
    ------
    InputError
        If the data set does not fill one batch.

    Attributes
    ----------
    epoch, done : int
        Epochs, and batches of the current epoch, that are done: where an interrupted training resumes.

    Notes
    -----
    Every epoch has another order. The clips that do not fill the last batch are left out, others in each epoch.

    Examples
    --------
    >>> [len(batch) for batch in BatchSampler(10, 4, seed=0)]
    [4, 4]
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        *,
        seed: int,
        rank: int = 0,
        ranks: int = 1,
        archives: np.ndarray | None = None,
        mixed: int = 8192,
    ) -> None:
        self.count, self.batch_size, self.seed, self.rank, self.ranks = count, batch_size, seed, rank, ranks
        self.archives, self.mixed = archives, mixed
        self.epoch = self.done = 0
        if not len(self):
            on = f" on each of {ranks} devices" if ranks > 1 else ""
            raise InputError(
                f"the {count} clips to train on do not fill a batch of {batch_size}{on}: make learn.batch_size smaller"
            )

    def __len__(self) -> int:
        return self.count // (self.batch_size * self.ranks)

    def __iter__(self) -> Iterator[list[Draw]]:
        epoch = self.epoch
        own = self._own(epoch).reshape(len(self), self.batch_size)
        for number in range(self.done, len(self)):
            yield [Draw(epoch, index) for index in own[number].tolist()]

    def _own(self, epoch: int) -> np.ndarray:
        """The clips of this rank in an epoch, in order, as many as fill its batches."""
        clips = len(self) * self.batch_size
        if self.archives is None:
            order = any_order(self.count, self.seed, epoch)[: clips * self.ranks]
            return order.reshape(len(self), self.ranks, self.batch_size)[:, self.rank].reshape(-1)
        order = archive_after_archive(self.archives, self.seed, epoch)
        own = order[self.rank * clips : (self.rank + 1) * clips]
        return shuffled_in_blocks(own, self.mixed, self.seed, epoch, self.rank)


class TrainingLoader(DataLoader[Any]):
    """Training batches. Each pass is the next epoch; `batches` counts what is done.

    Parameters
    ----------
    crops : Dataset
        Indexed by a `Draw`.
    batches : BatchSampler
    workers : int
        Worker processes; 0 to load in this one.
    """

    def __init__(self, crops: Dataset[Any], batches: BatchSampler, workers: int = 0) -> None:
        super().__init__(_ErrorsAsItems(crops), batch_sampler=batches, collate_fn=_collate, **_worker_options(workers))
        self.batches = batches

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        for batch in super().__iter__():
            if isinstance(batch, BrokenClip):
                raise InputError(batch.message)
            self.batches.done += 1
            if self.batches.done == len(self.batches):
                self.batches.epoch, self.batches.done = self.batches.epoch + 1, 0
            yield batch


class EvaluationLoader(DataLoader[Any]):
    """Whole clips (1, time), one at a time, with their targets; each rank gets its share of them.

    Parameters
    ----------
    clips : Dataset
    workers, rank, ranks : int
    """

    def __init__(self, clips: Dataset[Any], workers: int = 0, *, rank: int = 0, ranks: int = 1) -> None:
        share = range(rank, len(clips), ranks)  # type: ignore[arg-type]
        super().__init__(_ErrorsAsItems(clips), batch_size=None, sampler=list(share), **_worker_options(workers))

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        for clip in super().__iter__():
            if isinstance(clip, BrokenClip):
                raise InputError(clip.message)
            yield clip


def _worker_options(workers: int) -> dict[str, Any]:
    """Workers that stay from epoch to epoch, and leave Ctrl-C to the main process."""
    return {"num_workers": workers, "persistent_workers": workers > 0, "worker_init_fn": _ignore_interrupts}


def _ignore_interrupts(_: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The thread that hands tensors over would print a traceback where the main process ends in between.
    sys.excepthook = lambda *_: None


class _ErrorsAsItems(Dataset[Any]):
    """Return errors as items: an exception raised in a worker would arrive with its whole traceback as the message."""

    def __init__(self, clips: Dataset[Any]) -> None:
        self.clips = clips

    def __len__(self) -> int:
        return len(self.clips)  # type: ignore[arg-type]

    def __getitem__(self, key: Any) -> Any:
        try:
            return self.clips[key]
        except InputError as error:
            return BrokenClip(str(error))


def _collate(clips: list[Any]) -> BrokenClip | list[Tensor]:
    broken = next((clip for clip in clips if isinstance(clip, BrokenClip)), None)
    return broken or default_collate(clips)
