"""Where the files of a list lie, how long they are and when they changed: looked up once for each, in columns."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from otoscope.data.items import Item, files_of


@dataclass(frozen=True)
class Stamps:
    """What the file system says of the files of items.

    Attributes
    ----------
    items : sequence of Item
    root : str
        The folder that all of them lie in; "" where no item is a file.
    sizes : ndarray (item,), int64
        Bytes of the file; -1 where there is none.
    times : ndarray (item,), int64
        When it changed, in ns; -1 where there is none.
    """

    items: Sequence[Item]
    root: str
    sizes: np.ndarray
    times: np.ndarray

    def places(self) -> Iterator[str]:
        """The path of the file of each item within the root; "" where it is none."""
        inside = lru_cache(1 << 12)(lambda folder: os.path.relpath(os.path.abspath(folder), self.root))
        for path, _, _, _ in files_of(self.items):
            folder, _, name = path.rpartition(os.sep)
            above = inside(folder + os.sep if path.startswith(os.sep) else folder or ".") if path else ""
            yield name if above in ("", ".") else f"{above}{os.sep}{name}"


def read_stamps(items: Sequence[Item]) -> Stamps:
    """Look up the files of items.

    Examples
    --------
    >>> from otoscope.data import read
    >>> read_stamps(read("vowels").items[:2]).sizes
    array([-1, -1])
    """
    sizes, times = np.full(len(items), -1, np.int64), np.full(len(items), -1, np.int64)
    absolute = lru_cache(1 << 12)(os.path.abspath)
    least = most = last = ""
    size = time = -1
    for place, (path, _, _, _) in enumerate(files_of(items)):
        if not path:
            continue
        if path != last:  # pieces of a file follow one another
            last = path
            folder, _, name = path.rpartition(os.sep)
            whole = f"{absolute(folder or ('/' if path.startswith(os.sep) else '.'))}{os.sep}{name}"
            least, most = min(least or whole, whole), max(most, whole)
            size, time = _looked_up(path)
        sizes[place], times[place] = size, time
    return Stamps(items, os.path.dirname(os.path.commonprefix([least, most])), sizes, times)


def _looked_up(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # ValueError: a zero byte in it
        return -1, -1
    return found.st_size, found.st_mtime_ns
