"""What is computed, fixed before it begins: the list of clips in order, and how it is cut into shards and batches."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from otoscope.contract import Contract
from otoscope.data.headers import read_headers
from otoscope.data.ids import Ids, ids_of
from otoscope.data.item import columns_of
from otoscope.data.items import (
    Item,
    fact_names,
    facts_of,
    labels_of,
    names_of,
    pick,
    spans_of,
    splits_of,
)
from otoscope.data.stamps import read_stamps
from otoscope.errors import InputError
from otoscope.optional import needs

BATCH_SIZE = 64
BATCH_SAMPLES = 1 << 19
"""Samples of a batch, at the rate of the model, where its size is not given: in a model they become many more."""

_CHUNK = 50_000  # clips of a table that are held at a time


@dataclass(frozen=True)
class Clip:
    """One clip of the list: its number in it, its name, what is read, and how long that is in s (NaN: not known)."""

    number: int
    name: str
    item: Item
    seconds: float


@dataclass(frozen=True)
class Shard:
    """Clips that are computed and written together."""

    number: int
    clips: tuple[Clip, ...]


@dataclass(frozen=True)
class Listed:
    """The clips of a data set in the order of their ids, which depends on nothing else.

    Attributes
    ----------
    items : sequence of Item
        As they were read.
    order : ndarray of int
        Places in `items`.
    ids : ndarray of bytes
        Of `items`.
    seconds : ndarray of float
        Of `items`; NaN where a header says nothing.
    """

    items: Sequence[Item]
    order: np.ndarray
    ids: np.ndarray
    seconds: np.ndarray

    def __len__(self) -> int:
        return len(self.items)

    def shard(self, number: int, size: int) -> Shard:
        """The shard of a number, of `size` clips."""
        places = self.order[number * size : (number + 1) * size].tolist()
        return Shard(number, tuple(self._clip(number * size + i, place) for i, place in enumerate(places)))

    def _clip(self, number: int, place: int) -> Clip:
        item = self.items[place]
        return Clip(number, item.name or str(place), item, float(self.seconds[place]))

    def tables(self) -> Iterator[Any]:
        """The list as tables of one schema, a row a clip; there is one even where the list is empty."""
        pa = needs("pyarrow", extra="sweep", purpose="a sweep")
        text, number = pa.string(), pa.float64()
        fixed = [("clip", pa.int64()), ("id", text), ("name", text), ("label", text), ("split", text)]
        fixed += [("start", number), ("stop", number), ("seconds", number)]
        schema = pa.schema([*fixed, *((column, text) for column in self._facts.values())])
        for first in range(0, max(1, len(self)), _CHUNK):
            places = self.order[first : first + _CHUNK].tolist()
            items = pick(self.items, places)
            starts, stops = zip(*spans_of(items), strict=True) if places else ((), ())
            columns: dict[str, Any] = {
                "clip": range(first, first + len(places)),
                "id": [self.ids[place].decode() for place in places],
                "name": [name or str(place) for name, place in zip(names_of(items), places, strict=True)],
                "label": [",".join(labels) or None for labels in labels_of(items)],
                "split": list(splits_of(items)),
                "start": starts,
                "stop": stops,
                "seconds": [
                    None if math.isnan(self.seconds[place]) else float(self.seconds[place]) for place in places
                ],
            }
            columns |= {column: list(facts_of(items, fact)) for fact, column in self._facts.items()}
            yield pa.table(columns, schema=schema)

    @cached_property
    def _facts(self) -> dict[str, str]:
        """The names of all facts, and of their columns."""
        return columns_of(fact_names(self.items))

    @cached_property
    def sha256(self) -> str:
        """A hash of all that the list says but for names, which change where a data set is moved."""
        digest = hashlib.sha256()
        for _ in hashed(self.tables(), digest):
            pass
        return digest.hexdigest()


def hashed(tables: Iterable[Any], digest: hashlib._Hash) -> Iterator[Any]:
    """The tables of a list as they come, which a hash takes in: when all were taken, it is that of the list."""
    for table in tables:
        for batch in table.drop_columns(["name"]).to_batches():
            digest.update(batch.serialize())
        yield table


def listed(items: Sequence[Item], ids: Ids = "path") -> Listed:
    """Put the clips of a data set in the order of their ids.

    Parameters
    ----------
    items : sequence of Item
    ids : {"path", "content"}
        What an id is a hash of: path within the data set, size and time of change; or the bytes of the file. With it go
        start and stop.

    Raises
    ------
    InputError
        If there is no clip.
    """
    if not len(items):
        raise InputError("there is no clip to sweep over: give a data set with at least one")
    stamps = read_stamps(items)
    found = np.fromiter(ids_of(stamps, ids), "S32", len(items))
    return Listed(items, np.argsort(found, kind="stable"), found, read_headers(items, stamps=stamps).seconds)


def batches(clips: Sequence[Clip], contract: Contract, size: int, samples: int | None) -> list[tuple[Clip, ...]]:
    """Clips that the model takes at one length together, in an order that depends on nothing but the list.

    Parameters
    ----------
    clips : sequence of Clip
    contract : Contract
    size : int
        At most so many clips.
    samples : int or None
        At most so many samples, or one clip; None for any number.

    Returns
    -------
    list of tuple of Clip
        Clips of which the length is not known come last, one by one.
    """
    lengths = {clip.number: length_of(clip, contract) for clip in clips}
    groups: list[list[Clip]] = []
    length = -1
    for clip in sorted(clips, key=lambda clip: (lengths[clip.number] is None, lengths[clip.number], clip.number)):
        own = lengths[clip.number]
        most = 1 if own is None else size if samples is None else min(size, max(1, samples // own))
        if not groups or own is None or own != length or len(groups[-1]) >= most:
            groups.append([])
        groups[-1].append(clip)
        length = -1 if own is None else own
    return [tuple(group) for group in groups]


def length_of(clip: Clip, contract: Contract) -> int | None:
    """Samples of a clip as :func:`filled` leaves it; None where that is not known."""
    if math.isnan(clip.seconds):
        return None
    samples = max(1, round(clip.seconds * (contract.sample_rate or 1)))
    return max(samples, least_length(contract))


def least_length(contract: Contract) -> int:
    """Samples to which shorter clips are filled up before a method gets them; 1 where it has to see them as they are.

    Where a sound is brought to zero mean and unit deviation first, silence behind it would count.
    """
    before = contract.normalisation == "standard" or (contract.normalisation == "frame" and contract.length is None)
    return 1 if before else contract.length or max(contract.trained_length or 1, contract.minimum_length)
