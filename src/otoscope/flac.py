"""How many samples the frames of a FLAC file hold, whatever its header says (RFC 9639, sections 8 and 9)."""

from __future__ import annotations

import os
import re
from typing import BinaryIO, NamedTuple

_TAIL = 1 << 18  # bytes; the last frame is shorter in all but sounds of many channels
_SYNC = re.compile(rb"\xff[\xf8\xf9]")
_TRIED = 8  # starts of frames, from the last, for which all that follows is checked
_ID3V1 = 128  # bytes


class _Frame(NamedTuple):
    """The first sample of a frame, for each channel, and the one after its last."""

    start: int
    stop: int


def samples_in_frames(file: BinaryIO) -> int | None:
    """Samples for each channel from the first frame to the last; None where no whole frame is found near the end.

    A frame is whole where its two checksums are right. Its number says how many samples lie before it, so only the
    start and the end of the file are read.

    Parameters
    ----------
    file : binary file
        Tags before and after the sound are passed over.

    Returns
    -------
    int or None

    Examples
    --------
    >>> import io, numpy, soundfile
    >>> file = io.BytesIO()
    >>> soundfile.write(file, numpy.zeros(10_000), 16_000, format="FLAC")
    >>> samples_in_frames(file)
    10000
    """
    opening = _opening(file)
    if opening is None:
        return None
    begin, block = opening
    file.seek(begin)
    first = _header(file.read(16), 0, block)
    size = file.seek(0, os.SEEK_END)
    file.seek(max(begin, size - _TAIL))
    last = _last_frame(file.read(), block)
    return None if first is None or last is None else last.stop - first.start


def _opening(file: BinaryIO) -> tuple[int, int] | None:
    """Where the first frame begins, in bytes, and how many samples a frame has where all have as many."""
    file.seek(0)
    tag, place = file.read(10), 0
    if tag[:3] == b"ID3":
        place = 10 + sum((byte & 127) << 7 * (3 - at) for at, byte in enumerate(tag[6:]))
    file.seek(place)
    if file.read(4) != b"fLaC":
        return None
    block, place, is_last = 0, place + 4, False
    while not is_last:
        file.seek(place)
        head = file.read(6)
        if len(head) < 6:
            return None
        block = block or int.from_bytes(head[4:], "big")  # the first metadata are those of the stream
        is_last, place = bool(head[0] & 0x80), place + 4 + int.from_bytes(head[1:4], "big")
    return place, block


def _last_frame(tail: bytes, block: int) -> _Frame | None:
    """The last whole frame of the end of a file; with a tag behind it that is not known, the one before it at least."""
    ends = [len(tail)] + ([len(tail) - _ID3V1] if tail[-_ID3V1:].startswith(b"TAG") else [])
    later: list[int] = []  # where frames seem to begin, from the last
    for place in reversed([match.start() for match in _SYNC.finditer(tail)]):
        frame = _header(tail, place, block)
        if frame is None:
            continue
        near = (ends if len(later) < _TRIED else []) + later[-2:]
        if any(_checksum(tail[place:end], 16) == 0 for end in near if end > place):
            return frame
        later.append(place)
    return None


def _header(content: bytes, place: int, block: int) -> _Frame | None:
    """The frame whose header begins at a place; None where there is no header, by its checksum."""
    if len(content) < place + 6 or not _SYNC.match(content, place):
        return None
    size, rate, coded = content[place + 2] >> 4, content[place + 2] & 15, content[place + 4]
    more = 8 - (coded ^ 0xFF).bit_length() if coded & 0x80 else 1  # bytes of the number, as in UTF-8
    at = place + 4 + more
    wide = {6: 1, 7: 2}.get(size, 0)
    end = at + wide + {12: 1, 13: 2, 14: 2}.get(rate, 0)
    if size == 0 or len(content) <= end or _checksum(content[place : end + 1], 8):
        return None
    number = coded & ((1 << (7 if more == 1 else max(7 - more, 0))) - 1)
    for byte in content[place + 5 : at]:
        number = number << 6 | byte & 0x3F
    if wide:
        length = int.from_bytes(content[at : at + wide], "big") + 1
    else:
        length = 192 if size == 1 else 576 << (size - 2) if size < 6 else 256 << (size - 8)
    start = number if content[place + 1] & 1 else number * block
    return _Frame(start, start + length)


def _checksum(content: bytes, width: int) -> int:
    """A cyclic redundancy check; 0 of what ends in its own."""
    table = _TABLES[width]
    most, shift, value = (1 << width) - 1, width - 8, 0
    for byte in content:
        value = (value << 8 & most) ^ table[value >> shift ^ byte]
    return value


def _table(width: int, polynomial: int) -> list[int]:
    found = []
    for byte in range(256):
        value = byte << (width - 8)
        for _ in range(8):
            value = value << 1 ^ (polynomial if value >> (width - 1) & 1 else 0)
            value &= (1 << width) - 1
        found.append(value)
    return found


_TABLES = {8: _table(8, 0x07), 16: _table(16, 0x8005)}
