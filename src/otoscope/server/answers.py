"""Answers in JSON, and refusals."""

from __future__ import annotations

import json
from typing import Any

from otoscope.server.refusal import Refusal
from otoscope.tables import finite


def as_bytes(content: Any) -> bytes:
    """JSON, whose text is safe wherever it stands; NaN and infinity, which JSON does not have, become null.

    Examples
    --------
    >>> as_bytes({"scores": [1.5, float("-inf")]})
    b'{"scores":[1.5,null]}'
    """
    try:
        return _encoded(content)
    except ValueError:  # one such number must not keep a page from all the rest
        return _encoded(finite(content))


def _encoded(content: Any) -> bytes:
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


async def answer(send: Any, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
    """Send a whole answer of a media type."""
    given = {"content-type": kind, "content-length": str(len(body)), **(headers or {})}
    start = {"type": "http.response.start", "status": status}
    await send({**start, "headers": [(name.encode(), value.encode()) for name, value in given.items()]})
    await send({"type": "http.response.body", "body": body})


async def refused(refusal: Refusal, scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Send a refusal: a line of text to who opened the page, JSON to all others.

    Where a body is still on its way, the connection ends with the answer, so that no more of it is read.
    """
    headers = {**refusal.headers, "connection": "close"} if refusal.close else dict(refusal.headers)
    if scope["path"] == "/":
        await answer(send, refusal.status, f"{refusal.message}\n".encode(), "text/plain; charset=utf-8", headers)
    else:
        await answer(send, refusal.status, as_bytes({"error": refusal.error}), "application/json", headers)
