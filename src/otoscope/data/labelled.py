"""Pairs of sound and class from any data set, folder or table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import TypeVar

import numpy as np
import xarray as xr

from otoscope.audio import load_audio
from otoscope.data.items import Item
from otoscope.data.sets import read_place
from otoscope.errors import InputError

Sound = tuple[Path | xr.DataArray, str]
"""A file or a clip, and its class."""

T = TypeVar("T")


def labelled_sounds(
    place: str | Path, *, by: str | None = None, limit: int | None = None, sample_rate: int = 16_000
) -> list[Sound]:
    """The sounds of a data set and the class of each.

    Parameters
    ----------
    place : str or Path
        A data set by name (see :data:`otoscope.data.sets.SETS`): ``vowels``, the built-in one, ``fsdd:FOLDER``,
        ``fsdd@test:FOLDER`` for a part of its official split, or ``fsdd`` where it is in the folder OTOSCOPE_DATA. Or a
        folder with a subfolder for each class; a csv file with the columns `file` (relative to it) and `label`; or a
        folder of recordings named as those of the Free Spoken Digit Dataset.
    by : str, optional
        What the labels are, where a set has several kinds, such as ``digit`` (the default) or ``speaker`` of FSDD; of a
        csv table, another column than `label`.
    limit : int, optional
        Take at most this many, as evenly over the classes as possible.
    sample_rate : int
        Of the built-in vowels and of pieces of files (phones of TIMIT), in Hz; whole files keep theirs.

    Returns
    -------
    list of (Path or DataArray, str)
        The same in every call. Files are not opened, except to cut out pieces.

    Raises
    ------
    InputError
        If there are no sounds, a file is missing, or a sound may have several labels.

    Examples
    --------
    >>> sounds = labelled_sounds("vowels", by="register", limit=6)
    >>> [label for _, label in sounds]
    ['high', 'low', 'mid', 'high', 'low', 'mid']
    """
    if limit is not None and limit < 1:
        raise InputError(f"limit has to be 1 or more, not {limit}")
    found = read_place(place, task=by, sample_rate=sample_rate)
    if found.multilabel:
        raise InputError(f"a sound of {place} may have several labels, and one is needed: choose another data set")
    items = [(item, item.labels[0]) for item in found]
    if limit is not None and limit < len(items):
        items = _in_turn(items)[:limit]
    return [(_sound(item, sample_rate), label) for item, label in items]


def split_sounds(
    sounds: Sequence[tuple[T, str]], share: float = 0.25, seed: int = 0
) -> tuple[list[tuple[T, str]], list[tuple[T, str]]]:
    """Divide sounds at random into a training and a test set, with the same share of each class.

    Parameters
    ----------
    sounds : sequence of (sound, label)
    share : float
        Of the test set, above 0 and below 1; each set has at least one sound of each class.
    seed : int

    Returns
    -------
    train, test : list of (sound, label)

    Raises
    ------
    InputError
        If a class has a single sound.

    Examples
    --------
    >>> train, test = split_sounds([(Path(f"{n}.wav"), "ab"[n % 2]) for n in range(8)])
    >>> len(train), sorted(label for _, label in test)
    (6, ['a', 'b'])
    """
    if not 0 < share < 1:
        raise InputError(f"the share of the test set has to be between 0 and 1, not {share}")
    rng = np.random.default_rng(seed)
    train: list[tuple[T, str]] = []
    test: list[tuple[T, str]] = []
    for label, members in _by_label(sounds).items():
        if len(members) < 2:
            raise InputError(f"class {label!r} has a single sound: add another, for the test set")
        order = rng.permutation(len(members))
        held_out = min(max(1, round(share * len(members))), len(members) - 1)
        test += [members[i] for i in order[:held_out]]
        train += [members[i] for i in order[held_out:]]
    return train, test


def _sound(item: Item, sample_rate: int) -> Path | xr.DataArray:
    """The file of an item, or the piece of it as a clip."""
    if isinstance(item.sound, xr.DataArray) or (item.start is None and item.stop is None):
        return item.sound
    whole = load_audio(item.sound, sample_rate=sample_rate)
    start, stop = item.start or 0.0, whole.sizes["time"] / sample_rate if item.stop is None else item.stop
    piece: xr.DataArray = whole[round(start * sample_rate) : round(stop * sample_rate)]
    if not piece.size:
        raise InputError(f"{item.sound} has no sound from {start:.3f} to {stop:.3f} s")
    piece.attrs["name"] = f"{item.sound} {start:.3f}-{stop:.3f} s"
    return piece.assign_coords(time=piece.time - piece.time[0])


def _by_label(sounds: Sequence[tuple[T, str]]) -> dict[str, list[tuple[T, str]]]:
    classes: dict[str, list[tuple[T, str]]] = {label: [] for label in sorted({label for _, label in sounds})}
    for sound in sounds:
        classes[sound[1]].append(sound)
    return classes


def _in_turn(sounds: Sequence[tuple[T, str]]) -> list[tuple[T, str]]:
    """One sound of each class in turn, drawn at random, since consecutive files are often of one speaker."""
    rng = np.random.default_rng(0)
    drawn = [[members[i] for i in rng.permutation(len(members))] for members in _by_label(sounds).values()]
    rounds = zip_longest(*drawn)
    return [sound for sound in chain.from_iterable(rounds) if sound is not None]
