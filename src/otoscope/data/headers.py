"""How long sounds are, from the headers of their files: each is read once, and what it said is kept for later."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from otoscope.audio import audio_length
from otoscope.causes import cause_of_reading
from otoscope.data.items import DataSet, Item, files_of, pick
from otoscope.data.packed import Packed
from otoscope.data.problems import Problems
from otoscope.data.stamps import Stamps, read_stamps
from otoscope.errors import InputError
from otoscope.files import whole_file

KEPT_FROM = 2_000
"""Number of files from which on their headers are kept: those of fewer are read in a moment."""

_THREADS = 4  # that read files; opening them does not hold Python's lock
_BLOCK = 4096  # files that are waited for together
_Kept = tuple[np.ndarray, np.ndarray, np.ndarray]  # hashes of files in order, and the samples and rate of each


@dataclass(frozen=True)
class Headers:
    """What the headers of items say.

    Attributes
    ----------
    frames : ndarray (item,), int64
        Samples of the whole file; 0 where it is broken.
    rates : ndarray (item,), int32
        Samples per second, in Hz; 0 where it is broken.
    seconds : ndarray (item,), float64
        Duration of the item, which may be a piece of its file; NaN where it is broken.
    broken : mapping of int to str
        What is wrong with an item, by its place.
    """

    frames: np.ndarray
    rates: np.ndarray
    seconds: np.ndarray
    broken: dict[int, str]


def read_headers(
    items: Sequence[Item],
    sample_rate: int | None = None,
    *,
    stamps: Stamps | None = None,
    progress: Callable[[int, int], None] | None = None,
    keep: Path | None = None,
) -> Headers:
    """Read the headers of the files of some items.

    Parameters
    ----------
    items : sequence of Item
    sample_rate : int, optional
        Of sounds in memory that do not say it, in Hz.
    stamps : Stamps, optional
        Of the items, where they were looked up before.
    progress : callable, optional
        Called with how many files are done, and of how many.
    keep : Path, optional
        The folder in which headers are kept, by the place, size and time of their files; by default
        ``otoscope/headers`` in the user's folder for such files (XDG_CACHE_HOME, or ``~/.cache``), for 2,000 files or
        more. Where it cannot be written, nothing is kept.

    Returns
    -------
    Headers

    Examples
    --------
    >>> from otoscope.data import read
    >>> read_headers(read("vowels").items[:2]).seconds
    array([0.4, 0.4])
    """
    stamps = read_stamps(items) if stamps is None else stamps
    keys = _keys(stamps)
    wanted, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    place = None
    if keep is not None or len(wanted) >= KEPT_FROM:
        place = (
            keep or _cache_folder()
        ) / f"{hashlib.sha256(stamps.root.encode('utf-8', 'replace')).hexdigest()[:16]}.npz"
    kept = _load(place)
    lengths, errors, new = _lengths(items, wanted, first, kept, sample_rate, progress)
    if new and place is not None:
        files = stamps.sizes[first] >= 0  # and not sounds in memory
        _save(place, kept, wanted[files], lengths[files])
    frames, rates = lengths[inverse, 0], lengths[inverse, 1].astype(np.int32)
    broken = {int(n): errors[int(inverse[n])] for n in np.flatnonzero(rates == 0)} if errors else {}
    return _of_items(items, frames, rates, broken)


def without_broken(data: DataSet, headers: Headers) -> tuple[DataSet, np.ndarray]:
    """A data set without the items whose files are broken, which are named, and the seconds of the rest.

    Raises
    ------
    InputError
        If all of them are broken.
    """
    if not headers.broken:
        return data, headers.seconds
    problems = Problems()
    for cause, name, reason in data.problems.reasons():
        problems.add(cause, name, reason)
    for place, message in headers.broken.items():
        item = data.items[place]
        problems.add(cause_of_reading(message, item.sound), item.name, message)
    good = np.setdiff1d(np.arange(len(data)), list(headers.broken))
    if not len(good):
        raise InputError(f"none of {len(data)} sounds can be read: {problems.said}")
    found = DataSet(pick(data.items, good.tolist()), data.classes, data.notes, data.multilabel, problems)
    return found, headers.seconds[good]


def _of_items(items: Sequence[Item], frames: np.ndarray, rates: np.ndarray, broken: dict[int, str]) -> Headers:
    """The seconds of each item: of the whole file, or of its piece as far as it lies in the file."""
    seconds = frames / np.where(rates > 0, rates, 1).astype(float)
    for place, item in enumerate(items if not isinstance(items, Packed) or items.has_pieces else ()):
        if (item.start is None and item.stop is None) or place in broken:
            continue
        try:
            start, stop = item.span(float(seconds[place]))
        except InputError as error:
            broken[place] = str(error)
        else:
            seconds[place] = stop - start
    if broken:
        seconds[list(broken)] = np.nan
    return Headers(frames, rates, seconds, broken)


# -- Which file it is -------------------------------------------------------------------------------------


def _keys(stamps: Stamps) -> np.ndarray:
    """A hash of the place, size and time of the file of each item."""
    keys = np.empty(len(stamps.items), np.uint64)
    told = zip(files_of(stamps.items), stamps.places(), stamps.sizes, stamps.times, strict=True)
    for place, ((path, member, offset, size), name, length, time) in enumerate(told):
        within = f"\0{offset}\0{size}" if member else ""
        keys[place] = _hash(f"{name}\0{length}\0{time}{within}" if path else f"\0{place}")
    return keys


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest(), "little")


# -- What its header says ---------------------------------------------------------------------------------


def _lengths(
    items: Sequence[Item],
    wanted: np.ndarray,
    first: np.ndarray,
    kept: _Kept,
    sample_rate: int | None,
    progress: Callable[[int, int], None] | None,
) -> tuple[np.ndarray, dict[int, str], bool]:
    """Samples and rate of each wanted file (file, 2), what is wrong with some, and whether any had to be read."""
    lengths = np.zeros((len(wanted), 2), np.int64)
    hashes, frames, rates = kept
    at = np.searchsorted(hashes, wanted)
    known = at < len(hashes)
    known[known] = hashes[at[known]] == wanted[known]
    lengths[known] = np.stack([frames[at[known]], rates[at[known]]], axis=1)
    missing, errors = np.flatnonzero(~known), dict[int, str]()

    def read(number: int) -> tuple[int, int] | str:
        return _length(items[int(first[number])], sample_rate)

    with ThreadPoolExecutor(_THREADS) as pool:
        for begin in range(0, len(missing), _BLOCK):  # of all at once, the pool would hold an object each
            block = missing[begin : begin + _BLOCK].tolist()
            for done, (number, found) in enumerate(zip(block, pool.map(read, block), strict=True), begin + 1):
                if isinstance(found, str):
                    errors[number] = found
                else:
                    lengths[number] = found
                if progress is not None:
                    progress(int(known.sum()) + done, len(wanted))
    return lengths, errors, bool(len(missing))


def _length(item: Item, sample_rate: int | None) -> tuple[int, int] | str:
    if isinstance(item.sound, xr.DataArray):
        return item.sound.size, int(item.sound.attrs.get("sample_rate") or sample_rate or 0)
    try:
        return audio_length(item.sound)
    except InputError as error:
        return str(error)


# -- What is kept -----------------------------------------------------------------------------------------


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "otoscope" / "headers"


def _load(place: Path | None) -> _Kept:
    """What was kept; nothing where it cannot be read."""
    if place is not None:
        with suppress(OSError, ValueError, KeyError, EOFError), np.load(place, allow_pickle=False) as found:
            return found["hashes"], found["frames"], found["rates"]
    return np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64)


def _save(place: Path, kept: _Kept, wanted: np.ndarray, lengths: np.ndarray) -> None:
    """Keep what was read, beside what was kept; a file that changed has another hash, and is kept again."""
    good = lengths[:, 1] > 0
    hashes, order = np.unique(np.concatenate([wanted[good], kept[0]]), return_index=True)
    frames = np.concatenate([lengths[good, 0], kept[1]])[order]
    rates = np.concatenate([lengths[good, 1], kept[2]])[order]
    with suppress(OSError, InputError):
        place.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(place) as part, open(part, "wb") as file:
            np.savez(file, hashes=hashes, frames=frames, rates=rates)
