"""Sounds with their classes: a folder for each class, a csv table, the file names of FSDD, or built-in vowels."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np
import xarray as xr

from otoscope.audio import as_clip
from otoscope.data.vowels import Vowel, draw, register, synthesise
from otoscope.errors import InputError

Sound = tuple[Path | xr.DataArray, str]
"""A file or a clip, and its class."""

SUFFIXES = frozenset(".wav .flac .ogg .oga .opus .mp3 .aif .aiff .aifc .au .caf .w64 .rf64".split())
"""How the names of sound files end."""

VOWELS = "vowels"
"""Name of the built-in set."""

_FSDD = re.compile(r"(?P<digit>\d)_(?P<speaker>[^_]+)_(?P<index>\d+)\.wav")
_VOWEL_LABELS: dict[str, Callable[[Vowel], str]] = {
    "vowel": lambda vowel: vowel.symbol,
    "register": lambda vowel: register(vowel.f0),
}
_VOWEL_COUNT, _VOWEL_SECONDS = 240, 0.4


def labelled_sounds(
    place: str | Path, *, by: str | None = None, limit: int | None = None, sample_rate: int = 16_000
) -> list[Sound]:
    """Find the sounds of a data set and the class of each.

    Parameters
    ----------
    place : str or Path
        A folder that holds a folder for each class; a csv file with the columns `file` (relative to it) and
        `label`; a folder of recordings named as those of the Free Spoken Digit Dataset,
        ``{digit}_{speaker}_{index}.wav``; or ``vowels``, the built-in synthesised vowels.
    by : str, optional
        What is told apart, where a set knows several things: ``digit`` (default) or ``speaker`` of FSDD,
        ``vowel`` (default) or ``register`` of ``vowels``; of a csv table, another column than `label`.
    limit : int, optional
        Take at most so many, as evenly over the classes as can be.
    sample_rate : int
        Of the built-in vowels, in Hz; files keep theirs.

    Returns
    -------
    list of (Path or DataArray, str)
        The same in every call. Files are not opened here.

    Raises
    ------
    InputError
        If nothing is there, or a file of the table is missing; the message names it.

    Examples
    --------
    >>> sounds = labelled_sounds("vowels", by="register", limit=6)
    >>> [label for _, label in sounds]
    ['high', 'low', 'mid', 'high', 'low', 'mid']
    """
    path = Path(place)
    if str(place) == VOWELS:
        sounds = _vowels(by or "vowel", sample_rate)
    elif path.suffix.lower() == ".csv":
        sounds = _table(path, by or "label")
    elif path.is_dir():
        sounds = _folder(path, by)
    else:
        raise InputError(f"{place} is no data set: give a folder with a folder for each class, a csv file, or {VOWELS}")
    if limit is not None and limit < 1:
        raise InputError(f"limit has to be 1 or more, not {limit}")
    return sounds if limit is None or limit >= len(sounds) else _in_turn(sounds)[:limit]


def split_sounds(sounds: Sequence[Sound], share: float = 0.25, seed: int = 0) -> tuple[list[Sound], list[Sound]]:
    """Divide sounds at random into those to learn from and those to test on, of each class the same share.

    Parameters
    ----------
    sounds : sequence of (sound, label)
    share : float
        To test on, above 0 and below 1; of each class at least one sound is on either side.
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
        raise InputError(f"the share to test on has to lie between 0 and 1, not be {share}")
    rng = np.random.default_rng(seed)
    train: list[Sound] = []
    test: list[Sound] = []
    for label, members in _by_label(sounds).items():
        if len(members) < 2:
            raise InputError(f"class {label!r} has a single sound: two are needed, to learn from and to test on")
        order = rng.permutation(len(members))
        held_out = min(max(1, round(share * len(members))), len(members) - 1)
        test += [members[i] for i in order[:held_out]]
        train += [members[i] for i in order[held_out:]]
    return train, test


def _folder(folder: Path, by: str | None) -> list[Sound]:
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    if not files:
        raise InputError(f"no sound file is in the folder {folder}")
    named = [_FSDD.fullmatch(file.name) for file in files]
    if all(named):
        by = by or "digit"
        if by not in ("digit", "speaker"):
            raise InputError(f"the recordings in {folder} are told apart by digit or speaker, not by {by!r}")
        return [(file, match[by]) for file, match in zip(files, named, strict=True) if match]
    if by is not None:
        raise InputError(f"{folder} has a folder for each class, so there is nothing to tell apart by {by!r}")
    loose = next((file for file in files if file.parent == folder), None)
    if loose is not None:
        raise InputError(f"{loose} lies beside the folders of the classes, so its class is not known: move it into one")
    return [(file, file.relative_to(folder).parts[0]) for file in files]


def _table(path: Path, column: str) -> list[Sound]:
    if not path.is_file():
        raise InputError(f"no such table: {path}")
    try:
        with open(path, newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.DictReader(lines))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is no csv table in UTF-8: {error}") from None
    if not rows:
        raise InputError(f"{path} has no rows below its heading")
    for wanted in ("file", column):
        if wanted not in rows[0]:
            raise InputError(f"{path} has no column {wanted!r}; its columns are {', '.join(map(str, rows[0]))}")
    sounds: list[Sound] = []
    for number, row in enumerate(rows, 2):
        if not row["file"] or not row[column]:
            raise InputError(f"{path}, line {number}: the file or its {column} is empty")
        file = path.parent / row["file"]
        if not file.is_file():
            raise InputError(f"{path}, line {number}: there is no file {file}")
        sounds.append((file, row[column]))
    return sounds


def _vowels(by: str, sample_rate: int) -> list[Sound]:
    if by not in _VOWEL_LABELS:
        raise InputError(f"the built-in vowels are told apart by {' or '.join(_VOWEL_LABELS)}, not by {by!r}")
    return [
        (_clip(number, vowel, sample_rate), _VOWEL_LABELS[by](vowel))
        for number, vowel in enumerate(draw(_VOWEL_COUNT, 0))
    ]


def _clip(number: int, vowel: Vowel, sample_rate: int) -> xr.DataArray:
    heard = tuple(formant for formant in vowel.formants if formant < 0.48 * sample_rate)
    lowered = Vowel(vowel.symbol, vowel.group, vowel.f0, heard, vowel.tract_length)
    samples = synthesise(lowered, sample_rate, _VOWEL_SECONDS)
    return as_clip(samples, sample_rate, name=f"{number:03d}-{vowel.symbol}-{vowel.f0:.0f}Hz")


def _by_label(sounds: Sequence[Sound]) -> dict[str, list[Sound]]:
    classes: dict[str, list[Sound]] = {label: [] for label in sorted({label for _, label in sounds})}
    for sound in sounds:
        classes[sound[1]].append(sound)
    return classes


def _in_turn(sounds: Sequence[Sound]) -> list[Sound]:
    """One sound of each class after another, drawn at random, for files in order are often of one speaker."""
    rng = np.random.default_rng(0)
    drawn = [[members[i] for i in rng.permutation(len(members))] for members in _by_label(sounds).values()]
    rounds = zip_longest(*drawn)
    return [sound for sound in chain.from_iterable(rounds) if sound is not None]
