"""What in a data set harms an evaluation, or should be known before one: duplicates, overlaps, silence and more."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from otoscope.audio import load_audio
from otoscope.data.items import DataSet, Item
from otoscope.errors import InputError

FULL_SCALE = 0.999
"""Level from which on a sample is at full scale; three in a row, on one side, are clipped."""
SILENT = 1e-4
"""RMS below which a sound is silent: -80 dB of full scale."""
OFFSET = 0.01
"""Mean from which on a sound has a DC offset."""
FAR = 10.0
"""How many times shorter or longer than the median is named."""

_ROW = 3  # samples at full scale
_THREADS = 4  # that read files; decoding does not hold Python's lock
_BLOCK = 256  # sounds that are waited for together
_RANDOM = 2.0  # how many times more often than by chance file names hold the label, for a leak


@dataclass(frozen=True)
class Finding:
    """One kind of thing that was found.

    Attributes
    ----------
    kind : str
        Such as "duplicates across splits".
    harms : bool
        Whether it makes the score of an evaluation another than it would be.
    clips : int
        How many sounds it concerns.
    what : str
        What it means, in words.
    examples : tuple of str
        Each names the sounds that belong together.
    """

    kind: str
    harms: bool
    clips: int
    what: str
    examples: tuple[str, ...]


@dataclass(frozen=True)
class _Seen:
    """What is kept of one sound after it was read."""

    name: str
    file: str
    split: str
    labels: tuple[str, ...]
    digest: bytes
    seconds: float
    start: float
    rate: int
    clipped: int
    rms: float
    mean: float


def check_data(data: DataSet, progress: Callable[[int, int], None] | None = None) -> list[Finding]:
    """Read all sounds of a data set and say what was found.

    Parameters
    ----------
    data : DataSet
        With more than one split, as a rule: duplicates and overlaps across splits are what harms most.
    progress : callable, optional
        Called with how many sounds are read, and of how many.

    Returns
    -------
    list of Finding
        What harms first. Equal audio is found by a hash of the decoded samples, without zeros at the ends, whatever the
        files are called and however they are coded without loss.

    Examples
    --------
    >>> from otoscope.data import read
    >>> check_data(read("vowels"))
    []
    """
    seen, broken = [], []
    for done, (item, one) in enumerate(_read_all(data.items), 1):
        if isinstance(one, _Seen):
            seen.append(one)
        else:
            broken.append(f"{item.name}: {one}")
        if progress is not None:
            progress(done, len(data))
    found = [*_left_out(data), *_broken(broken), *_duplicates(seen), *_overlaps(seen), *_levels(seen), *_lengths(seen)]
    found += [*_rates(seen), *_leaks(seen)]
    return sorted(found, key=lambda one: not one.harms)


def _read_all(items: Sequence[Item]) -> Iterator[tuple[Item, _Seen | str]]:
    with ThreadPoolExecutor(_THREADS) as pool:
        for first in range(0, len(items), _BLOCK):
            block = [items[place] for place in range(first, min(first + _BLOCK, len(items)))]
            yield from zip(block, pool.map(_seen, block), strict=True)


def _seen(item: Item) -> _Seen | str:
    """What is kept of a sound; a sentence where it cannot be read."""
    try:
        samples, rate = _samples(item)
    except InputError as error:
        return str(error)
    sound = item.sound
    return _Seen(
        item.name,
        str(id(sound) if isinstance(sound, xr.DataArray) else sound),
        item.split,
        item.labels,
        _digest(samples, rate) if samples.any() else b"",
        samples.shape[1] / rate,
        item.start or 0.0,
        rate,
        _clipped(samples),
        float(np.sqrt(np.mean(np.square(samples, dtype=float)))),
        float(np.abs(samples.mean(1, dtype=float)).max()),
    )


def _samples(item: Item) -> tuple[np.ndarray, int]:
    """The samples (channel, time) of an item at their own rate."""
    sound = item.sound
    if isinstance(sound, xr.DataArray):
        return np.atleast_2d(np.asarray(sound, np.float32)), int(sound.attrs.get("sample_rate") or 1)
    duration = None if item.stop is None else item.stop - (item.start or 0.0)
    wave = load_audio(sound, mono=False, start=item.start or 0.0, duration=duration)
    return wave.to_numpy(), int(wave.attrs["sample_rate"])


def _digest(samples: np.ndarray, rate: int) -> bytes:
    """A hash of the samples between the zeros at both ends, and of their rate."""
    loud = np.flatnonzero(samples.any(0))
    core = np.ascontiguousarray(samples[:, loud[0] : loud[-1] + 1])
    return hashlib.blake2b(core.tobytes() + f"{rate} {core.shape}".encode(), digest_size=16).digest()


def _clipped(samples: np.ndarray) -> int:
    """How many samples are at full scale in a row of three or more, on one side."""
    count = 0
    for side in (samples >= FULL_SCALE, samples <= -FULL_SCALE):
        if side.any():
            rows = np.pad(side, ((0, 0), (1, 1))).astype(np.int8)
            edges = np.diff(rows.ravel())
            lengths = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
            count += int(lengths[lengths >= _ROW].sum())
    return count


# -- What harms -------------------------------------------------------------------------------------------


def _left_out(data: DataSet) -> Iterator[Finding]:
    for cause, names in data.problems.items():
        yield Finding(cause, True, len(names), "sounds that the data names and that are left out", names)


def _broken(lines: list[str]) -> Iterator[Finding]:
    if lines:
        yield Finding("unreadable", True, len(lines), "sounds that cannot be decoded", tuple(lines))


def _duplicates(seen: Iterable[_Seen]) -> Iterator[Finding]:
    equal: dict[bytes, list[_Seen]] = defaultdict(list)
    for one in seen:
        if one.digest:
            equal[one.digest].append(one)
    groups = [group for group in equal.values() if len(group) > 1]
    across = [group for group in groups if len({one.split for one in group}) > 1]
    torn = [group for group in groups if len({one.labels for one in group}) > 1]
    within = [group for group in groups if len({one.split for one in group}) == 1]
    yield from _of_groups("duplicates across splits", True, across, "the same audio is trained on and scored on")
    yield from _of_groups("duplicates with other labels", True, torn, "the same audio has different labels")
    yield from _of_groups("duplicates within a split", False, within, "the same audio counts more than once")


def _of_groups(kind: str, harms: bool, groups: list[list[_Seen]], what: str) -> Iterator[Finding]:
    if groups:
        examples = tuple(" = ".join(_placed(one) for one in group) for group in groups)
        sounds = {id(one) for group in groups for one in group}  # of a chain of overlaps a piece is in two pairs
        yield Finding(kind, harms, len(sounds), what, examples)


def _placed(one: _Seen) -> str:
    return f"{one.name} ({', '.join(filter(None, (one.split, ','.join(one.labels))))})"


def _overlaps(seen: Iterable[_Seen]) -> Iterator[Finding]:
    files: dict[str, list[_Seen]] = defaultdict(list)
    for one in seen:
        files[one.file].append(one)
    across, within, shared = [], [], []
    for pieces in files.values():
        pairs = list(_overlapping(pieces))
        across += [pair for pair in pairs if pair[0].split != pair[1].split]
        within += [pair for pair in pairs if pair[0].split == pair[1].split]
        if len({one.split for one in pieces}) > 1 and not any(one.split != two.split for one, two in pairs):
            shared.append(pieces)
    yield from _of_groups("overlaps across splits", True, across, "pieces of one file overlap and are in two splits")
    yield from _of_groups("overlaps within a split", False, within, "pieces of one file overlap")
    yield from _of_groups("files across splits", False, shared, "pieces of one file are in several splits")


def _overlapping(pieces: list[_Seen]) -> Iterator[list[_Seen]]:
    """Pairs of pieces of one file that have a sample in common: each with the one before it that reaches farthest."""
    ordered = sorted(pieces, key=lambda one: one.start)
    last = ordered[0]
    for one in ordered[1:]:
        if one.start + 0.5 / one.rate < last.start + last.seconds:
            yield [last, one]
        last = max(last, one, key=lambda piece: piece.start + piece.seconds)


def _levels(seen: Sequence[_Seen]) -> Iterator[Finding]:
    silent = [one for one in seen if one.rms < SILENT]
    clipped = [one for one in seen if one.clipped]
    offset = [one for one in seen if one.mean >= OFFSET]
    if silent:
        yield Finding("silence", True, len(silent), "below -80 dB of full scale", _names(silent))
    if clipped:
        clipped.sort(key=lambda one: -one.clipped)
        told = tuple(f"{_placed(one)}: {one.clipped} samples" for one in clipped)
        yield Finding("clipping", False, len(clipped), "three samples or more in a row at full scale", told)
    if offset:
        offset.sort(key=lambda one: -one.mean)
        told = tuple(f"{_placed(one)}: {one.mean:.3f}" for one in offset)
        yield Finding("DC offset", False, len(offset), "the mean is 0.01 of full scale or more", told)


# -- What should be known ---------------------------------------------------------------------------------


def _lengths(seen: Sequence[_Seen]) -> Iterator[Finding]:
    if not seen:
        return
    median = float(np.median([one.seconds for one in seen]))
    short = sorted((one for one in seen if one.seconds * FAR < median), key=lambda one: one.seconds)
    long = sorted((one for one in seen if one.seconds > FAR * median), key=lambda one: -one.seconds)
    for kind, ones in (("very short", short), ("very long", long)):
        if ones:
            told = tuple(f"{_placed(one)}: {one.seconds:.3f} s" for one in ones)
            yield Finding(kind, False, len(ones), f"the median is {median:.3f} s", told)


def _rates(seen: Sequence[_Seen]) -> Iterator[Finding]:
    rates = Counter(one.rate for one in seen)
    if len(rates) > 1:
        usual, _ = rates.most_common(1)[0]
        others = [one for one in seen if one.rate != usual]
        told = ", ".join(f"{count} at {rate} Hz" for rate, count in rates.most_common())
        yield Finding("different sample rates", False, len(others), told, _names(others))


def _leaks(seen: Sequence[_Seen]) -> Iterator[Finding]:
    """Whether names of files hold the labels, more often than those of other sounds would."""
    single = [one for one in seen if len(one.labels) == 1]
    if len({one.labels for one in single}) < 2:
        return
    words = [_words(Path(one.file.rpartition("!")[2]).stem) for one in single]
    labels = [_words(one.labels[0]) for one in single]
    own = [place for place, (name, label) in enumerate(zip(words, labels, strict=True)) if _within(label, name)]
    order = np.random.default_rng(0).permutation(len(single))
    chance = sum(_within(labels[other], words[place]) for place, other in enumerate(order))
    if own and len(own) >= max(0.5 * len(single), _RANDOM * chance):
        told = f"the name of the file holds the label of {len(own)} of {len(single)} sounds, {chance} by chance"
        yield Finding("label in the file name", False, len(own), told, _names([single[place] for place in own]))


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[^\W_]+", text.casefold()))


def _within(label: tuple[str, ...], name: tuple[str, ...]) -> bool:
    """Whether the words of a label follow one another in a name."""
    count = len(label)
    return count > 0 and any(name[place : place + count] == label for place in range(len(name) - count + 1))


def _names(seen: Iterable[_Seen]) -> tuple[str, ...]:
    return tuple(map(_placed, seen))


def summary(found: Sequence[Finding]) -> Mapping[str, object]:
    """The findings as plain values."""
    return {
        "harms": any(one.harms for one in found),
        "findings": [
            {"kind": one.kind, "harms": one.harms, "clips": one.clips, "what": one.what, "examples": list(one.examples)}
            for one in found
        ],
    }
