"""The data of a recipe: its training, validation and test splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr

from otoscope.audio import as_clip
from otoscope.data.find import split_labels
from otoscope.data.items import DataSet, Item
from otoscope.data.sets import SETS, read, source_of
from otoscope.errors import InputError
from otoscope.training.recipe import DataSection

SYNTHETIC_CLIPS = 8
"""Clips of a synthetic data set."""


class Splits(NamedTuple):
    """The data sets of a training; all have the same classes."""

    train: DataSet
    validation: DataSet | None
    test: DataSet | None


def read_splits(data: DataSection, seed: int, sample_rate: int, fold: str | None = None) -> Splits:
    """Read the splits of a recipe.

    Parameters
    ----------
    data : DataSection
    seed : int
        Of the validation clips held out from the training split.
    sample_rate : int
        Of synthesised clips, in Hz.
    fold : str, optional
        The test split in cross-validation; all others are for training.

    Returns
    -------
    Splits

    Raises
    ------
    InputError
        As :func:`otoscope.data.read`, or if a clip is both for training and for evaluation.
    """
    train, test = _names(data.train), _names(data.test)
    if fold is not None:
        train, test = [name for name in fold_names(data) if name != fold], [fold]
    validation = [] if isinstance(data.validation, float) else _names(data.validation)
    for name in set(train) & {*test, *validation} | set(test) & set(validation):
        raise InputError(f"the split {name!r} of {data.set} is named twice: use each for training or for evaluation")
    wanted = list(dict.fromkeys([*train, *validation, *test]))
    found = read(data.set, data.folder, task=data.task, split=wanted, sample_rate=sample_rate)
    training, tested = found.part(*train), found.part(*test) if test else None
    if isinstance(data.test, float):
        training, tested = _hold_out(training, data.test, seed)
    held_out = found.part(*validation) if validation else None
    splits = _with_validation(data, seed, Splits(training, held_out, tested))
    if data.shuffle_labels:
        splits = splits._replace(train=shuffled_labels(splits.train, seed))
    _check_apart(splits, data.set)
    return splits


def _with_validation(data: DataSection, seed: int, splits: Splits) -> Splits:
    """The splits, with the validation clips drawn where a recipe gives a share or a number of them."""
    share, count = data.validation, data.validation_clips
    source = splits.train if data.validation_from == "train" else splits.test
    if source is None:
        return splits
    if count is not None:
        rest, held_out = _hold_out_clips(source, count, seed)
    elif isinstance(share, float):
        before = 1.0 - (data.test if isinstance(data.test, float) and data.validation_from == "train" else 0.0)
        rest, held_out = _hold_out(source, share / before, seed)
    else:
        return splits
    if data.validation_from == "train":
        return Splits(rest, held_out, splits.test)
    return Splits(splits.train, held_out, rest)


def fold_names(data: DataSection) -> list[str]:
    """The splits of a data set over which a recipe cross-validates, or all its splits."""
    if isinstance(data.folds, list):
        others = SETS[data.set].splits if data.set in SETS else ()
        return list(others or data.folds)
    names = SETS[data.set].splits if data.set in SETS else ()
    if len(names) < 2:
        raise InputError(f"{data.set} has no folds: name the splits, as in data.folds=[a, b]")
    return list(names)


def synthetic_splits(
    data: DataSection, sample_rate: int, duration: float, classes: Sequence[str] | None = None
) -> Splits:
    """Splits of noise in place of a data set, with its number of classes, for a dry run without it.

    Parameters
    ----------
    data : DataSection
    sample_rate : int
        In Hz.
    duration : float
        Of each clip, in s.
    classes : sequence of str, optional
        Those of the data set; numbered names by default.

    Raises
    ------
    InputError
        If there is no such data set, or it has no such task.
    """
    source = source_of(data.set)
    task = data.task or next(iter(source.tasks), "label")
    if source.tasks and task not in source.tasks:
        raise InputError(f"{data.set} is labelled by {' or '.join(source.tasks)}, not by {task!r}")
    named = tuple(classes or (f"{task} {number}" for number in range(source.tasks.get(task, 2))))
    shape = SYNTHETIC_CLIPS, round(duration * sample_rate)
    noise = 0.1 * np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    clips = [as_clip(wave, sample_rate, name=f"noise {number}") for number, wave in enumerate(noise)]
    items = tuple(Item(clip, (named[number % len(named)],)) for number, clip in enumerate(clips))
    every = DataSet(items, named, multilabel=source.multilabel)
    evaluation = replace(every, items=items[:2])
    return Splits(every, evaluation if data.validates else None, evaluation if data.test or data.folds else None)


def shuffled_labels(data: DataSet, seed: int) -> DataSet:
    """A data set whose items have given their labels to each other at random; classes are as frequent as before.

    Parameters
    ----------
    data : DataSet
    seed : int

    Returns
    -------
    DataSet

    Examples
    --------
    >>> items = tuple(Item(f"{name}.wav", (name,)) for name in "abcdef")
    >>> [item.labels[0] for item in shuffled_labels(DataSet(items, tuple("abcdef")), seed=1)]
    ['e', 'a', 'c', 'b', 'f', 'd']
    """
    labels = [item.labels for item in data]
    order = np.random.default_rng(seed).permutation(len(labels))
    items = tuple(replace(item, labels=labels[place]) for item, place in zip(data, order.tolist(), strict=True))
    return replace(data, items=items)


def _check_apart(splits: Splits, name: str) -> None:
    """Check that no file, or piece of one, is both for training and for evaluation."""
    training = {_place(item) for item in splits.train}
    for data in (splits.validation, splits.test):
        twice = next((item for item in data or () if _place(item) in training), None)
        if twice is not None:
            raise InputError(f"{twice.sound} of {name} is in two splits: put it into one")


def _place(item: Item) -> tuple[object, ...]:
    # Synthesised clips differ by being different objects.
    where = item.sound if not isinstance(item.sound, xr.DataArray) else id(item.sound)
    return where, item.start, item.stop


def _hold_out(data: DataSet, share: float, seed: int) -> tuple[DataSet, DataSet]:
    """Hold out validation items from a training split; of each class the same share, where an item has one class.

    The pieces of a file stay together.
    """
    files = [item.sound if not isinstance(item.sound, xr.DataArray) else number for number, item in enumerate(data)]
    distinct = list(dict.fromkeys(files))
    if data.multilabel or len(distinct) < len(files):
        order = torch.randperm(len(distinct), generator=torch.Generator().manual_seed(seed)).tolist()
        chosen = {distinct[place] for place in order[: max(1, round(share * len(distinct)))]}
        held = {number for number, file in enumerate(files) if file in chosen}
    else:
        held = set(split_labels([item.labels[0] for item in data], share, seed)[1])
    kept = tuple(item for number, item in enumerate(data) if number not in held)
    return replace(data, items=kept), replace(data, items=tuple(data.items[number] for number in sorted(held)))


def _hold_out_clips(data: DataSet, count: int, seed: int) -> tuple[DataSet, DataSet]:
    """Hold out so many items, of all alike; the pieces of a file stay together, so that there may be more."""
    files = [item.sound if not isinstance(item.sound, xr.DataArray) else number for number, item in enumerate(data)]
    places: dict[object, list[int]] = {}
    for number, file in enumerate(files):
        places.setdefault(file, []).append(number)
    names = list(places)
    held = set[int]()
    for place in torch.randperm(len(names), generator=torch.Generator().manual_seed(seed)).tolist():
        if len(held) < count:
            held |= set(places[names[place]])
    if len(held) == len(data):
        raise InputError(f"data.validation_clips={count} leaves nothing of the {len(data)} clips: make it smaller")
    kept = tuple(item for number, item in enumerate(data) if number not in held)
    return replace(data, items=kept), replace(data, items=tuple(data.items[number] for number in sorted(held)))


def _names(splits: str | list[str] | float | None) -> list[str]:
    if splits is None or isinstance(splits, float):
        return []
    return [splits] if isinstance(splits, str) else list(splits)
