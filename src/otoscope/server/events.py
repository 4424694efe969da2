"""What a page is told while it waits: server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from otoscope.server.answers import as_bytes
from otoscope.server.sessions import Listener, Session

_ALIVE = 10.0  # s between signs of life


async def events(
    session: Session, first: list[tuple[str, Any]], stopping: asyncio.Event, only: str | None = None
) -> AsyncIterator[bytes]:
    """The stream of a session: what is, then what changes; with `only`, of one job, to its end."""
    listener = Listener()
    session.listeners.add(listener)
    try:
        yield b"retry: 2000\n\n"
        for event, content in first:
            yield _event(event, content)
            if _is_last(only, event, content):
                return
        while True:
            found = await listener.next(_ALIVE)
            if stopping.is_set():
                yield _event("bye", {})
                return
            if not found:
                yield b": still here\n\n"
            for event, content in found:
                if only is not None and (event != "job" or content["id"] != only):
                    continue
                yield _event(event, content)
                if _is_last(only, event, content):
                    return
    finally:
        session.listeners.discard(listener)


def _is_last(only: str | None, event: str, content: Any) -> bool:
    return only is not None and event == "job" and content["state"] in ("done", "failed", "cancelled")


def _event(name: str, content: Any) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + as_bytes(content) + b"\n\n"
