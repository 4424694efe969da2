"""The sounds that a DATA argument names, with their classes where these are known."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np
import xarray as xr

from otoscope.audio import load_audio
from otoscope.data import fsdd
from otoscope.data.items import SUFFIXES, Item
from otoscope.data.sets import SETS, read_place
from otoscope.errors import InputError


def find_sounds(
    place: str | Path, *, by: str | None = None, limit: int | None = None, sample_rate: int = 16_000
) -> list[Item]:
    """Find the sounds of a data set, a folder or a table, or the one sound of a file.

    Parameters
    ----------
    place : str or Path
        A data set by name (see :data:`otoscope.data.sets.SETS`): ``vowels``, the built-in one, ``fsdd:FOLDER``,
        ``fsdd@test:FOLDER`` for a part of its official split, or ``fsdd`` where OTOSCOPE_DATA holds it. Or a folder
        that holds a folder for each class; a csv file with the columns `file` (relative to it) and `label`; a folder
        of recordings named as those of the Free Spoken Digit Dataset; or, without classes, any folder of sound files,
        or a sound file.
    by : str, optional
        What the classes are, where a set knows several things, such as ``digit`` (default) or ``speaker`` of FSDD; of a
        csv table, another column than `label`.
    limit : int, optional
        Take at most so many, as evenly over the classes as can be.
    sample_rate : int
        Of the built-in vowels, in Hz.

    Returns
    -------
    list of Item
        The same in every call. Files are not opened here.

    Raises
    ------
    InputError
        If nothing is there or a file is missing; the message names it.

    Examples
    --------
    >>> [item.labels for item in find_sounds("vowels", by="register", limit=3)]
    [('high',), ('low',), ('mid',)]
    """
    if limit is not None and limit < 1:
        raise InputError(f"limit has to be 1 or more, not {limit}")
    items = _unlabelled(Path(place)) if by is None and str(place) not in SETS else []
    items = items or list(read_place(place, task=by, sample_rate=sample_rate))
    return items if limit is None or limit >= len(items) else _in_turn(items)[:limit]


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


def sound_of(item: Item, sample_rate: int) -> Path | xr.DataArray:
    """A file as it is, and a piece of one cut out."""
    if isinstance(item.sound, xr.DataArray) or (item.start is None and item.stop is None):
        return item.sound
    whole = load_audio(item.sound, sample_rate=sample_rate)
    start, stop = item.start or 0.0, whole.sizes["time"] / sample_rate if item.stop is None else item.stop
    piece = whole[round(start * sample_rate) : round(stop * sample_rate)]
    if not piece.size:
        raise InputError(f"{item.sound} has no sound from {start:.3f} to {stop:.3f} s")
    piece.attrs["name"] = f"{item.sound} {start:.3f}-{stop:.3f} s"
    return piece.assign_coords(time=piece.time - piece.time[0])


def _unlabelled(path: Path) -> list[Item]:
    """The one sound of a file, or those in a folder, unless folders or names say their classes."""
    if path.is_file():
        return [Item(path, ())] if _is_sound(path) else []
    files = sorted(path.iterdir()) if path.is_dir() else []
    sounds = [file for file in files if _is_sound(file)]
    classed = any(map(_is_sound, chain.from_iterable(file.rglob("*") for file in files if file.is_dir())))
    return (
        [] if classed or all(fsdd.NAME.fullmatch(file.name) for file in sounds) else [Item(file, ()) for file in sounds]
    )


def _is_sound(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _by_label(labels: Sequence[str]) -> dict[str, list[int]]:
    """The places of each label, in alphabetical order of the labels."""
    places: dict[str, list[int]] = {label: [] for label in sorted(set(labels))}
    for place, label in enumerate(labels):
        places[label].append(place)
    return places


def _in_turn(items: Sequence[Item]) -> list[Item]:
    """One sound of each class after another, drawn at random, for files in order are often of one speaker."""
    rng = np.random.default_rng(0)
    classes = _by_label([",".join(item.labels) for item in items]).values()
    drawn = [[members[i] for i in rng.permutation(len(members))] for members in classes]
    return [items[place] for place in chain.from_iterable(zip_longest(*drawn)) if place is not None]
