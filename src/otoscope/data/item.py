"""One sound of a data set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import xarray as xr

from otoscope.embedded import Embedded
from otoscope.errors import InputError
from otoscope.text import writable

SPEAKER = tuple("speaker speaker_id speakerid spk spk_id spkid spkr talker talker_id client_id".split())
"""Facts that say who speaks, the first that there is; ``client_id`` is that of Common Voice."""

_SLACK = 0.05  # s by which the listed end of a piece, often rounded, may exceed its file


@dataclass(frozen=True)
class Item:
    """One sound of a data set.

    Parameters
    ----------
    sound : Path, Embedded or DataArray
        A file, where it lies within another file, or a clip where the set is synthesised.
    labels : tuple of str
        One, or several where a clip may have several.
    split : str
        Part of the official split, such as ``train`` or ``fold1``; ``all`` where there is none.
    start, stop : float, optional
        Of the item in its file, in s; the whole file by default.
    facts : mapping of str to str
        Further metadata, such as ``speaker`` or ``attack``.
    """

    sound: Path | Embedded | xr.DataArray
    labels: tuple[str, ...]
    split: str = "all"
    start: float | None = None
    stop: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """By which results call it: its file, and the piece of it.

        Examples
        --------
        >>> Item(Path("clips/a.wav"), (), start=1.0, stop=2.5).name
        'clips/a.wav 1.000-2.500 s'
        """
        if self.start is None and self.stop is None:
            return self._whole
        end = "" if self.stop is None else f"{self.stop:.3f}"
        return f"{self._whole} {self.start or 0.0:.3f}-{end} s"

    def span(self, seconds: float) -> tuple[float, float]:
        """The start and the stop of the item, in s, in its sound of so many seconds.

        A stop may lie 0.05 s behind the end of the sound, as one that was rounded does, and is the end then.

        Raises
        ------
        InputError
            If the sound has no such piece.

        Examples
        --------
        >>> Item(Path("a.wav"), (), start=1.0, stop=2.51).span(2.5)
        (1.0, 2.5)
        """
        start, stop = self.start or 0.0, seconds if self.stop is None else self.stop
        if not 0 <= start < min(stop, seconds) or stop > seconds + _SLACK:
            raise InputError(f"{self._whole} is {seconds:.3f} s long and has no piece from {start:.3f} to {stop:.3f} s")
        return start, min(stop, seconds)

    @property
    def _whole(self) -> str:
        """The name of the sound that it is, or is a piece of."""
        own = self.sound.attrs.get("name", "") if isinstance(self.sound, xr.DataArray) else self.sound
        return writable(str(own))


_TAKEN = frozenset(
    "clip id name label split start stop seconds method layer channel variable at value text rank peak_time answer "
    "probability correct scores level".split()
)


def column_of(fact: str) -> str:
    """The column of a fact in the tables of a run: its own name, unless another column has that.

    Examples
    --------
    >>> column_of("speaker"), column_of("channel")
    ('speaker', 'channel_')
    """
    return f"{fact}_" if fact.lower() in _TAKEN else fact


def columns_of(facts: Iterable[str]) -> dict[str, str]:
    """The column of each fact, in alphabetical order; no two are the same, nor differ in case alone.

    Examples
    --------
    >>> columns_of(["label_", "Speaker", "label", "speaker"])
    {'Speaker': 'Speaker', 'label': 'label_', 'label_': 'label__', 'speaker': 'speaker_'}
    """
    columns: dict[str, str] = {}
    taken = set[str]()
    for fact in sorted(facts):
        column = column_of(fact)
        while column.lower() in taken:
            column += "_"
        columns[fact] = column
        taken.add(column.lower())
    return columns


def speaker_of(facts: Iterable[str]) -> str | None:
    """The fact that says who is heard, in any case and with a space or ``-`` for ``_``; None where there is none.

    Examples
    --------
    >>> speaker_of(["age", "Speaker"]), speaker_of(["client_id", "Talker ID"]), speaker_of(["loudspeaker"])
    ('Speaker', 'Talker ID', None)
    """
    by_name = {fact.lower().replace("-", "_").replace(" ", "_"): fact for fact in reversed(list(facts))}
    return next((by_name[name] for name in SPEAKER if name in by_name), None)
