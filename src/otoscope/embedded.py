"""Sounds that are bytes within another file: a member of a tar archive, an entry of an Arrow table."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from otoscope.errors import InputError


@dataclass(frozen=True)
class Embedded:
    """A sound file within another file, which is read without unpacking it.

    Attributes
    ----------
    path : Path
        The file that holds it.
    member : str
        Its name in there.
    offset, size : int
        Its first byte in `path`, and how many there are.

    Examples
    --------
    >>> str(Embedded(Path("shards/000.tar"), "dog/1.wav", 512, 44))
    'shards/000.tar!dog/1.wav'
    """

    path: Path
    member: str
    offset: int
    size: int

    def __str__(self) -> str:
        return f"{self.path}!{self.member}"

    @property
    def name(self) -> str:
        """Without the folders of the file that holds it."""
        return f"{self.path.name}!{self.member}"

    def open(self) -> BinaryIO:
        """Its bytes, as those of an open file.

        Raises
        ------
        OSError
            If the file that holds it cannot be read.
        InputError
            If that file ends before it does.
        """
        file = open(self.path, "rb", buffering=0)  # noqa: SIM115 (closed with what is returned)
        present = os.fstat(file.fileno()).st_size - self.offset
        if present < self.size:
            file.close()
            raise InputError(f"{self} is truncated: {max(0, present)} of {self.size} bytes are present")
        return io.BufferedReader(_Window(file, self.offset, self.size), buffer_size=1 << 16)


class _Window(io.RawIOBase):
    """A range of bytes of an open file, as a file."""

    def __init__(self, file: io.FileIO, offset: int, size: int) -> None:
        self._file, self._offset, self._size, self._place = file, offset, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = max(0, base + place)
        return self._place

    def readinto(self, buffer: Any) -> int:
        wanted = max(0, min(len(buffer), self._size - self._place))
        self._file.seek(self._offset + self._place)
        count = self._file.readinto(memoryview(buffer)[:wanted]) or 0
        self._place += count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()
