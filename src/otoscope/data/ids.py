"""By what a clip is known again: a hash of its file, or of where that is, and of the piece of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from otoscope.audio import file_digest
from otoscope.data.items import files_of, spans_of
from otoscope.data.stamps import Stamps
from otoscope.errors import InputError

Ids = Literal["path", "content"]


def ids_of(stamps: Stamps, ids: Ids = "path") -> Iterator[bytes]:
    """The id of each item of a list.

    Parameters
    ----------
    stamps : Stamps
        Of its items.
    ids : {"path", "content"}
        What an id is a hash of: path within the data set, size and time of change; or the bytes of the file. With it go
        start and stop.

    Yields
    ------
    bytes
        32 hexadecimal digits.
    """
    items = stamps.items
    known = zip(
        files_of(items), stamps.places(), map(int, stamps.sizes), map(int, stamps.times), spans_of(items), strict=True
    )
    for number, ((path, member, offset, size), place, length, time, (start, stop)) in enumerate(known):
        if not path:
            told = _in_memory(items[number].sound)
        elif ids == "content":
            told = _content(items[number].sound)
        elif member:
            told = f"{place}\n{length} {time}\n{member} {offset} {size}"
        else:
            told = f"{place}\n{length} {time}"
        yield hashlib.sha256(f"{told}\n{start} {stop}".encode("utf-8", "surrogateescape")).hexdigest()[:32].encode()


def _in_memory(sound: Any) -> str:
    samples = np.ascontiguousarray(sound.values).tobytes()
    return f"{sound.attrs.get('name', '')} {hashlib.sha256(samples).hexdigest()}"


def _content(sound: Any) -> str:
    try:
        if isinstance(sound, Path):
            return file_digest(sound)
        with sound.open() as file:
            return hashlib.sha256(file.read()).hexdigest()
    except (OSError, InputError):  # it will be an error of its own when its turn comes
        return str(sound)
