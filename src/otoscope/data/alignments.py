"""The files that have segments: TextGrid of Praat, CTM of NIST, and tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from otoscope.data.rows import Broken, read_rows, separator_in
from otoscope.data.table import text_of
from otoscope.errors import InputError

PATHS = ("path", "file", "filename", "clip")
"""Names of the column that says of which sound a row is, in any case."""


class Heading(NamedTuple):
    """The columns of a table that say of segments when they are, what, and of which tier where there are several."""

    start: str
    stop: str
    label: str
    tier: str | None = None


HEADINGS = (
    Heading("start", "stop", "label"),
    Heading("start", "end", "label"),
    Heading("begin", "end", "label", "type"),  # of the Montreal Forced Aligner
    Heading("tmin", "tmax", "text", "tier"),  # of Praat (Down to Table)
)
"""Names of columns, in any case; the first whose columns are there says what is read."""

_INTERVALS = "IntervalTier"
_TOKEN = re.compile(
    r'"(?P<text>(?:[^"]|"")*)"|(?P<flag><\w+>)|(?<!\S)(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?!\S)|!.*'
)
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


class Interval(NamedTuple):
    """What a file says of one stretch of a sound, as it is written there.

    Attributes
    ----------
    start, stop : float
        In s.
    label : str
    where : str
        In the file, such as "line 3".
    sound : str or None
        Of which it is, where the file says it.
    """

    start: float
    stop: float
    label: str
    where: str
    sound: str | None = None


def read_textgrid(path: Path, tier: str | None = None) -> list[Interval]:
    """The intervals of a tier of a TextGrid that have a label: those without are what lies between segments.

    Parameters
    ----------
    path : Path
        In the long or the short form, in UTF-8 or UTF-16.
    tier : str, optional
        Its name; where there is one tier of intervals, it is not needed.

    Raises
    ------
    InputError
        If it is not a TextGrid, is damaged, or has no such tier.
    """
    tiers = _Tokens(path).tiers()
    names = [name for name, _ in tiers]
    if not names:
        raise InputError(f"{path} has no tier of intervals, of which segments are made")
    if tier is None and len(names) > 1:
        single = [name for name in names if names.count(name) == 1]
        way = f"choose one (--tier {single[-1]})" if single else "their names have to differ, so rename them"
        raise InputError(f"{path} has the tiers {', '.join(names)}: {way}")
    chosen = [intervals for name, intervals in tiers if tier in (None, name)]
    if not chosen:
        raise InputError(f"{path} has no tier of intervals {tier!r}; it has {', '.join(names)}")
    if len(chosen) > 1:
        raise InputError(f"{path} has {len(chosen)} tiers called {tier!r}: rename one of them")
    found = [one for one in chosen[0] if one.label]
    if not found:
        raise InputError(f"{path}: no interval of the tier {tier or names[0]} has a label")
    return found


class _Tokens:
    """The numbers and texts of a TextGrid, one after another: all else in it is for the eye.

    That is how Praat reads either form: a number stands free, a text in double quotes, which are doubled in it.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.text = path, text_in(path)
        self._found, self._line, self._seen = _TOKEN.finditer(self.text), 1, 0
        head = self.text[:200].lstrip()
        if not (head.startswith(("File type", '"ooTextFile')) and "TextGrid" in head):
            raise InputError(f"{path} is not a TextGrid in text: save it from Praat as a text file or short text file")
        for _ in range(2):  # what it is
            self._next("text")
        self._skip_times()

    def tiers(self) -> list[tuple[str, list[Interval]]]:
        """The tiers of intervals, with their names."""
        if self._next("flag")[0] == "<absent>":
            return []
        count, found = self._whole(), []
        for _ in range(count):
            kind, name = self._next("text")[0], self._next("text")[0].strip()
            self._skip_times()
            size = self._whole()
            if kind == _INTERVALS:
                found.append((name, [self._interval(name, number + 1) for number in range(size)]))
            else:
                for _ in range(size):
                    self._next("number")
                    self._next("text")
        self._end()
        return found

    def _end(self) -> None:
        """Raise an InputError where more follows than the sizes say, which would be left out."""
        if (more := self._following()) is not None:
            token, line = more
            raise InputError(
                f"{self.path}, line {line}: {_in_a_line(token[0])} follows the last interval: the sizes in the "
                "TextGrid say fewer tiers or intervals than it has"
            )

    def _interval(self, tier: str, number: int) -> Interval:
        (start, _), (stop, _), (label, line) = self._next("number"), self._next("number"), self._next("text")
        where = f"tier {tier}, interval {number} (line {line})"
        return Interval(float(start), float(stop), label.replace('""', '"').strip(), where)

    def _skip_times(self) -> None:
        for _ in range(2):
            self._next("number")

    def _whole(self) -> int:
        text, line = self._next("number")
        if not text.isdigit():
            raise InputError(f"{self.path}, line {line}: {text} is not a number of tiers or intervals")
        return int(text)

    def _next(self, kind: str) -> tuple[str, int]:
        """The next token, of a kind that it has to be, and its line."""
        following = self._following()
        if following is None:
            raise InputError(f"{self.path} ends before its last interval: the TextGrid is not whole")
        token, line = following
        if token.lastgroup != kind:
            raise InputError(
                f"{self.path}, line {line}: a {kind} was expected in place of {_in_a_line(token[0])}: are sizes right, "
                "and quotes within labels doubled?"
            )
        return token[kind], line

    def _following(self) -> tuple[re.Match[str], int] | None:
        """The next token, and its line; None at the end."""
        for token in self._found:
            if token.lastgroup is None:  # a comment
                continue
            self._line += self.text.count("\n", self._seen, token.start())
            self._seen = token.start()
            return token, self._line
        return None


