"""The sounds of a data set as torch data sets: crops for training, whole clips for evaluation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar, overload

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import Dataset

from otoscope.audio import load_piece
from otoscope.data.headers import read_headers
from otoscope.data.items import DataSet, Item, label_codes
from otoscope.errors import InputError
from otoscope.training.augment import gaussian_noise, inject_background, random_gain, time_masks
from otoscope.training.crops import centre_crop, random_crop, two_crops
from otoscope.training.recipe import Recipe
from otoscope.types import Padding

T = TypeVar("T")

_THREADS = 4  # that read files; decoding does not hold Python's lock


class Draw(NamedTuple):
    """One use of one clip: everything random about it follows from the seed and these."""

    epoch: int
    clip: int


class Sounds:
    """The waveforms of items, decoded when needed, or all at once.

    Parameters
    ----------
    items : sequence of Item
    sample_rate : int
        In Hz; all sounds are resampled to it.
    in_memory : bool
        Decode all sounds now, and keep them.
    lengths : ndarray (item,), optional
        Of each item in s, where that is known; by default every header is read now.
    progress : callable, optional
        Called with the number of files read so far, and their total.

    Raises
    ------
    InputError
        If a file is missing, not a sound, empty or truncated: every header is read now, so that a training does not
        fail on it after hours. What only decoding shows is raised then, or now with `in_memory`.
    """

    def __init__(
        self,
        items: Sequence[Item],
        sample_rate: int,
        *,
        in_memory: bool = False,
        lengths: np.ndarray | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.items, self.sample_rate = items, sample_rate
        self._kept: list[Tensor] | None = None
        if in_memory:
            self._kept = _map_threads(self._decode, len(self.items), progress)
        else:
            self._lengths = _seconds(items, sample_rate, progress) if lengths is None else lengths

    def __len__(self) -> int:
        return len(self.items)

    def whole(self, index: int) -> Tensor:
        """A whole clip (1, time)."""
        return self._decode(index) if self._kept is None else self._kept[index]

    def crop(self, index: int, length: int, generator: torch.Generator | None, padding: Padding) -> Tensor:
        """A random piece (1, length) of a clip, or the middle one without a generator; only the piece is decoded."""
        if self._kept is not None:
            return _crop(self._kept[index], length, generator, padding)
        item = self.items[index]
        samples = math.floor(float(self._lengths[index]) * self.sample_rate + 0.5)
        if samples <= length or isinstance(item.sound, xr.DataArray):
            return _crop(self._decode(index), length, generator, padding)
        spare = samples - length
        first = spare // 2 if generator is None else int(torch.randint(spare + 1, (), generator=generator))
        begin = (item.start or 0.0) + first / self.sample_rate
        seconds = min(length / self.sample_rate, float(self._lengths[index]))
        piece = torch.from_numpy(load_piece(item.sound, self.sample_rate, begin, seconds))
        return centre_crop(piece[None], length, padding)

    def window(self, index: int, first: int, length: int) -> Tensor:
        """The samples (1, length) from `first` on, zeros beyond the ends of the clip; only the piece is decoded."""
        begin = max(first, 0)
        if self._kept is not None:
            piece = self._kept[index][:, begin : first + length]
        elif isinstance((item := self.items[index]).sound, xr.DataArray):
            piece = self._decode(index)[:, begin : first + length]
        else:
            left = float(self._lengths[index]) - begin / self.sample_rate
            seconds = min((first + length - begin) / self.sample_rate, left)
            start = (item.start or 0.0) + begin / self.sample_rate
            piece = torch.zeros(1, 0)
            if seconds > 0:
                piece = torch.from_numpy(load_piece(item.sound, self.sample_rate, start, seconds))[None]
        if not piece.numel():
            raise InputError(f"{self.items[index].sound} has no sound from {begin / self.sample_rate:.3f} s on")
        return pad(piece, (begin - first, length - (begin - first) - piece.shape[-1]))

    def _decode(self, index: int) -> Tensor:
        item = self.items[index]
        if isinstance(item.sound, xr.DataArray):
            return torch.from_numpy(np.asarray(item.sound, dtype=np.float32))[None]
        start = item.start or 0.0
        seconds = None if item.stop is None else item.stop - start
        return torch.from_numpy(load_piece(item.sound, self.sample_rate, start, seconds))[None]


def _crop(clip: Tensor, length: int, generator: torch.Generator | None, padding: Padding) -> Tensor:
    if generator is None:
        return centre_crop(clip, length, padding)
    return random_crop(clip, length, generator, padding)


def _seconds(items: Sequence[Item], rate: int, progress: Callable[[int, int], None] | None) -> np.ndarray:
    headers = read_headers(items, rate, progress=progress)
    if headers.broken:
        raise InputError(headers.broken[min(headers.broken)])
    return headers.seconds


class Crops(Dataset[tuple[Tensor, Tensor]]):
    """Randomly augmented pieces for training: item `Draw` is (view, 1, length) and its target.

    Parameters
    ----------
    sounds : Sounds
    targets : sequence of Tensor
        See :func:`targets`.
    length : int
        Samples of a piece.
    recipe : Recipe
        Its crop, padding, augmentation (mixup, which needs whole batches, is done elsewhere) and seed. Contrastive
        learning gets two views of a clip: pieces that do not overlap, each augmented on its own. Else there is one.
    archives : ndarray (clip,), optional
        Numbers of the archives that the clips lie in, if backgrounds are to be drawn from the archive of a clip; else
        any clip may be one.
    """

    def __init__(
        self,
        sounds: Sounds,
        targets: Tensor | Sequence[Tensor],
        length: int,
        recipe: Recipe,
        archives: np.ndarray | None = None,
    ) -> None:
        self.sounds, self.targets, self.length, self.recipe = sounds, targets, length, recipe
        self._archives = archives
        if archives is not None:
            self._in_order = np.argsort(archives, kind="stable")
            self._ends = np.cumsum(np.bincount(archives))

    def __len__(self) -> int:
        return len(self.sounds)

    def __getitem__(self, draw: Draw) -> tuple[Tensor, Tensor]:
        generator = seeded_generator(self.recipe.seed, draw.epoch, draw.clip)
        return self._augment(self._views(draw.clip, generator), generator, draw.clip), self.targets[draw.clip]

    def _views(self, index: int, generator: torch.Generator) -> Tensor:
        data = self.recipe.data
        if self.recipe.learn.method == "contrastive":
            return torch.stack(two_crops(self.sounds.whole(index), self.length, generator, data.padding))
        place = generator if data.crop == "random" else None
        return self.sounds.crop(index, self.length, place, data.padding)[None]

    def _others(self, index: int, count: int, generator: torch.Generator) -> list[int]:
        """So many clips for the background of one."""
        if self._archives is None:
            return torch.randint(len(self.sounds), (count,), generator=generator).tolist()
        archive = int(self._archives[index])
        first, end = int(self._ends[archive - 1]) if archive else 0, int(self._ends[archive])
        places = torch.randint(first, end, (count,), generator=generator).numpy()
        found: list[int] = self._in_order[places].tolist()
        return found

    def _augment(self, views: Tensor, generator: torch.Generator, index: int) -> Tensor:
        augment, padding = self.recipe.augment, self.recipe.data.padding
        if augment.gain:
            views = random_gain(views, generator)
        if augment.noise:
            views = gaussian_noise(views, generator)
        if augment.masks:
            views = time_masks(views, generator, sample_rate=self.sounds.sample_rate)
        if augment.background:
            others = self._others(index, len(views), generator)
            backgrounds = [self.sounds.crop(other, self.length, generator, padding) for other in others]
            views = inject_background(views, torch.stack(backgrounds), generator)
        return views


class WholeClips(Dataset[tuple[Tensor, Tensor]]):
    """Whole clips for evaluation: (1, time) and its target.

    Parameters
    ----------
    sounds : Sounds
    targets : sequence of Tensor
        See :func:`targets`.
    """

    def __init__(self, sounds: Sounds, targets: Tensor | Sequence[Tensor]) -> None:
        self.sounds, self.targets = sounds, targets

    def __len__(self) -> int:
        return len(self.sounds)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.sounds.whole(index), self.targets[index]


class SeveralLabels(Sequence[Tensor]):
    """Targets (class,) float32 of items with several labels, 1 for each, made from their numbers when asked for.

    As one tensor the targets of AudioSet's 2 million clips would take 4 GiB in every process.

    Parameters
    ----------
    codes : ndarray
        The numbers of the classes of all items, one after another.
    ends : ndarray (item,)
        Where those of each item end.
    classes : int
        How many there are.
    """

    def __init__(self, codes: np.ndarray, ends: np.ndarray, classes: int) -> None:
        self._codes, self._ends, self._classes = torch.from_numpy(codes.astype(np.int32)), ends, classes

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, place: int) -> Tensor: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Tensor]: ...
    def __getitem__(self, place: int | slice) -> Tensor | Sequence[Tensor]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        place = range(len(self))[place]  # an IndexError beyond the end
        first = int(self._ends[place - 1]) if place else 0
        target = torch.zeros(self._classes)
        target[self._codes[first : int(self._ends[place])].long()] = 1.0
        return target


def targets(data: DataSet) -> Tensor | SeveralLabels:
    """The target of each item.

    Returns
    -------
    Tensor (item,), int64, or sequence of Tensor (class,), float32
        The number of its class; where there may be several, 1 for each class of the item. Where no item has a label,
        for a learner that uses none, all are of class 0.

    Raises
    ------
    InputError
        If some items have no label.

    Examples
    --------
    >>> from pathlib import Path
    >>> items = tuple(Item(Path(f"{n}.wav"), (name,)) for n, name in enumerate("bab"))
    >>> targets(DataSet(items, ("a", "b")))
    tensor([1, 0, 1])
    >>> targets(DataSet(items, ("a", "b"), multilabel=True))[0]
    tensor([0., 1.])
    """
    codes, ends = label_codes(data.items, data.classes)
    if data.multilabel:
        return SeveralLabels(codes, ends, len(data.classes))
    if not len(codes):
        return torch.zeros(len(data), dtype=torch.int64)
    without = np.flatnonzero(np.diff(ends, prepend=0) == 0)
    if len(without):
        raise InputError(
            f"{len(without)} of {len(data)} sounds have no label, first {data.items[int(without[0])].name}"
        )
    return torch.from_numpy(codes[np.concatenate([[0], ends[:-1]])])


def seeded_generator(*numbers: int) -> torch.Generator:
    """A generator whose seed mixes some numbers well."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0]) >> 1)


def _map_threads(function: Callable[[int], T], count: int, progress: Callable[[int, int], None] | None) -> list[T]:
    """The results of a function for the numbers below `count`, by several threads; the first error ends it."""
    found = []
    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            for result in pool.map(function, range(count)):
                found.append(result)
                if progress is not None:
                    progress(len(found), count)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return found
