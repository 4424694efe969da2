"""One sound of a data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import xarray as xr

from otoscope.embedded import Embedded


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
        whole = str(self.sound.attrs.get("name", "")) if isinstance(self.sound, xr.DataArray) else str(self.sound)
        if self.start is None and self.stop is None:
            return whole
        end = "" if self.stop is None else f"{self.stop:.3f}"
        return f"{whole} {self.start or 0.0:.3f}-{end} s"


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