def _in_a_line(text: str) -> str:
    """The beginning of a text that may have several lines."""
    return " ".join(text[:40].split())


def read_ctm(path: Path, channel: str | None = None) -> list[Interval]:
    """The words or phones of a CTM file: lines of recording, channel, start, duration, label, and perhaps confidence.

    Parameters
    ----------
    path : Path
    channel : str, optional
        One of several channels of a recording.

    Raises
    ------
    InputError
        If a line is none, or a recording has several channels and none was chosen.
    """
    found: list[Interval] = []
    channels: dict[str, dict[str, None]] = {}
    for number, line in enumerate(text_in(path).splitlines(), 1):
        words = line.split()
        if not words or line.lstrip().startswith(";;"):
            continue
        where = f"line {number}"
        if len(words) not in (5, 6):
            raise InputError(
                f"{path}, {where}: a line of a CTM file has 5 or 6 columns (recording, channel, start, duration, "
                f"label, confidence), not {len(words)}"
            )
        start, duration = (_time(path, where, text, ".") for text in words[2:4])
        channels.setdefault(words[0], {})[words[1]] = None
        if channel in (None, words[1]):
            stop = round(start + duration, 9)  # as the sum of two decimal numbers is
            found.append(Interval(start, stop, words[4], where, words[0]))
    if not channels:
        raise InputError(f"{path} has no segments: it is empty")
    for recording, those in channels.items():
        if channel is None and len(those) > 1:
            raise InputError(f"{path}: {recording} has the channels {', '.join(those)}: choose one (--tier)")
    if not found:
        known = Counter(name for those in channels.values() for name in those)
        raise InputError(f"{path} has no channel {channel!r}; it has {', '.join(known)}")
    return found


def read_listed(path: Path, tier: str | None = None) -> list[Interval]:
    """The rows of a table with columns of :data:`HEADINGS`, such as start, stop and label, and, for many sounds, path.

    Without a heading it is a label track of Audacity: lines of start, stop and label with tabs between. A row without
    a label is not a segment.

    Parameters
    ----------
    path : Path
    tier : str, optional
        One of several, where the table has a column of them.

    Raises
    ------
    InputError
        If a column is missing, a time is not a number, no row has a label, or several tiers do and none was chosen.
    """
    if path.suffix.lower() not in (".parquet", ".pq"):
        lines = text_in(path).split("\n")
        if _is_label_track(lines):
            _refuse_tier(path, tier)
            return _with_labels(path, _label_track(path, lines))
    starts = [heading.start for heading in HEADINGS]
    columns, rows, unit = read_rows(path, starts)
    points = ".," if separator_in(path, starts) in (";", "\t") else "."
    heading = _heading_of(path, columns)
    if heading.tier is None:
        _refuse_tier(path, tier)
    sound = next((name for one in PATHS for name in columns if name.lower() == one), None)
    found: list[Interval] = []
    tiers: list[str] = []  # of each
    for number, row in rows:
        where = f"{unit} {number}"
        if isinstance(row, Broken):
            raise InputError(f"{path}, {where}: {row}")
        named = None if sound is None else text_of(row.get(sound))
        if named == "":
            raise InputError(f"{path}, {where}: the column {sound} is empty")
        if text := text_of(row.get(heading.label)):
            first, last = (_time(path, where, text_of(row.get(name)), points) for name in (heading.start, heading.stop))
            found.append(Interval(first, last, text, where, named))
            tiers.append("" if heading.tier is None else text_of(row.get(heading.tier)))
    return _with_labels(path, _of_tier(path, found, tiers, tier))


