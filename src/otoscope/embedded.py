"""Sounds that are bytes within another file: a member of a tar archive, an entry of an Arrow table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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

    def read(self) -> bytes:
        """Its bytes.

        Raises
        ------
        OSError
            If the file that holds it cannot be read.
        InputError
            If that file ends before it does.
        """
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            content = file.read(self.size)
        if len(content) < self.size:
            raise InputError(f"{self} is truncated: {len(content)} of {self.size} bytes are present")
        return content
