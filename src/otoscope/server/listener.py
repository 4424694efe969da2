"""uvicorn, without a banner and signals of its own, and with patience that ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any, ClassVar

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from otoscope.server.limits import Limits


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to who started it."""
        yield


def make_server(app: Any, limits: Limits) -> uvicorn.Server:
    """A server of an application, which says nothing of itself."""

    class Protocol(_Patient):
        patience, most = limits.request_seconds, limits.waiting
        waiting: ClassVar[dict[_Patient, asyncio.TimerHandle]] = {}

    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        limit_concurrency=limits.connections,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=32_768,
    )
    return _Server(config)


class _Patient(H11Protocol):
    """A connection that is closed where the head of a request does not come, or not to its end.

    So many may wait for one, and no more: who opens hundreds and says nothing closes his own first, and keeps nobody
    out who asks at once.
    """

    patience = 10.0
    most = 256
    waiting: ClassVar[dict[_Patient, asyncio.TimerHandle]] = {}  # of one server, those that wait longest first

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._forget()

    @property
    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _watch(self) -> None:
        if not self._idle:
            self._forget()
        elif self not in self.waiting:
            self.waiting[self] = self.loop.call_later(self.patience, self._close)
            while len(self.waiting) > self.most:
                next(iter(self.waiting))._close()

    def _forget(self) -> None:
        late = self.waiting.pop(self, None)
        if late is not None:
            late.cancel()

    def _close(self) -> None:
        self._forget()
        if self._idle:
            self.transport.close()
