"""The data of a recipe: what is trained on, what is watched meanwhile, what is judged at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from otoscope.audio import as_clip
from otoscope.data.items import DataSet, Item
from otoscope.data.labelled import split_sounds
from otoscope.data.sets import SETS, read
from otoscope.errors import InputError
from otoscope.training.recipe import DataSection

SYNTHETIC_CLIPS = 8
"""Clips of a data set that is made up."""


class Splits(NamedTuple):
    """The data sets of a training; all have the same classes."""

    train: DataSet
    validation: DataSet | None
    test: DataSet | None


def read_splits(data: DataSection, seed: int, sample_rate: int, fold: str | None = None) -> Splits:
    """Read what a recipe trains and judges on.

    Parameters
    ----------
    data : DataSection
    seed : int
        Of what is held out of the training part.
    sample_rate : int
        Of clips that are synthesised, in Hz.
    fold : str, optional
        The part that is judged on in cross-validation; all others are trained on.

    Returns
    -------
    Splits

    Raises
    ------
    InputError
        As :func:`otoscope.data.read`, or if a clip to be judged is trained on.
    """
    shared = data.validation if isinstance(data.validation, float) and data.validation > 0 else None
    train, test = _names(data.train), _names(data.test)
    if fold is not None:
        train, test = [name for name in fold_names(data) if name != fold], [fold]
    validation = [] if isinstance(data.validation, float) else _names(data.validation)
    for name in set(train) & {*test, *validation} | set(test) & set(validation):
        raise InputError(f"the part {name!r} of {data.set} would be trained and judged on: name each part once")
    wanted = list(dict.fromkeys([*train, *validation, *test]))
    found = read(data.set, data.folder, task=data.task, split=wanted, sample_rate=sample_rate)
    learnt = found.part(*train)
    held_out = found.part(*validation) if validation else None
    if shared is not None:
        learnt, held_out = _hold_out(learnt, shared, seed)
    splits = Splits(learnt, held_out, found.part(*test) if test else None)
    _check_apart(splits, data.set)
    return splits


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
    """Splits of noise in the place of a data set, with as many classes as it has, for a trial without it.

    Parameters
    ----------
    data : DataSection
    sample_rate : int
        In Hz.
    duration : float
        Of each clip, in s.
    classes : sequence of str, optional
        Known where the data is at hand.

    Raises
    ------
    InputError
        If there is no such set, or no such task.
    """
    source = SETS.get(data.set)
    if source is None:
        raise InputError(f"there is no data set {data.set!r}; the data sets are {', '.join(SETS)}")
    task = data.task or next(iter(source.tasks), "label")
    if source.tasks and task not in source.tasks:
        raise InputError(f"{data.set} is labelled by {' or '.join(source.tasks)}, not by {task!r}")
    named = tuple(classes or (f"{task} {number}" for number in range(source.tasks.get(task, 2))))
    shape = SYNTHETIC_CLIPS, round(duration * sample_rate)
    noise = 0.1 * np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    clips = [as_clip(wave, sample_rate, name=f"noise {number}") for number, wave in enumerate(noise)]
    items = tuple(Item(clip, (named[number % len(named)],)) for number, clip in enumerate(clips))
    every = DataSet(items, named, multilabel=source.multilabel)
    judged = replace(every, items=items[:2])
    return Splits(every, judged if data.validation else None, judged if data.test or data.folds else None)


def _check_apart(splits: Splits, name: str) -> None:
    """See that no file, or piece of one, is both learnt from and judged on."""
    learnt = {_place(item) for item in splits.train}
    for data in (splits.validation, splits.test):
        twice = next((item for item in data or () if _place(item) in learnt), None)
        if twice is not None:
            raise InputError(f"{twice.sound} of {name} would be trained and judged on: put it into one part")


def _place(item: Item) -> tuple[object, ...]:
    # Clips that are synthesised are told apart by being other objects.
    where = item.sound if isinstance(item.sound, Path) else id(item.sound)
    return where, item.start, item.stop


def _hold_out(data: DataSet, share: float, seed: int) -> tuple[DataSet, DataSet]:
    """Some items to watch instead of to learn from; of each class the same share, where an item has one.

    The pieces of a file stay together.
    """
    files = [item.sound if isinstance(item.sound, Path) else number for number, item in enumerate(data)]
    distinct = list(dict.fromkeys(files))
    if data.multilabel or len(distinct) < len(files):
        order = torch.randperm(len(distinct), generator=torch.Generator().manual_seed(seed)).tolist()
        chosen = {distinct[place] for place in order[: max(1, round(share * len(distinct)))]}
        held = {number for number, file in enumerate(files) if file in chosen}
    else:
        _, one = split_sounds([(number, item.labels[0]) for number, item in enumerate(data)], share, seed)
        held = {number for number, _ in one}
    kept = tuple(item for number, item in enumerate(data) if number not in held)
    return replace(data, items=kept), replace(data, items=tuple(data.items[number] for number in sorted(held)))


def _names(splits: str | list[str] | float | None) -> list[str]:
    if splits is None or isinstance(splits, float):
        return []
    return [splits] if isinstance(splits, str) else list(splits)
