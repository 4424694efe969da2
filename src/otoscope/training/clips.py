"""The sounds of a data set as torch takes them: crops to learn from, whole clips to be judged on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import Dataset

from otoscope.audio import audio_duration, load_piece
from otoscope.data.items import DataSet, Item
from otoscope.errors import InputError
from otoscope.training.augment import gaussian_noise, inject_background, random_gain, time_masks
from otoscope.training.crops import centre_crop, random_crop, two_crops
from otoscope.training.recipe import AugmentSection

_SLACK = 0.05  # s by which a list may say that a piece is longer than its file
_THREADS = 4  # that open files at a time; decoding does not hold Python's lock


class Draw(NamedTuple):
    """One visit of one clip: all that is random about it follows from the seed and these."""

    epoch: int
    clip: int


class Sounds:
    """The waveforms of items, decoded when they are asked for, or all at once.

    Parameters
    ----------
    items : sequence of Item
    sample_rate : int
        That all are resampled to, in Hz.
    in_memory : bool
        Decode all now, and keep them.
    progress : callable, optional
        Called with how many files were looked at, and of how many.

    Raises
    ------
    InputError
        If a file is missing, no sound, empty or cut off: every header is read now, so that a training does not end on
        it after hours. What only decoding shows is raised then, or now with `in_memory`.
    """

    def __init__(
        self,
        items: Sequence[Item],
        sample_rate: int,
        *,
        in_memory: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.items, self.sample_rate = list(items), sample_rate
        self._kept: list[Tensor] | None = None
        looked = _all(self._decode if in_memory else self._seconds, len(self.items), progress)
        if in_memory:
            self._kept = looked
        else:
            self._lengths = looked

    def __len__(self) -> int:
        return len(self.items)

    def whole(self, index: int) -> Tensor:
        """A whole clip (1, time)."""
        return self._decode(index) if self._kept is None else self._kept[index]

    def crop(self, index: int, length: int, generator: torch.Generator | None, padding: str) -> Tensor:
        """A piece (1, length) of a clip, the middle one without a generator; only the piece is decoded."""
        item = self.items[index]
        samples = math.floor(self._lengths[index] * self.sample_rate + 0.5) if self._kept is None else 0
        if samples <= length or isinstance(item.sound, xr.DataArray):
            clip = self.whole(index)
            return (
                centre_crop(clip, length, padding)
                if generator is None
                else random_crop(clip, length, generator, padding)
            )
        spare = samples - length
        first = spare // 2 if generator is None else int(torch.randint(spare + 1, (), generator=generator))
        begin = (item.start or 0.0) + first / self.sample_rate
        seconds = min(length / self.sample_rate, self._lengths[index])
        piece = torch.from_numpy(load_piece(item.sound, self.sample_rate, begin, seconds))
        return centre_crop(piece[None], length, padding)

    def window(self, index: int, first: int, length: int) -> Tensor:
        """The samples (1, length) from `first` on, with silence beyond the ends; only the piece is decoded."""
        item, begin = self.items[index], max(first, 0)
        if self._kept is not None or isinstance(item.sound, xr.DataArray):
            piece = self.whole(index)[:, begin : first + length]
        else:
            seconds = min((first + length - begin) / self.sample_rate, self._lengths[index] - begin / self.sample_rate)
            start = (item.start or 0.0) + begin / self.sample_rate
            piece = torch.zeros(1, 0)
            if seconds > 0:
                piece = torch.from_numpy(load_piece(item.sound, self.sample_rate, start, seconds))[None]
        if not piece.numel():
            raise InputError(f"{item.sound} has no sound from {begin / self.sample_rate:.3f} s on")
        return pad(piece, (begin - first, length - (begin - first) - piece.shape[-1]))

    def _decode(self, index: int) -> Tensor:
        item = self.items[index]
        if isinstance(item.sound, xr.DataArray):
            return torch.from_numpy(np.asarray(item.sound, dtype=np.float32))[None]
        start = item.start or 0.0
        seconds = None if item.stop is None else item.stop - start
        return torch.from_numpy(load_piece(item.sound, self.sample_rate, start, seconds))[None]

    def _seconds(self, index: int) -> float:
        item = self.items[index]
        if isinstance(item.sound, xr.DataArray):
            return item.sound.size / self.sample_rate
        there = _file_seconds(item.sound)
        stop = there if item.stop is None else item.stop
        if stop > there + _SLACK or stop <= (item.start or 0.0):
            begin = item.start or 0.0
            raise InputError(f"{item.sound} is {there:.3f} s long, and has no piece from {begin:.3f} to {stop:.3f} s")
        return min(stop, there) - (item.start or 0.0)


class Crops(Dataset[tuple[Tensor, Tensor]]):
    """Pieces to learn from, changed at random: item `Draw` is (view, 1, length) and its target.

    Parameters
    ----------
    sounds : Sounds
    targets : Tensor
        See :func:`targets`.
    length : int
        Samples of a piece.
    views : 1 or 2
        2 for contrastive learning: pieces of a clip that do not overlap, each changed on its own.
    crop, padding : str
        As in a recipe.
    augment : AugmentSection
        The random changes; mixup is done with whole batches, elsewhere.
    seed : int
    """

    def __init__(
        self,
        sounds: Sounds,
        targets: Tensor,
        length: int,
        *,
        views: int = 1,
        crop: str = "random",
        padding: str = "zeros",
        augment: AugmentSection | None = None,
        seed: int = 0,
    ) -> None:
        self.sounds, self.targets, self.length, self.views = sounds, targets, length, views
        self.crop, self.padding, self.augment, self.seed = crop, padding, augment or AugmentSection(), seed

    def __len__(self) -> int:
        return len(self.sounds)

    def __getitem__(self, draw: Draw) -> tuple[Tensor, Tensor]:
        generator = seeded_generator(self.seed, draw.epoch, draw.clip)
        return self._changed(self._views(draw.clip, generator), generator), self.targets[draw.clip]

    def _views(self, index: int, generator: torch.Generator) -> Tensor:
        if self.views == 2:
            return torch.stack(two_crops(self.sounds.whole(index), self.length, generator, self.padding))
        chance = generator if self.crop == "random" else None
        return self.sounds.crop(index, self.length, chance, self.padding)[None]

    def _changed(self, views: Tensor, generator: torch.Generator) -> Tensor:
        how = self.augment
        if how.gain:
            views = random_gain(views, generator)
        if how.noise:
            views = gaussian_noise(views, generator)
        if how.masks:
            views = time_masks(views, generator, sample_rate=self.sounds.sample_rate)
        if how.background:
            others = torch.randint(len(self.sounds), (len(views),), generator=generator).tolist()
            behind = [self.sounds.crop(other, self.length, generator, self.padding) for other in others]
            views = inject_background(views, torch.stack(behind), generator)
        return views


class WholeClips(Dataset[tuple[Tensor, Tensor]]):
    """Whole clips to be judged on: (1, time) and its target.

    Parameters
    ----------
    sounds : Sounds
    targets : Tensor
        See :func:`targets`.
    """

    def __init__(self, sounds: Sounds, targets: Tensor) -> None:
        self.sounds, self.targets = sounds, targets

    def __len__(self) -> int:
        return len(self.sounds)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.sounds.whole(index), self.targets[index]


@lru_cache(maxsize=4096)  # a file of many pieces is looked at once
def _file_seconds(path: Path) -> float:
    return audio_duration(path)


def targets(data: DataSet) -> Tensor:
    """What is to be said of each item.

    Returns
    -------
    Tensor, (item,) int64 or (item, class) float32
        The number of its class; where there may be several, 1 for each that is there.

    Examples
    --------
    >>> items = tuple(Item(Path(f"{n}.wav"), (name,)) for n, name in enumerate("bab"))
    >>> targets(DataSet(items, ("a", "b")))
    tensor([1, 0, 1])
    """
    numbers = {name: number for number, name in enumerate(data.classes)}
    if not data.multilabel:
        return torch.tensor([numbers[item.labels[0]] for item in data])
    there = torch.zeros(len(data), len(numbers))
    for row, item in enumerate(data):
        there[row, [numbers[label] for label in item.labels]] = 1.0
    return there


def seeded_generator(*numbers: int) -> torch.Generator:
    """A generator whose seed is well mixed from some numbers."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1))


def _all(look: Callable[[int], object], count: int, progress: Callable[[int, int], None] | None) -> list:
    """What each index gives, by several threads; the first error ends it."""
    found = []
    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            for one in pool.map(look, range(count)):
                found.append(one)
                if progress is not None:
                    progress(len(found), count)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return found
