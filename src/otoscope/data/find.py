"""The sounds that a DATA argument names, with their classes where these are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np
import xarray as xr

from otoscope.audio import audio_length, load_audio
from otoscope.data.items import DataSet, Item, labels_of, pick
from otoscope.data.sets import read_place
from otoscope.embedded import Embedded
from otoscope.errors import InputError
from otoscope.types import Excerpt


def find_data(
    place: str | Path, *, by: str | None = None, limit: int | None = None, sample_rate: int = 16_000
) -> DataSet:
    """Find the sounds that DATA names, with what is known of them.

    Parameters
    ----------
    place : str or Path
        A data set by name (see :data:`otoscope.data.sets.SETS`): ``vowels``, the built-in one, ``fsdd:FOLDER``,
        ``fsdd@test:FOLDER`` for a part of its official split, or ``fsdd`` where OTOSCOPE_DATA holds it. Or sounds of
        one's own: a folder, with a folder for each class or without classes; a pattern such as ``clips/*/*.wav``; a
        sound file; a table (csv, tsv, JSON lines or Parquet) with the columns `path` and `label`; tar archives as
        WebDataset writes them; a folder that Hugging Face `datasets` saved.
    by : str, optional
        What the classes are, where a set knows several things, such as ``digit`` (default) or ``speaker`` of FSDD; of a
        table, a column.
    limit : int, optional
        Take at most so many, as evenly over the classes as can be.
    sample_rate : int
        Of the built-in vowels, in Hz.

    Returns
    -------
    DataSet
        The same in every call. Sounds are not opened here. What is missing, empty or without a label is left out, and
        named in `problems`.

    Raises
    ------
    InputError
        If nothing is there that can be used; the message names it, and what was left out.

    Examples
    --------
    >>> found = find_data("vowels", by="register", limit=3)
    >>> [item.labels for item in found], found.classes
    ([('high',), ('low',), ('mid',)], ('low', 'mid', 'high'))
    """
    _check(limit)
    return drawn(read_place(place, task=by, sample_rate=sample_rate), limit)


def drawn(found: DataSet, limit: int | None) -> DataSet:
    """At most so many sounds of a data set, as evenly over the classes as can be.

    Raises
    ------
    InputError
        If the number is below 1.
    """
    _check(limit)
    if limit is None or limit >= len(found):
        return found
    return replace(found, items=pick(found.items, _in_turn(found.items)[:limit]))


def _check(limit: int | None) -> None:
    if limit is not None and limit < 1:
        raise InputError(f"limit has to be 1 or more, not {limit}")


def find_sounds(
    place: str | Path, *, by: str | None = None, limit: int | None = None, sample_rate: int = 16_000
) -> Sequence[Item]:
    """The sounds alone that :func:`find_data` finds.

    Examples
    --------
    >>> [item.labels for item in find_sounds("vowels", by="register", limit=3)]
    [('high',), ('low',), ('mid',)]
    """
    return find_data(place, by=by, limit=limit, sample_rate=sample_rate).items


def split_sounds(items: Sequence[Item], share: float = 0.25, seed: int = 0) -> tuple[list[Item], list[Item]]:
    """Divide sounds at random into those to learn from and those to test on, of each class the same share.

    Parameters
    ----------
    items : sequence of Item
    share : float
        To test on, above 0 and below 1; of each class at least one sound is on either side.
    seed : int
        Of the drawing.

    Returns
    -------
    train, test : list of Item

    Raises
    ------
    InputError
        If a class has a single sound.

    Examples
    --------
    >>> train, test = split_sounds([Item(Path(f"{n}.wav"), ("ab"[n % 2],)) for n in range(8)])
    >>> len(train), sorted(item.labels[0] for item in test)
    (6, ['a', 'b'])
    """
    train, test = split_labels([",".join(item.labels) for item in items], share, seed)
    return [items[i] for i in train], [items[i] for i in test]


def split_labels(labels: Sequence[str], share: float = 0.25, seed: int = 0) -> tuple[list[int], list[int]]:
    """The same for sounds of which only the labels are known: the places of those to learn from and to test on.

    Examples
    --------
    >>> train, test = split_labels(["a", "b"] * 4)
    >>> len(train), [n % 2 for n in test]
    (6, [0, 1])
    """
    if not 0 < share < 1:
        raise InputError(f"the share to test on has to lie between 0 and 1, not be {share}")
    rng = np.random.default_rng(seed)
    train: list[int] = []
    test: list[int] = []
    for label, members in _by_label(labels).items():
        if len(members) < 2:
            raise InputError(f"class {label!r} has a single sound: two are needed, to learn from and to test on")
        order = rng.permutation(len(members))
        held_out = min(max(1, round(share * len(members))), len(members) - 1)
        test += [members[i] for i in order[:held_out]]
        train += [members[i] for i in order[held_out:]]
    return train, test


def sound_of(
    item: Item, sample_rate: int, read: Callable[[Excerpt], xr.DataArray] | None = None
) -> Path | xr.DataArray:
    """A file as it is; what lies within another file, or is a piece of one, read: no more of it than is needed.

    It is read, and mixed down, at the rate, or as `read` does it.

    Raises
    ------
    InputError
        If it cannot be read, or has no such piece.
    """
    sound, whole = item.sound, item.start is None and item.stop is None
    if whole and not isinstance(sound, Embedded):
        return sound
    if isinstance(sound, xr.DataArray):
        rate = int(sound.attrs.get("sample_rate", sample_rate))
        first, last = _samples(item, sound.sizes["time"], rate, rate)
        found = sound[..., first:last]
    else:
        read = read or partial(_loaded, sample_rate)
        part, rate = Excerpt(sound), sample_rate
        if not whole:
            first, last = _samples(item, *audio_length(sound), rate)
            part = Excerpt(sound, first / rate, (last - first) / rate)
        found = read(part)
    found = found.assign_attrs({"name": item.name, **({} if whole else {"start": item.start or 0.0})})
    return found.assign_coords(time=found.time - found.time[0]) if "time" in found.coords else found


def _samples(item: Item, frames: int, rate: int, sample_rate: int) -> tuple[int, int]:
    """The first sample of a piece and the one after its last, at a rate of its own; of a sound of so many frames."""
    start, stop = item.span(frames / rate)
    first, last = round(start * sample_rate), round(stop * sample_rate)
    if first == last:
        raise InputError(f"{item.name} is too short to hold a sample at {sample_rate} Hz")
    return first, last


def _loaded(sample_rate: int, part: Excerpt) -> xr.DataArray:
    return load_audio(part.path, sample_rate=sample_rate, start=part.start, duration=part.duration)


def _by_label(labels: Sequence[str]) -> dict[str, list[int]]:
    """The places of each label, in alphabetical order of the labels."""
    places: dict[str, list[int]] = {label: [] for label in sorted(set(labels))}
    for place, label in enumerate(labels):
        places[label].append(place)
    return places


def _in_turn(items: Sequence[Item]) -> list[int]:
    """The places of one sound of each class after another, drawn at random: files in order are often of one speaker."""
    rng = np.random.default_rng(0)
    classes = _by_label([",".join(labels) for labels in labels_of(items)]).values()
    drawn = [[members[i] for i in rng.permutation(len(members))] for members in classes]
    return [place for place in chain.from_iterable(zip_longest(*drawn)) if place is not None]
