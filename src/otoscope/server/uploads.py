"""A sound on its way in: counted while it comes, and no more of it is read than is taken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect

from otoscope.server.limits import Limits
from otoscope.server.refusal import Refusal

_GRACE = 10.0  # s before a pace is asked for


def declared_length(headers: Any, most: int, what: str) -> None:
    """Refuse a body that says of itself that it is too large, before any of it is read.

    Raises
    ------
    Refusal
    """
    given = headers.get("content-length")
    if given is None:
        return
    if not given.isascii() or not given.isdigit():
        raise Refusal(400, "bad-request", "Content-Length is not a number", close=True)
    if int(given[:20]) > most:
        raise too_large(what, most)


def too_large(what: str, most: int) -> Refusal:
    size = f"{most / 1e6:g} MB" if most >= 1_000_000 else f"{most} bytes"
    return Refusal(413, "too-large", f"{what} is larger than the {size} that are taken", close=True)


async def body(request: Any, most: int, what: str, limits: Limits) -> AsyncIterator[bytes]:
    """The pieces of a body as they come.

    Raises
    ------
    Refusal
        If it is larger than `most` bytes, pauses for too long, or comes too slowly; the rest of it is not read.
    """
    declared_length(request.headers, most, what)
    found, began = 0, time.monotonic()
    pieces = request.stream().__aiter__()
    while True:
        try:
            piece = await asyncio.wait_for(pieces.__anext__(), limits.upload_pause)
        except StopAsyncIteration:
            return
        except TimeoutError:
            message = f"nothing more of {what} came for {limits.upload_pause:g} s"
            raise Refusal(408, "too-slow", message, close=True) from None
        except ClientDisconnect:
            raise Refusal(400, "bad-request", f"{what} ended before it was whole", close=True) from None
        found += len(piece)
        if found > most:
            raise too_large(what, most)
        late = time.monotonic() - began - _GRACE
        if late > 0 and found < late * limits.upload_pace:
            raise Refusal(408, "too-slow", f"{what} comes too slowly", close=True)
        yield piece


async def to_file(request: Any, path: Path, most: int, what: str, limits: Limits) -> int:
    """Write a body to a file; its size."""
    size = 0
    try:
        with path.open("wb") as file:
            async for piece in body(request, most, what, limits):
                file.write(piece)
                size += len(piece)
    except OSError as error:
        message = f"{what} cannot be kept: {error.strerror}; make room in the folder of temporary files"
        raise Refusal(507, "no-room", message, close=True) from None
    return size


async def to_memory(request: Any, most: int, what: str, limits: Limits) -> bytes:
    """A small body as a whole."""
    return b"".join([piece async for piece in body(request, most, what, limits)])


def safe_name(given: str) -> str:
    """What a client calls a file, as a name alone: never used as a path, and fit to be shown.

    Examples
    --------
    >>> safe_name("../../etc/pass\\nwd.wav"), safe_name("C:\\\\clips\\\\a.wav"), safe_name("..")
    ('passwd.wav', 'a.wav', 'sound')
    """
    name = given.replace("\\", "/").rsplit("/", 1)[-1].encode("utf-8", "replace").decode()
    name = "".join(one for one in name if one.isprintable()).strip()[:120]
    return name if name.strip(". ") else "sound"
