"""What a step reads from disk, and a fingerprint of it that is the same on every machine."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from otoscope.audio import file_digest
from otoscope.data.items import DataSet
from otoscope.data.sets import folder_within, read, source_of
from otoscope.data.stamps import read_stamps
from otoscope.errors import InputError


@dataclass(frozen=True)
class Sounds:
    """A data set, or parts of its official split.

    Parameters
    ----------
    set : str
        A name of :data:`otoscope.data.sets.SETS`, or several joined by ``+``.
    task : str, optional
        What the labels are; the first task of the set by default.
    splits : tuple of str
        All by default.
    """

    set: str
    task: str | None = None
    splits: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As a command takes it.

        Examples
        --------
        >>> Sounds("fsdd", splits=("test",)).name
        'fsdd@test'
        """
        return self.set + (f"@{','.join(self.splits)}" if self.splits else "")


@dataclass(frozen=True)
class File:
    """A file in the data folder, such as published weights.

    Parameters
    ----------
    place : str
        Its path within the data folder, with ``/``.
    """

    place: str

    @property
    def name(self) -> str:
        return self.place


@dataclass(frozen=True)
class Package:
    """A package of Python that not every installation has: without it a step is left out, like one without its data.

    Parameters
    ----------
    name : str
        As it is imported, such as ``parselmouth``.
    """

    name: str


Input: TypeAlias = Sounds | File | Package


class Folder:
    """The folder in which data sets lie, each in a folder of its name and in its official layout.

    Parameters
    ----------
    place : str or Path, optional
        That of the environment variable OTOSCOPE_DATA by default.

    Raises
    ------
    InputError
        If a folder is given and is not there.

    Examples
    --------
    >>> Folder().has(Sounds("vowels"))
    True
    """

    def __init__(self, place: str | Path | None = None) -> None:
        if place is not None and not Path(place).is_dir():
            raise InputError(f"{place} is not a folder: give the folder that contains data sets, each in its own")
        given = place if place is not None else os.environ.get("OTOSCOPE_DATA")
        self.place = Path(given) if given else None

    def has(self, input: Input) -> bool:
        """Whether a data set, file or package is there."""
        if isinstance(input, Package):
            return find_spec(input.name) is not None
        return self._path(input) is not None or (isinstance(input, Sounds) and input.set == "vowels")

    def read(self, sounds: Sounds) -> DataSet:
        """The list of sounds.

        Raises
        ------
        InputError
            If the set is not there, or a part of it is missing.
        """
        place = None if sounds.set == "vowels" else self._path(sounds)
        if place is None and sounds.set != "vowels":
            source = source_of(sounds.set)
            raise InputError(
                f"{sounds.set} is not in {self.place or 'OTOSCOPE_DATA'}: download it from {source.url}, and give the "
                "folder that contains it by --data"
            )
        return read(sounds.set, place, task=sounds.task, split=sounds.splits or None)

    def path(self, input: Input) -> Path:
        """Where a data set or file lies.

        Raises
        ------
        InputError
            If it is not there.
        """
        found = None if isinstance(input, Package) else self._path(input)
        if found is None:
            raise InputError(f"{input.name} is not in {self.place or 'OTOSCOPE_DATA'}: give its folder by --data")
        return found

    def fingerprint(self, input: Input) -> str | None:
        """A hash of what is there; None where nothing is.

        Returns
        -------
        str or None
            Of a file that of its bytes; of a data set that of the names, sizes, labels and splits of its sounds, which
            does not depend on where it lies, nor on when it was unpacked; of a package its name.
        """
        if not self.has(input):
            return None
        if input not in self._known:
            self._known[input] = self._hashed(input)
        return self._known[input]

    @cached_property
    def _known(self) -> dict[Input, str]:
        return {}

    def _path(self, input: Sounds | File) -> Path | None:
        if self.place is None:
            return None
        if isinstance(input, Sounds):
            return folder_within(self.place, input.set)
        path = self.place / input.place
        return path if path.is_file() else None

    def _hashed(self, input: Input) -> str:
        if isinstance(input, Package):
            return input.name
        if isinstance(input, File):
            return file_digest(self.path(input))[:16]
        found = self.read(input)
        stamps = read_stamps(found.items)
        root = self._path(input)
        told = hashlib.sha256(digest_of(list(found.classes)).encode())
        for item, size in zip(found.items, stamps.sizes, strict=True):
            name = item.name
            if root is not None:
                name = name.replace(str(root), "").replace(os.sep, "/")
            told.update(json.dumps([name, int(size), item.labels, item.split, item.start, item.stop]).encode())
        return told.hexdigest()[:16]


def digest_of(content: Any) -> str:
    """A hash of plain values, 16 hexadecimal digits.

    Examples
    --------
    >>> digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    True
    """
    told = json.dumps(content, sort_keys=True, allow_nan=False, ensure_ascii=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]
