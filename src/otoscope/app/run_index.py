"""The index of the stored sounds of a run, which anybody may have written: what can be used, and why not the rest."""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import soundfile

from otoscope.errors import InputError

_COLUMNS = ("layer", "channel", "rank", "clip", "peak_time", "start", "file", "sonification")
_MOST = 1 << 22  # samples of a file, whatever the run says of itself
_SHOWN = 80  # characters of a text from outside, in a reason

Row = dict[str, str]


@dataclass(frozen=True)
class Sounded:
    """A stored piece of a clip with its sonification by a map.

    Attributes
    ----------
    layer : str
    channel, rank, clip : int
    start : float
        Of the piece in its clip, in s.
    peak_time : float
        Of the map, in s from the beginning of the clip.
    file, sonification : Path
    """

    layer: str
    channel: int
    rank: int
    clip: int
    start: float
    peak_time: float
    file: Path
    sonification: Path


@dataclass(frozen=True)
class Expected:
    """What the rows of the index, and the files, have to agree with.

    Attributes
    ----------
    maps : collection of (str, int)
        The layers and channels of the run.
    ends : mapping of int to float
        Its clips, and where each of them ends, in s.
    rate : int
        In Hz, of every file; 0 where the run does not say it: then that of the first file.
    channels : int
        The most that a file may have.
    seconds : float
        The longest that a file may be.
    """

    maps: Collection[tuple[str, int]]
    ends: Mapping[int, float]
    rate: int
    channels: int
    seconds: float


@dataclass
class Missing:
    """Rows of one kind that are not used: how many, and why the first is not."""

    count: int
    first: str


class Unusable(Exception):
    """A row that is not used: of which kind, and why."""

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(kind, why)
        self.kind, self.why = kind, why


class Index:
    """The rows of ``index.csv`` that can be used.

    Nothing in the index, and no file that it names, is trusted: a map, clip or rank that the run cannot have, a file
    elsewhere, of another sample rate or longer than a piece, which is seen from its header before it is decoded, make
    a row unusable, and it is counted with the reason.

    Parameters
    ----------
    folder : Path
        Of the sounds.
    expected : Expected
    most : int, optional
        Only rows of so many first ranks.

    Attributes
    ----------
    sounds : list of Sounded
        In the order of the index.
    missing : dict of str to Missing
        What cannot be used, by kind.
    rate, channels : int
        Of the files.

    Raises
    ------
    InputError
        If the index cannot be read, or has no such columns.
    """

    def __init__(self, folder: Path, expected: Expected, most: int | None = None) -> None:
        self._folder, self._root, self._expected = folder, folder.resolve(), expected
        self.rate, self.channels = expected.rate, 1
        self.sounds: list[Sounded] = []
        self.missing: dict[str, Missing] = {}
        seen = set[tuple[str, int, int]]()
        for line, row in enumerate(_rows(folder / "index.csv"), 2):
            try:
                one = self._row(row, line)
                if most is not None and one.rank > most:
                    continue
                place = one.layer, one.channel, one.rank
                if place in seen:
                    raise _wrong(line, "rank", row["rank"], "is there twice")
                for path in (one.file, one.sonification):
                    self._check_file(path)
            except Unusable as found:
                self.missing.setdefault(found.kind, Missing(0, found.why)).count += 1
            else:
                seen.add(place)
                self.sounds.append(one)

    def _row(self, row: Row, line: int) -> Sounded:
        if None in row or any(row.get(name) is None for name in _COLUMNS):
            raise Unusable("index.csv says what cannot be", f"line {line} has not as many columns as the first")
        if not (row["start"] and row["file"] and row["sonification"]):
            raise Unusable("not made by the sweep", f"line {line}")
        channel, rank, clip = (_whole(row, name, line) for name in ("channel", "rank", "clip"))
        start, peak = (_moment(row, name, line) for name in ("start", "peak_time"))
        if (row["layer"], channel) not in self._expected.maps:
            raise _wrong(line, "map", f"{row['layer']} {channel}", "is none of the run")
        if clip not in self._expected.ends:
            raise _wrong(line, "clip", row["clip"], "is none of the run")
        if not 1 <= rank <= len(self._expected.ends):
            raise _wrong(line, "rank", row["rank"], f"is not one of {len(self._expected.ends)} clips")
        if math.isnan(start):
            raise _wrong(line, "start", row["start"], "is not a time")
        end = self._expected.ends[clip]
        for name, value, last in (("start", start, end), ("peak_time", peak, end + self._expected.seconds)):
            if value > last:
                raise _wrong(line, name, row[name], f"is after the end of clip {clip}, which has {end:g} s")
        files = (self._folder / row[name] for name in ("file", "sonification"))
        return Sounded(row["layer"], channel, rank, clip, start, peak, *files)

    def _check_file(self, path: Path) -> None:
        """Look into the header of a file, and decode nothing."""
        try:
            there = path.is_file() and self._root in path.resolve().parents
        except (OSError, RuntimeError, ValueError):  # a name that no file can have, or a link to itself
            there = False
        name = shown(str(path)[len(str(self._folder)) + 1 :])
        if not there:
            raise Unusable("not in the folder of the run", name)
        try:
            about = soundfile.info(path)
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            why = getattr(error, "error_string", type(error).__name__)  # the whole message names the place on the disk
            raise Unusable("no sounds that can be read", f"{name}: {shown(why)}") from None
        rate = self.rate or about.samplerate
        if about.samplerate != rate:
            raise Unusable("of another sample rate", f"{name} has {about.samplerate} Hz, and not {rate} Hz")
        if about.channels > self._expected.channels:
            raise Unusable(
                "of more channels than the model takes",
                f"{name} has {about.channels}, and not {self._expected.channels}",
            )
        if about.frames > min(_MOST, round(self._expected.seconds * rate) + 1):
            raise Unusable(
                f"longer than {self._expected.seconds:g} s",
                f"{name} has {about.frames:,} samples at {rate} Hz",
            )
        self.rate, self.channels = rate, max(self.channels, about.channels)


def shown(text: str, most: int = _SHOWN) -> str:
    """A text from outside in a message: not too long, and no character that moves what stands around it.

    Examples
    --------
    >>> shown("a" * 100)[-5:], shown("a\\x1b[31mb")
    ('aa...', 'a?[31mb')
    """
    plain = "".join(one if one.isprintable() else "?" for one in text[:most])
    return plain + "..." * (len(text) > most)


def _rows(path: Path) -> list[Row]:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        if rows and not set(_COLUMNS) <= rows[0].keys():
            raise ValueError("columns are missing")
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(
            f"{path} cannot be read ({error}): leave the sounds out with --sounds 0, or remove it and start the "
            "sweep again as it was, with --sounds"
        ) from None
    return rows


def _whole(row: Row, name: str, line: int) -> int:
    text = row[name]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise _wrong(line, name, text, "is not a whole number from 0 on")
    return int(text)


def _moment(row: Row, name: str, line: int) -> float:
    """A number of s; NaN where there is none."""
    try:
        value = float(row[name] or "nan")
    except ValueError:
        raise _wrong(line, name, row[name], "is not a number") from None
    if value < 0 or math.isinf(value):
        raise _wrong(line, name, row[name], "is not a time")
    return value


def _wrong(line: int, name: str, text: str, why: str) -> Unusable:
    return Unusable("index.csv says what cannot be", f"line {line}: {name} {shown(text)} {why}")
