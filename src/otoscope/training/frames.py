"""Sentences whose phones have times, frame by frame: windows for training, posteriors for evaluation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from torch.nn.functional import pad

from otoscope.data.items import DataSet, Item
from otoscope.embedded import Embedded
from otoscope.errors import InputError
from otoscope.probe.listen import evaluating
from otoscope.training.clips import Crops, Sounds
from otoscope.training.recipe import Recipe

RATE = 100
"""Frames a second: one begins every 10 ms."""


@dataclass(frozen=True, eq=False)
class Sentence:
    """A file, the phones of its sentence, and the phone of each of its frames.

    Attributes
    ----------
    sound : Path, Embedded or DataArray
    phones : tuple of int
        Numbers of their classes, in order.
    labels : ndarray of int, (frame,)
        The class of the phone at the middle of the frame; -1 where there is none. The last frame has one.
    """

    sound: Path | Embedded | xr.DataArray
    phones: tuple[int, ...]
    labels: np.ndarray


def sentences(data: DataSet) -> list[Sentence]:
    """Collect the phones of each file.

    Parameters
    ----------
    data : DataSet
        Whose items are pieces of files.

    Returns
    -------
    list of Sentence
        In the order of the first item of each file.

    Raises
    ------
    InputError
        If the items are whole files, or no file has more than one, or one has several labels.

    Examples
    --------
    >>> file = Path("1.wav")
    >>> first, second = Item(file, ("a",), "all", 0, 0.02), Item(file, ("b",), "all", 0.02, 0.05)
    >>> sentences(DataSet((first, second), ("a", "b")))[0].labels.tolist()
    [0, 0, 1, 1, 1]
    """
    pieces: dict[object, list[Item]] = {}
    for item in data:
        if item.start is not None and item.stop is not None:
            pieces.setdefault(item.sound if isinstance(item.sound, Path) else id(item.sound), []).append(item)
    if sum(map(len, pieces.values())) < len(data) or all(len(phones) < 2 for phones in pieces.values()):
        raise InputError(
            "learn.method=frames needs files that are labelled piece by piece, but here a file has one label: use "
            "timit with the task phone, or a table with the columns start and stop"
        )
    if data.multilabel:
        raise InputError(
            "learn.method=frames needs one phone a frame, and in this data set there may be several labels"
        )
    number = {name: position for position, name in enumerate(data.classes)}
    return [_sentence(sorted(phones, key=_begin), number) for phones in pieces.values()]


def whole_files(sentences: Sequence[Sentence]) -> list[Item]:
    """The files of sentences, whole and without labels."""
    return [Item(sentence.sound, ()) for sentence in sentences]


def count_frames(sentences: Sequence[Sentence]) -> int:
    """The frames that have a label."""
    return sum(int(np.sum(sentence.labels >= 0)) for sentence in sentences)


def split_in_two(clips: DataSet) -> DataSet:
    """Label the halves of every clip with two different classes: for a dry run without the data.

    Parameters
    ----------
    clips : DataSet
        Of clips in memory, of one class each.

    Examples
    --------
    >>> item = Item(xr.DataArray(np.zeros(8), dims="time", attrs={"sample_rate": 8}), ("b",))
    >>> [(one.labels[0], one.start, one.stop) for one in split_in_two(DataSet((item,), ("a", "b", "c")))]
    [('b', 0.0, 0.5), ('c', 0.5, 1.0)]
    """
    halves = []
    for item in clips:
        seconds = item.sound.size / item.sound.attrs["sample_rate"]  # type: ignore[union-attr]
        place = clips.classes.index(item.labels[0])
        for half in range(2):
            label = clips.classes[(place + half) % len(clips.classes)]
            halves.append(replace(item, labels=(label,), start=half * seconds / 2, stop=(half + 1) * seconds / 2))
    return replace(clips, items=tuple(halves))


class Windows(Crops):
    """A window around every labelled frame, whose target is the phone in its middle.

    An epoch uses every frame once. Beyond the ends of a sentence there are zeros. The rest is as in
    ``otoscope.training.clips.Crops``.

    Parameters
    ----------
    sounds : Sounds
        Of the sentences. Where they are not in memory, only the window is decoded.
    sentences : sequence of Sentence
    length : int
        Samples of a window.
    recipe : Recipe
    """

    def __init__(self, sounds: Sounds, sentences: Sequence[Sentence], length: int, recipe: Recipe) -> None:
        frames = [np.flatnonzero(sentence.labels >= 0) for sentence in sentences]
        labels = np.concatenate([sentence.labels[of] for sentence, of in zip(sentences, frames, strict=True)])
        super().__init__(sounds, torch.from_numpy(labels), length, recipe)
        # A training set has millions of frames: two numbers for each.
        self._sentence = np.repeat(np.arange(len(sentences), dtype=np.int32), [len(of) for of in frames])
        self._frame = np.concatenate(frames).astype(np.int32)

    def __len__(self) -> int:
        return len(self._frame)

    def _views(self, index: int, generator: torch.Generator) -> Tensor:
        first = window_start(int(self._frame[index]), self.length, self.sounds.sample_rate)
        return self.sounds.window(int(self._sentence[index]), first, self.length)[None]


def window_start(frame: int, length: int, sample_rate: int) -> int:
    """The first sample of the window around the middle of a frame; negative at the beginning of a sentence.

    Parameters
    ----------
    frame : int
    length : int
        Samples of the window.
    sample_rate : int

    Returns
    -------
    int

    Examples
    --------
    >>> [window_start(frame, 4000, 16_000) for frame in (0, 1, 13)]
    [-1920, -1760, 160]
    """
    return round((2 * frame + 1) * sample_rate / (2 * RATE)) - length // 2


def frame_log_posteriors(
    model: nn.Module, wave: Tensor, n_frames: int, *, length: int, sample_rate: int, batch_size: int = 256
) -> Tensor:
    """The posteriors of the frames of a sentence.

    Parameters
    ----------
    model : nn.Module
        From (window, 1, time) to logits (window, class). It runs in evaluation mode, and is then put back.
    wave : Tensor, (1, time)
        On any device.
    n_frames : int
        The number of frames, from the first.
    length : int
        Samples of a window; beyond the ends of the sentence there are zeros.
    sample_rate : int
    batch_size : int
        Windows at a time.

    Returns
    -------
    Tensor, (frame, class), float32
        Natural logarithms, on the model's device.

    Raises
    ------
    InputError
        If the model does not return (window, class), or the last window begins behind the end of the sound.

    Examples
    --------
    >>> model = nn.Sequential(nn.AdaptiveAvgPool1d(2), nn.Flatten())
    >>> frame_log_posteriors(model, torch.zeros(1, 800), 5, length=400, sample_rate=16_000).exp()[0]
    tensor([0.5000, 0.5000])
    """
    starts = torch.tensor([window_start(frame, length, sample_rate) for frame in range(n_frames)])
    if int(starts[-1]) >= wave.shape[-1]:
        raise InputError(
            f"phones are labelled up to {n_frames / RATE:.2f} s in a sound of {wave.shape[-1] / sample_rate:.2f} s: "
            "times and sounds of this data set do not match"
        )
    before, after = max(0, -int(starts[0])), max(0, int(starts[-1]) + length - wave.shape[-1])
    wave = pad(wave.to(next(model.parameters(), wave).device), (before, after))
    within = torch.arange(length, device=wave.device)
    found = []
    with evaluating(model), torch.no_grad():
        for begins in (starts + before).to(wave.device).split(batch_size):
            logits = model(wave[:, begins[:, None] + within].transpose(0, 1))
            if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(begins):
                raise InputError(f"{type(model).__name__} does not return (window, class) for a batch of windows")
            found.append(logits.float().log_softmax(1))
    return torch.cat(found)


def _sentence(items: Sequence[Item], number: dict[str, int]) -> Sentence:
    phones = tuple(number[item.labels[0]] for item in items)
    begins, ends = np.array([(item.start, item.stop) for item in items], dtype=float).T
    # Times are whole samples over the sample rate and middles whole numbers over 200, so equal ones compare equal.
    middles = (2 * np.arange(math.ceil(ends.max() * RATE) + 1) + 1) / (2 * RATE)
    first, last = np.searchsorted(middles, begins), np.searchsorted(middles, ends)
    labels = np.full(last.max(), -1)
    for phone, *frames in zip(phones, first, last, strict=True):
        labels[slice(*frames)] = phone  # of two that overlap, the later one
    if not len(labels):
        raise InputError(f"{items[0].sound} is too short: its phones contain no middle of a frame of {1000 // RATE} ms")
    return Sentence(items[0].sound, phones, labels)


def _begin(item: Item) -> float:
    return item.start or 0.0
