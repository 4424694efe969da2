"""Long lists of sounds in columns, without a Python object a sound.

AudioSet has 2.1 million clips. As objects, with a path, a tuple of labels and a dictionary of facts each, they take
more than a kilobyte a clip; in columns, with names in one buffer and codes for what is the same in many, some 70 bytes.
"""

from __future__ import annotations

import operator
import os
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from types import MappingProxyType
from typing import overload

import numpy as np
import xarray as xr

from otoscope.data.item import Item
from otoscope.embedded import Embedded

_MOST_CODES = 1 << 12  # distinct texts of a column, from which on each is written out if most of them differ
File = tuple[str, str, int, int]
"""The path of a file, "" for a clip in memory; of a sound within it its name, first byte and size, else "", 0, -1."""

Span = tuple[float | None, float | None]

_ABSENT = b"\xff"  # no text in UTF-8


class Packed(Sequence[Item]):
    """Items in columns; an `Item` is made when it is asked for.

    Parts of a list share its columns. Made by :func:`pack`.
    """

    def __init__(self, columns: _Columns, order: np.ndarray | None = None) -> None:
        self._columns, self._order = columns, order

    def __len__(self) -> int:
        return self._columns.count if self._order is None else len(self._order)

    @overload
    def __getitem__(self, place: int) -> Item: ...
    @overload
    def __getitem__(self, place: slice) -> Packed: ...
    def __getitem__(self, place: int | slice) -> Item | Packed:
        if isinstance(place, slice):
            return self.pick(range(*place.indices(len(self))))
        place = operator.index(place)
        if not -len(self) <= place < len(self):
            raise IndexError(f"there are {len(self)} items, and none is at {place}")
        return self._columns.item(self._place(place % len(self)))

    def __iter__(self) -> Iterator[Item]:
        return map(self._columns.item, self._places())

    def pick(self, places: Sequence[int] | np.ndarray) -> Packed:
        """Some of the items, by their places in this list."""
        chosen = np.asarray(places, dtype=np.int64)
        return Packed(self._columns, chosen if self._order is None else self._order[chosen])

    def splits(self) -> Iterator[str]:
        """The split of each item."""
        return (self._columns.splits[place] or "" for place in self._places())

    def labels(self) -> Iterator[tuple[str, ...]]:
        """The labels of each item."""
        return map(self._columns.labels_of, self._places())

    def files(self) -> Iterator[File]:
        """Where the sound of each item lies."""
        return map(self._columns.file, self._places())

    def spans(self) -> Iterator[Span]:
        """The start and stop of each item in s; None at the ends of its file."""
        columns = self._columns
        return map(columns.span, self._places()) if columns.has_pieces else repeat((None, None), len(self))

    @property
    def fact_names(self) -> tuple[str, ...]:
        """The names of all facts that an item may have."""
        return tuple(self._columns.facts)

    def facts(self, name: str) -> Iterator[str | None]:
        """A fact of each item."""
        return map(self._columns.facts[name].__getitem__, self._places())

    @property
    def has_pieces(self) -> bool:
        """Whether any of the columns' items is a piece of its file."""
        return self._columns.has_pieces

    @property
    def classes(self) -> tuple[str, ...]:
        """All labels of these items, in alphabetical order."""
        codes, _ = self.label_codes()
        names = tuple(self._columns.label_names)
        return tuple(sorted(names[code] for code in np.unique(codes)))

    def label_codes(self, classes: Sequence[str] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of all labels of all items, one after another, and where those of each item end.

        Parameters
        ----------
        classes : sequence of str, optional
            Labels by their numbers; in the order in which they came by default.

        Returns
        -------
        codes : ndarray, int64
            -1 for a label that is not in `classes`.
        ends : ndarray (item,), int64
            The labels of item n are ``codes[ends[n - 1] : ends[n]]``.
        """
        columns = self._columns
        codes = np.asarray(columns.labels, dtype=np.int64)
        ends = np.asarray(columns.label_ends, dtype=np.int64)
        starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
        if self._order is not None:
            lengths = (ends - starts)[self._order]
            ends = np.cumsum(lengths)
            inside = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - lengths, lengths)
            codes = codes[np.repeat(starts[self._order], lengths) + inside]
        if classes is not None:
            numbers = {name: number for number, name in enumerate(classes)}
            table = np.array([numbers.get(name, -1) for name in columns.label_names], dtype=np.int64)
            codes = table[codes] if len(table) else codes
        return codes, ends

    @property
    def memory(self) -> int:
        """Bytes that the columns take, about."""
        order = 0 if self._order is None else self._order.nbytes
        return self._columns.memory + order

    def _place(self, place: int) -> int:
        return place if self._order is None else int(self._order[place])

    def _places(self) -> Iterable[int]:
        return range(self._columns.count) if self._order is None else map(int, self._order)


class Packer:
    """A packed list of files in the making, for lists so long that an `Item` for each takes its time."""

    def __init__(self) -> None:
        self._columns = _Columns()
        self.add, self.append = self._columns.add, self._columns.append

    def packed(self) -> Packed:
        """What was added."""
        return Packed(self._columns)


def pack(items: Iterable[Item]) -> Packed:
    """Items, one after another, as columns.

    Examples
    --------
    >>> packed = pack(Item(Path(f"clips/{n}.wav"), ("dog",), facts={"site": "A"}) for n in range(1000))
    >>> len(packed), packed[7].sound.name, packed[-1].facts, packed.classes
    (1000, '7.wav', {'site': 'A'}, ('dog',))
    """
    columns = _Columns()
    for item in items:
        columns.append(item)
    return Packed(columns)


class _Columns:
    """What is known of items, one column for each thing."""

    def __init__(self) -> None:
        self.count = 0
        self._folders, self._names = _Texts(), _Texts()
        self._members, self._offsets, self._sizes = _Texts(), array("q"), array("q")
        self._clips: dict[int, xr.DataArray] = {}
        self.labels, self.label_ends, self.label_names = array("i"), array("q"), dict[str, int]()
        self.splits = _Texts()
        self._starts, self._stops = array("d"), array("d")
        self.facts: dict[str, _Texts] = {}

    def append(self, item: Item) -> None:
        sound = item.sound
        if isinstance(sound, xr.DataArray):
            self._clips[self.count] = sound
            text = ""
        elif isinstance(sound, Embedded):
            text = str(sound.path)
            self._fill(self._members, self._offsets, self._sizes)
            self._members.append(sound.member)
            self._offsets.append(sound.offset)
            self._sizes.append(sound.size)
        else:
            text = str(sound)
        self.add(text, item.labels, item.split, item.start, item.stop, item.facts)

    def add(
        self,
        text: str,
        labels: Sequence[str],
        split: str,
        start: float | None = None,
        stop: float | None = None,
        facts: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Append an item whose sound is the file of a path."""
        cut = text.rfind(os.sep) + 1
        self._folders.append(text[:cut])
        self._names.append(text[cut:])
        for label in labels:
            self.labels.append(self.label_names.setdefault(label, len(self.label_names)))
        self.label_ends.append(len(self.labels))
        self.splits.append(split)
        if start is not None or stop is not None or self._starts:
            self._starts.extend([np.nan] * (self.count - len(self._starts)))
            self._stops.extend([np.nan] * (self.count - len(self._stops)))
            self._starts.append(np.nan if start is None else start)
            self._stops.append(np.nan if stop is None else stop)
        for name in facts:
            if name not in self.facts:
                self.facts[name] = _Texts()
                self.facts[name].append(None, self.count)
        for name, texts in self.facts.items():
            texts.append(facts.get(name))
        self.count += 1

    def _fill(self, members: _Texts, *numbers: array[int]) -> None:
        """Give the items before the first that lies within a file an empty place in these columns."""
        missing = self.count - len(members)
        members.append(None, missing)
        for column in numbers:
            column.extend([0] * missing)

    def item(self, place: int) -> Item:
        facts = {name: text for name, texts in self.facts.items() if (text := texts[place]) is not None}
        return Item(self._sound(place), self.labels_of(place), self.splits[place] or "", *self.span(place), facts)

    def span(self, place: int) -> Span:
        if place >= len(self._starts):
            return None, None
        start, stop = self._starts[place], self._stops[place]
        return None if start != start else start, None if stop != stop else stop

    def file(self, place: int) -> File:
        if place in self._clips:
            return "", "", 0, -1
        path = f"{self._folders[place]}{self._names[place]}"
        member = self._members[place] if place < len(self._members) else None
        return (path, "", 0, -1) if member is None else (path, member, self._offsets[place], self._sizes[place])

    def _sound(self, place: int) -> Path | Embedded | xr.DataArray:
        if place in self._clips:
            return self._clips[place]
        path = Path(f"{self._folders[place]}{self._names[place]}")
        member = self._members[place] if place < len(self._members) else None
        return path if member is None else Embedded(path, member, self._offsets[place], self._sizes[place])

    def labels_of(self, place: int) -> tuple[str, ...]:
        first, last = self.label_ends[place - 1] if place else 0, self.label_ends[place]
        names = self._label_list()
        return tuple([names[code] for code in self.labels[first:last]])

    @property
    def has_pieces(self) -> bool:
        return bool(self._starts)

    def _label_list(self) -> list[str]:
        if len(self._listed) != len(self.label_names):
            self._listed = list(self.label_names)
        return self._listed

    _listed: list[str] = []  # noqa: RUF012 (replaced, never changed)

    @property
    def memory(self) -> int:
        texts = [self._folders, self._names, self._members, self.splits, *self.facts.values()]
        numbers: list[array[int] | array[float]] = [
            self._offsets,
            self._sizes,
            self.labels,
            self.label_ends,
            self._starts,
            self._stops,
        ]
        return sum(one.memory for one in texts) + sum(one.itemsize * len(one) for one in numbers)


class _Texts:
    """A column of texts or None: a code each, as long as many are the same; else one after another in a buffer."""

    def __init__(self) -> None:
        self._codes: array[int] | None = array("i")
        self._known: dict[str | None, int] = {}
        self._distinct: list[str | None] = []
        self._buffer, self._ends = bytearray(), array("q")

    def __len__(self) -> int:
        return len(self._ends) if self._codes is None else len(self._codes)

    def append(self, text: str | None, times: int = 1) -> None:
        if self._codes is None:
            for _ in range(times):
                self._write(text)
            return
        code = self._known.get(text)
        if code is None:
            if len(self._known) >= max(_MOST_CODES, len(self._codes) // 4):
                self._write_out()
                self.append(text, times)
                return
            code = self._known[text] = len(self._distinct)
            self._distinct.append(text)
        if times == 1:
            self._codes.append(code)
        else:
            self._codes.extend([code] * times)

    def __getitem__(self, place: int) -> str | None:
        if self._codes is not None:
            return self._distinct[self._codes[place]]
        first = self._ends[place - 1] if place else 0
        content = self._buffer[first : self._ends[place]]
        return None if content == _ABSENT else content.decode("utf-8", "surrogateescape")

    def _write_out(self) -> None:
        assert self._codes is not None
        codes, self._codes = self._codes, None
        for code in codes:
            self._write(self._distinct[code])
        self._known, self._distinct = {}, []

    def _write(self, text: str | None) -> None:
        self._buffer += _ABSENT if text is None else text.encode("utf-8", "surrogateescape")
        self._ends.append(len(self._buffer))

    @property
    def memory(self) -> int:
        codes = 0 if self._codes is None else self._codes.itemsize * len(self._codes)
        return codes + 150 * len(self._known) + len(self._buffer) + self._ends.itemsize * len(self._ends)
