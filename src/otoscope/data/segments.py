"""Words, phones or events with their times: read from TextGrid, CTM and tables, and found for a sound."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

import xarray as xr

from otoscope.data.alignments import Interval, read_ctm, read_listed, read_textgrid
from otoscope.data.items import SUFFIXES as SOUNDS
from otoscope.data.rows import SUFFIXES as TABLES
from otoscope.errors import InputError
from otoscope.files import whole_file
from otoscope.types import Segments

OUTSIDE = "(outside)"
"""How results call what lies in no segment."""

_ROUNDED = 1e-4  # s by which written times may overlap, as two that were rounded alike do not
_BEYOND = 0.005  # s by which a segment may end after the sound: half of the last digit of a CTM file
_IN_FOLDERS = (".TextGrid", ".textgrid", ".ctm", ".csv", ".tsv")


class NoSegments(InputError):
    """A sound of which nothing says what its segments are."""


class Segment(NamedTuple):
    """A stretch of a sound that has a name.

    Attributes
    ----------
    start, stop : float
        In s.
    label : str
        Such as a word, a phone or an event.
    """

    start: float
    stop: float
    label: str


@dataclass(frozen=True)
class Alignment:
    """What a file says: the segments of one sound, or of many by their names.

    Attributes
    ----------
    source : str
        By which messages call it.
    alone : tuple of Segment
        Where it does not say of which sound they are.
    by_sound : mapping of tuple of str to tuple of Segment
        By the parts of the path of a sound, without suffix.
    """

    source: str
    alone: tuple[Segment, ...] = ()
    by_sound: Mapping[tuple[str, ...], tuple[Segment, ...]] | None = None

    @property
    def names_sounds(self) -> bool:
        """Whether it says of which sound each segment is."""
        return self.by_sound is not None

    def of(self, sound: str) -> tuple[Segment, ...]:
        """The segments of a sound, by its path or name.

        Raises
        ------
        InputError
            If there are none, or those of several sounds of such a name.
        """
        if self.by_sound is None:
            return self.alone
        parts = parts_of(sound)
        shared = {key: min(len(key), len(parts)) for key in self._by_last.get(parts[-1], ())}
        found = [key for key, length in shared.items() if key[-length:] == parts[-length:]]
        most = max((shared[key] for key in found), default=0)
        found = [key for key in found if shared[key] == most]
        if len(found) == 1:
            return self.by_sound[found[0]]
        if found:
            names = " and ".join("/".join(key) for key in found[:2])
            raise InputError(f"{self.source} has segments of {names}, and either could be {sound}: give longer paths")
        known = ", ".join("/".join(key) for key in list(self.by_sound)[:3])
        more = f" and {len(self.by_sound) - 3} more" if len(self.by_sound) > 3 else ""
        raise NoSegments(f"{self.source} has no segments of {sound}; it has those of {known}{more}")

    @cached_property
    def _by_last(self) -> Mapping[str, list[tuple[str, ...]]]:
        """The names of sounds by their last part."""
        found: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for key in self.by_sound or ():
            found[key[-1]].append(key)
        return found


def segments_of(
    given: Segments, sound: xr.DataArray, tier: str | None = None, name: str | None = None
) -> tuple[Segment, ...]:
    """The segments of a sound, at their times in it.

    Parameters
    ----------
    given : path, mapping or sequence
        A TextGrid, a CTM file, a table with the columns `start`, `stop` and `label`, and, for many sounds, `path`; or a
        folder with such files, named as the sounds. Or segments (start, stop, label), the times in s, of one sound, or
        by the names of sounds.
    sound : DataArray, (..., time)
        As :func:`otoscope.load_audio` reads it. Of an excerpt of a file, times are those of the file, and only the
        segments that lie in it, or the parts of them that do, are given.
    tier : str, optional
        Of a TextGrid, the name of one of several tiers of intervals; of a CTM file, one of several channels.
    name : str, optional
        By which the sound is called, where it was not read from a file; that in its attributes by default.

    Returns
    -------
    tuple of Segment
        In order. None is empty, and none overlaps another.

    Raises
    ------
    InputError
        If there are no segments of this sound, or a segment is none or ends after the sound; the message names file
        and line, or interval.

    Examples
    --------
    >>> from otoscope.data.vowels import vowel_clip
    >>> segments_of([(0.1, 0.25, "ah"), (0.25, 0.4, "t")], vowel_clip(duration=0.5))
    (Segment(start=0.1, stop=0.25, label='ah'), Segment(start=0.25, stop=0.4, label='t'))
    """
    name = str(sound.attrs.get("path") or name or sound.attrs.get("name", "the sound"))
    found = _alignment(given, name, tier)
    segments = found.of(name)
    first = _start(sound)
    length = sound.sizes["time"] / sound.attrs["sample_rate"]
    _check_end(found.source, segments, max(first + length, _length_of_file(sound)), name)
    within = [
        Segment(max(0.0, one.start - first), min(length, one.stop - first), one.label)
        for one in segments
        if one.stop > first and one.start - first < length
    ]
    if not within:
        raise NoSegments(
            f"{found.source} has no segment within {name}"
            + (f" from {first:g} to {first + length:g} s" if first else "")
        )
    return tuple(within)


def check_names_sounds(given: Segments, tier: str | None = None) -> None:
    """Raise an InputError where segments are those of one sound, and many sounds are to have some."""
    if isinstance(given, Mapping) or (isinstance(given, (str, Path)) and Path(given).is_dir()):
        return
    found = _alignment(given, "", tier)
    if not found.names_sounds:
        raise InputError(
            f"{found.source} does not say of which sound its segments are: for many sounds give a CTM file, a table "
            "with a column path, or a folder with a file for each sound, of the same name"
        )


def as_segments(given: Iterable[tuple[float, float, str]], source: str = "segments") -> tuple[Segment, ...]:
    """Segments in order, checked.

    Raises
    ------
    InputError
        If one is empty, reversed or without a label, or two overlap.

    Examples
    --------
    >>> as_segments([(0.2, 0.3, "t"), (0.0, 0.2, "ah")])
    (Segment(start=0.0, stop=0.2, label='ah'), Segment(start=0.2, stop=0.3, label='t'))
    """
    if not isinstance(given, Iterable):
        raise InputError(f"{source} has to be a list of (start, stop, label), not {given!r}")
    return _checked([_interval(source, number, one) for number, one in enumerate(given, 1)], source)


def write_segments(path: str | Path, segments: Mapping[str, Iterable[tuple[float, float, str]]]) -> None:
    """Write the segments of many sounds as a table with the columns `path`, `start`, `stop` and `label`.

    Parameters
    ----------
    path : str or Path
        Of the csv file.
    segments : mapping of str to sequence of (float, float, str)
        By the names of the sounds: start and stop in s, and the label.

    Raises
    ------
    InputError
        If a segment is none, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_segments(f"{folder}/steady.csv", {"m01ae.wav": [(0.1, 0.2, "ae")]})
    ...     print(Path(folder, "steady.csv").read_text())
    path,start,stop,label
    m01ae.wav,0.1,0.2,ae
    <BLANKLINE>
    """
    import csv

    with whole_file(path) as part, open(part, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["path", *Segment._fields])
        for name, several in segments.items():
            table.writerows([name, *one] for one in as_segments(several, f"the segments of {name}"))


def parts_of(sound: str) -> tuple[str, ...]:
    """The parts of the path of a sound, in an archive too, without its suffix and what only a file system tells.

    Examples
    --------
    >>> parts_of("../clips/ann/a.1.wav"), parts_of("shards/000.tar!dog/1.flac")
    (('clips', 'ann', 'a.1'), ('shards', '000.tar', 'dog', '1'))
    """
    stem, suffix = os.path.splitext(sound.replace("!", "/"))
    parts = (stem if suffix.lower() in SOUNDS else stem + suffix).split("/")
    return tuple(one for one in parts if one not in ("", ".", "..")) or ("",)


# -- Where they are given ---------------------------------------------------------------------------------


def _alignment(given: Segments, sound: str, tier: str | None) -> Alignment:
    if isinstance(given, (str, Path)):
        path = Path(given)
        return _read(*_stamp(_in_folder(path, sound) if path.is_dir() else path), tier)
    if tier is not None:
        raise InputError(f"tier={tier!r} is of a file, and the segments are given themselves: leave it out")
    if isinstance(given, Mapping):
        each = {parts_of(str(name)): as_segments(own, f"the segments of {name}") for name, own in given.items()}
        return Alignment("segments", by_sound=each)
    return Alignment("segments", as_segments(given))


def _in_folder(folder: Path, sound: str) -> Path:
    """The file of the segments of a sound, in the folder itself or, as aligners do it, in folders as the sounds are."""
    parts = parts_of(sound)
    for first in range(len(parts)):
        for suffix in _IN_FOLDERS:
            path = folder.joinpath(*parts[first:-1], parts[-1] + suffix)
            if path.is_file():
                return path
    names = ", ".join(parts[-1] + suffix for suffix in _IN_FOLDERS if suffix != ".textgrid")
    raise NoSegments(f"the folder {folder} has no segments of {sound}: none of {names} is in it")


def _stamp(path: Path) -> tuple[Path, int, int]:
    """A file, with what changes when it does."""
    try:
        found = path.stat()
    except OSError:
        raise InputError(
            f"there is no file or folder of segments {path}: give a TextGrid, a CTM file, a table with the columns "
            "start, stop and label, or a folder with such files"
        ) from None
    return path, found.st_size, found.st_mtime_ns


@lru_cache(maxsize=8)
def _read(path: Path, size: int, time: int, tier: str | None) -> Alignment:
    kind = path.suffix.lower()
    if kind == ".textgrid":
        return Alignment(str(path), _checked(read_textgrid(path, tier), str(path)))
    if kind == ".ctm":
        return _by_sound(path, read_ctm(path, tier))
    if kind not in TABLES:
        raise InputError(
            f"{path} is no file of segments: give a TextGrid (.TextGrid), a CTM file (.ctm), a table (.csv, .tsv) with "
            "the columns start, stop and label, or a folder with such files"
        )
    if tier is not None:
        raise InputError(f"{path} is a table, which has no tiers: leave tier={tier!r} out")
    rows = read_listed(path)
    return _by_sound(path, rows) if rows[0].sound is not None else Alignment(str(path), _checked(rows, str(path)))


def _by_sound(path: Path, intervals: Sequence[Interval]) -> Alignment:
    each: dict[tuple[str, ...], list[Interval]] = defaultdict(list)
    for one in intervals:
        each[parts_of(one.sound or "")].append(one)
    return Alignment(str(path), by_sound={key: _checked(several, str(path)) for key, several in each.items()})


# -- What is a segment ------------------------------------------------------------------------------------


def _interval(source: str, number: int, given: tuple[float, float, str]) -> Interval:
    try:
        start, stop, label = given
        return Interval(float(start), float(stop), str(label).strip(), f"segment {number}")
    except (TypeError, ValueError):
        raise InputError(
            f"{source}: segment {number} has to be its start and stop in s and its label, such as (0.1, 0.25, 'ah'), "
            f"not {given!r}"
        ) from None


def _checked(intervals: Sequence[Interval], source: str) -> tuple[Segment, ...]:
    """What is said of one sound, in order."""
    for one in intervals:
        where = f"{source}, {one.where}: {one.label!r}"
        if not one.label or one.label == OUTSIDE:
            raise InputError(f"{where} is no label of a segment: give it another one")
        if not (math.isfinite(one.start) and math.isfinite(one.stop)) or one.start < 0:
            raise InputError(f"{where} is from {one.start:g} to {one.stop:g} s: times are from 0 s on")
        if one.stop < one.start:
            raise InputError(f"{where} stops, at {one.stop:g} s, before it starts, at {one.start:g} s")
        if one.stop == one.start:
            raise InputError(f"{where} is empty: it starts and stops at {one.start:g} s")
    ordered = sorted(intervals, key=lambda one: (one.start, one.stop))
    segments: list[Segment] = []
    for place, one in enumerate(ordered):
        after = ordered[place + 1] if place + 1 < len(ordered) else None
        if after is not None and after.start < one.stop - _ROUNDED:
            raise InputError(
                f"{source}, {after.where}: {after.label!r} starts at {after.start:g} s, before {one.label!r} "
                f"({one.where}) stops at {one.stop:g} s: segments must not overlap"
            )
        segments.append(Segment(one.start, one.stop if after is None else min(one.stop, after.start), one.label))
    return tuple(segments)


def _check_end(source: str, segments: Sequence[Segment], end: float, name: str) -> None:
    for one in segments:
        if one.stop > end + _BEYOND:
            raise InputError(
                f"{source}: {one.label!r} from {one.start:g} to {one.stop:g} s ends after {name}, which lasts "
                f"{end:.6g} s: are these the segments of another sound?"
            )


def _start(sound: xr.DataArray) -> float:
    """Where a sound begins in its file, in s."""
    within = float(sound["time"][0]) if "time" in sound.coords else 0.0
    return float(sound.attrs.get("start", 0.0)) + within


def _length_of_file(sound: xr.DataArray) -> float:
    attrs = sound.attrs
    return float(attrs.get("original_samples", 0)) / float(attrs.get("original_sample_rate", 1))
