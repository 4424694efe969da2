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
_GIVE = "give (start, stop, label), the times in s, or lists of these by the names of sounds"
IN_FOLDERS = (".TextGrid", ".textgrid", ".ctm", ".csv", ".tsv")
"""Suffixes of the files of segments in a folder, in the order in which they are looked for."""


_Names = Mapping[str, Sequence[tuple[str, str]]]  # by the last part: a name as it is given, and its path


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
    alone : tuple of Interval
        Where it does not say of which sound they are.
    by_sound : mapping of str to tuple of Interval
        By the paths or names of sounds, as they are given.
    """

    source: str
    alone: tuple[Interval, ...] = ()
    by_sound: Mapping[str, tuple[Interval, ...]] | None = None

    @property
    def names_sounds(self) -> bool:
        """Whether it says of which sound each segment is."""
        return self.by_sound is not None

    def of(self, sound: str) -> tuple[Interval, ...]:
        """The segments of a sound, by its path or name, in which a backslash may be a separator, as in Windows.

        Raises
        ------
        InputError
            If there are none, or those of several sounds of such a name.
        """
        if self.by_sound is None:
            return self.alone
        if not self.by_sound:
            raise NoSegments(f"{self.source} is empty, and has none of {sound}: {_GIVE}")
        found = _best(sound, self._as_given) or _best(_with_slashes(sound), self._as_in_windows)
        if len(found) == 1:
            return self.by_sound[found[0]]
        if found:
            names = " and ".join(found[:2])
            raise InputError(f"{self.source} has segments of {names}, and either could be {sound}: give longer paths")
        known = ", ".join(list(self.by_sound)[:3])
        more = f" and {len(self.by_sound) - 3} more" if len(self.by_sound) > 3 else ""
        raise NoSegments(f"{self.source} has no segments of {sound}; it has those of {known}{more}")

    @cached_property
    def _as_given(self) -> _Names:
        return _by_last_part({name: name for name in self.by_sound or ()})

    @cached_property
    def _as_in_windows(self) -> _Names:
        return _by_last_part({name: _with_slashes(name) for name in self.by_sound or ()})


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
        segments that lie in it, or the parts of them that do and hold a sample, are given.
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
        If there are no segments of this sound, or a segment is none, holds no sample, or ends after the sound; the
        message names file and line, or interval.

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
    if not segments:
        raise NoSegments(f"{found.source} has no segment of {name} with a label: {_GIVE}")
    _check_end(found.source, segments, max(first + length, _length_of_file(sound)), name)
    within = []
    for one in segments:
        start, stop = max(0.0, one.start - first), min(length, one.stop - first)
        if _holds_a_sample(start, stop, sound.attrs["sample_rate"]):
            within.append(Segment(start, stop, one.label))
        elif one.start >= first and one.stop <= first + length:  # else it is a sliver, which cutting has left
            raise InputError(
                f"{found.source}, {one.where}: {one.label!r} from {one.start:g} to {one.stop:g} s holds no sample of "
                f"{name} at {sound.attrs['sample_rate']:g} Hz: make it longer, or leave it out"
            )
    if not within:
        raise NoSegments(
            f"{found.source} has no segment within {name}"
            + (f" from {first:g} to {first + length:g} s" if first else "")
        )
    return tuple(within)


def check_segments(given: Segments | None, tier: str | None = None) -> None:
    """Raise an InputError where a tier is chosen of no segments, or segments are given as no list of them.

    Examples
    --------
    >>> check_segments(None, "phones")
    Traceback (most recent call last):
    ...
    otoscope.errors.InputError: tier='phones' is of segments, and none are given: give some (--segments) or leave it out
    """
    if given is None and tier is not None:
        raise InputError(f"tier={tier!r} is of segments, and none are given: give some (--segments) or leave it out")
    _refuse_frame(given, "segments")


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
    """Segments in order, checked; those without a label (an empty one, None, NaN) are none, as in a table.

    Raises
    ------
    InputError
        If one is empty or reversed, or two overlap.

    Examples
    --------
    >>> as_segments([(0.2, 0.3, "t"), (0.0, 0.2, "ah")])
    (Segment(start=0.0, stop=0.2, label='ah'), Segment(start=0.2, stop=0.3, label='t'))
    """
    return tuple(Segment(*one[:3]) for one in _listed(given, source))


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


# -- Of which sound they are -------------------------------------------------------------------------------


def _best(sound: str, known: _Names) -> list[str]:
    """The names that fit a sound best: written as it is, of no other suffix, with most of its path, with its suffix."""
    parts, suffix = parts_of(sound), _suffix_of(sound)
    ranks: dict[str, tuple[bool, bool, int, bool]] = {}
    for name, path in known.get(parts[-1], ()):
        own, other = parts_of(path), _suffix_of(path)
        shared = min(len(own), len(parts))
        if own[-shared:] == parts[-shared:]:
            ranks[name] = (path == sound, other in ("", suffix) or not suffix, shared, other == suffix)
    best = max(ranks.values(), default=None)
    return [name for name, rank in ranks.items() if rank == best]


def _by_last_part(paths: Mapping[str, str]) -> _Names:
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, path in paths.items():
        found[parts_of(path)[-1]].append((name, path))
    return found


def _suffix_of(sound: str) -> str:
    suffix = os.path.splitext(sound)[1].lower()
    return suffix if suffix in SOUNDS else ""


def _with_slashes(path: str) -> str:
    return path.replace("\\", "/")


# -- Where they are given ---------------------------------------------------------------------------------


def _alignment(given: Segments, sound: str, tier: str | None) -> Alignment:
    if isinstance(given, (str, Path)):
        path = Path(given)
        return _read(*_stamp(_in_folder(path, sound) if path.is_dir() else path), tier)
    if tier is not None:
        raise InputError(f"tier={tier!r} is of a file, and the segments are given themselves: leave it out")
    if isinstance(given, Mapping):
        each = {str(name): _listed(own, f"the segments of {name}") for name, own in given.items()}
        return Alignment("segments", by_sound=each)
    return Alignment("segments", _listed(given, "segments"))


def _in_folder(folder: Path, sound: str) -> Path:
    """The file of the segments of a sound, in the folder itself or, as aligners do it, in folders as the sounds are."""
    parts = parts_of(sound)
    for own in dict.fromkeys((parts, parts_of(_with_slashes(sound)))):
        for first in range(len(own)):
            for suffix in IN_FOLDERS:
                path = folder.joinpath(*own[first:-1], own[-1] + suffix)
                if path.is_file():
                    return path
    names = ", ".join(parts[-1] + suffix for suffix in IN_FOLDERS if suffix != ".textgrid")
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
            f"{path} is not a file of segments: give a TextGrid (.TextGrid), a CTM file (.ctm), a table (.csv, .tsv) "
            "with the columns start, stop and label, or a folder with such files"
        )
    rows = read_listed(path, tier)
    return _by_sound(path, rows) if rows[0].sound is not None else Alignment(str(path), _checked(rows, str(path)))


def _by_sound(path: Path, intervals: Sequence[Interval]) -> Alignment:
    each: dict[str, list[Interval]] = defaultdict(list)
    for one in intervals:
        each[one.sound or ""].append(one)
    return Alignment(str(path), by_sound={key: _checked(several, str(path)) for key, several in each.items()})


# -- What is a segment ------------------------------------------------------------------------------------


def _listed(given: Iterable[tuple[float, float, str]], source: str) -> tuple[Interval, ...]:
    _refuse_frame(given, source)
    if not isinstance(given, Iterable):
        raise InputError(f"{source} has to be a list of (start, stop, label), not {given!r}")
    found = (_interval(source, number, one) for number, one in enumerate(given, 1))
    return _checked([one for one in found if one is not None], source)


def _refuse_frame(given: object, source: str) -> None:
    """Raise an InputError where a table of pandas or Polars is given, which gives the names of its columns."""
    if isinstance(given, Mapping) or not hasattr(given, "columns"):
        return
    columns = 'zip(df["start"], df["stop"], df["label"])'
    raise InputError(
        f"{source} has to be a list of (start, stop, label), not a DataFrame: give list({columns}), or, of many "
        f'sounds, {{path: list({columns}) for path, df in table.groupby("path")}}'
    )


def _interval(source: str, number: int, given: tuple[float, float, str]) -> Interval | None:
    """A segment that is given; None without a label."""
    try:
        start, stop, label = given
        if _is_missing(label):
            return None
        return Interval(float(start), float(stop), str(label).strip(), f"segment {number}")
    except (TypeError, ValueError):
        raise InputError(
            f"{source}: segment {number} has to be its start and stop in s and its label, such as (0.1, 0.25, 'ah'), "
            f"not {given!r}"
        ) from None


def _is_missing(label: object) -> bool:
    if label is None or isinstance(label, str):
        return not (label or "").strip()
    try:
        return bool(label != label)  # NaN, NaT
    except TypeError:  # of pandas.NA, which is neither
        return True


def _checked(intervals: Sequence[Interval], source: str) -> tuple[Interval, ...]:
    """What is said of one sound, in order."""
    for one in intervals:
        where = f"{source}, {one.where}: {one.label!r}"
        if not one.label or one.label == OUTSIDE:
            raise InputError(f"{where} is not a label of a segment: give it another one")
        if not (math.isfinite(one.start) and math.isfinite(one.stop)) or one.start < 0:
            raise InputError(f"{where} is from {one.start:g} to {one.stop:g} s: times are from 0 s on")
        if one.stop < one.start:
            raise InputError(f"{where} stops, at {one.stop:g} s, before it starts, at {one.start:g} s")
        if one.stop == one.start:
            raise InputError(f"{where} is empty: it starts and stops at {one.start:g} s")
    ordered = sorted(intervals, key=lambda one: (one.start, one.stop))
    segments: list[Interval] = []
    for place, one in enumerate(ordered):
        after = ordered[place + 1] if place + 1 < len(ordered) else None
        if after is not None and after.start < one.stop - _ROUNDED:
            raise InputError(
                f"{source}, {after.where}: {after.label!r} starts at {after.start:g} s, before {one.label!r} "
                f"({one.where}) stops at {one.stop:g} s: segments must not overlap"
            )
        segments.append(one if after is None else one._replace(stop=min(one.stop, after.start)))
    return tuple(segments)


def _check_end(source: str, segments: Sequence[Interval], end: float, name: str) -> None:
    for one in segments:
        if one.stop > end + _BEYOND:
            raise InputError(
                f"{source}, {one.where}: {one.label!r} from {one.start:g} to {one.stop:g} s ends after {name}, which "
                f"lasts {end:.6g} s: are these the segments of another sound?"
            )


def _holds_a_sample(start: float, stop: float, rate: float) -> bool:
    """Whether a segment has one where its bounds are rounded; none that stops before it starts has."""
    return math.floor(start * rate + 0.5) < math.floor(stop * rate + 0.5)


def _start(sound: xr.DataArray) -> float:
    """Where a sound begins in its file, in s."""
    within = float(sound["time"][0]) if "time" in sound.coords else 0.0
    return float(sound.attrs.get("start", 0.0)) + within


def _length_of_file(sound: xr.DataArray) -> float:
    attrs = sound.attrs
    return float(attrs.get("original_samples", 0)) / float(attrs.get("original_sample_rate", 1))