def _heading_of(path: Path, columns: Sequence[str]) -> Heading:
    """The columns of a table that say of segments what a heading says, as they are written there."""
    written = {name.lower(): name for name in reversed(columns)}
    for one in HEADINGS:
        if all(name in written for name in one[:3]):
            tier = None if one.tier is None else written.get(one.tier)
            return Heading(written[one.start], written[one.stop], written[one.label], tier)
    missing = next(name for name in HEADINGS[0][:3] if name not in written)
    raise InputError(
        f"{path} has no column {missing!r}; its columns are {', '.join(columns)}: rename the columns, or add a header "
        "line start,stop,label"
    )


def _of_tier(path: Path, intervals: Sequence[Interval], tiers: Sequence[str], tier: str | None) -> list[Interval]:
    known = list(dict.fromkeys(tiers))
    if tier is None and len(known) > 1:
        raise InputError(f"{path} has the tiers {', '.join(known)}: choose one (--tier {known[-1]})")
    if tier is not None and intervals and tier not in known:
        raise InputError(f"{path} has no tier {tier!r}; it has {', '.join(known)}")
    return [one for one, own in zip(intervals, tiers, strict=True) if tier in (None, own)]


def _refuse_tier(path: Path, tier: str | None) -> None:
    if tier is not None:
        raise InputError(f"{path} is a table, which has no tiers: leave tier={tier!r} out")


def _with_labels(path: Path, found: list[Interval]) -> list[Interval]:
    if not found:
        raise InputError(f"{path} has no row with a label, so that there are no segments")
    return found


def _is_label_track(lines: Sequence[str]) -> bool:
    """Whether the first line has two times, which a heading has not, and a label, with tabs between."""
    first = next((line for line in lines if line.strip()), "").split("\t")
    return len(first) == 3 and all(_DECIMAL.fullmatch(text.strip().replace(",", ".")) for text in first[:2])


def _label_track(path: Path, lines: Sequence[str]) -> list[Interval]:
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("\\"):  # the frequencies of the label above
            continue
        where, cells = f"line {number}", line.split("\t")
        if len(cells) != 3:
            raise InputError(f"{path}, {where}: it has {len(cells)} cells, and not a start, a stop and a label")
        first, last = (_time(path, where, text.strip(), ".,") for text in cells[:2])
        if label := cells[2].strip():
            found.append(Interval(first, last, label, where))
    return found


def text_in(path: Path) -> str:
    """The text of a file in UTF-8 or UTF-16.

    Raises
    ------
    InputError
        If it cannot be read, or is in another encoding: its labels would be wrong.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    try:
        text = content.decode(_encoding(content))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        way = {
            ".textgrid": "save it in one of them (in Praat: Preferences, Text writing preferences, UTF-8)",
            ".ctm": "save it in one of them",
        }.get(path.suffix.lower(), "save it as CSV UTF-8")
        raise InputError(f"{path}, line {line}: this is not text in UTF-8 or UTF-16: {way}") from None
    if "\0" in text:
        raise InputError(f"{path} is not a text file: it has bytes of zero")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _encoding(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    zeros = [content[first:400:2].count(0) for first in (0, 1)]
    if max(zeros) > 0.4 * len(content[:400:2]):  # of text in Latin letters, every other byte
        return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    return "utf-8-sig"


def _time(path: Path, where: str, text: str, points: str) -> float:
    """A decimal number with one of some decimal points; nothing else that Python takes for a number."""
    plain = text if "," not in points else text.replace(",", ".")
    if not _DECIMAL.fullmatch(plain):
        comma = (
            ": write it with a decimal point, or a table with decimal commas with semicolons or tabs between its cells"
            if "," in text and "," not in points
            else ""
        )
        raise InputError(f"{path}, {where}: {text!r} is not a time in s{comma}")
    return float(plain)
