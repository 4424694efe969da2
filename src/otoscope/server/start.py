"""The server itself: where it listens, how it begins and how it ends."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
from collections.abc import Callable, Mapping
from typing import Any

from otoscope.errors import InputError
from otoscope.optional import needs
from otoscope.server.given import Given
from otoscope.server.limits import Limits
from otoscope.server.refusal import Refusal
from otoscope.server.workers import Died, Failed

_PURPOSE = "a server for the page"
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_OTHERS = (
    "everybody who can reach {host} and has the address can send sounds to this machine and have it compute; what they "
    "send and see is not encrypted"
)


def serve(
    given: Mapping[str, Given],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    limits: Limits | None = None,
    run: Any = None,
    notice: str | None = None,
    announce: Callable[[str, str | None], None],
    log: Callable[[str], None] = lambda _: None,
) -> int:
    """Serve models until a signal ends it.

    Parameters
    ----------
    given : mapping of str to Given
        The models, by id.
    host : str
        Name or address to listen at; only this machine can reach it by default.
    port : int
        0 for any that is free.
    limits : Limits, optional
    run : object, optional
        The page of a run.
    notice : str, optional
        What is to be said of it.
    announce : callable
        Given the address once it answers, and what is to be said of it.
    log : callable, optional
        Given what is to be read by whoever started the server, and by no client.

    Returns
    -------
    int
        The number of the signal.

    Raises
    ------
    InputError
        If the extra is not installed, the port is taken, the host is not of this machine, or a model cannot be loaded.
    """
    for module in ("starlette", "uvicorn"):
        needs(module, extra="app", purpose=_PURPOSE)
    listening = listen(host, port)
    with listening:
        return asyncio.run(_serve(given, host, listening, limits or Limits(), run, notice, announce, log))


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at a place.

    Raises
    ------
    InputError
        If the port is taken or refused, or the host is not of this machine.
    """
    if not 0 <= port <= 65535:
        raise InputError(f"--port has to be from 0 to 65535, not {port}; 0 takes any that is free")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise InputError(f"there is no host {host}: leave --host out to listen on this machine alone") from None
    found = socket.socket(family, kind, protocol)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(1024)
    except OSError as error:
        found.close()
        reason = error.strerror or str(error)
        raise InputError(
            f"cannot listen at {host}, port {port}: {reason}. Give another --port, or leave it out for any that is free"
        ) from None
    found.setblocking(False)
    return found


async def _serve(
    given: Mapping[str, Given],
    host: str,
    listening: socket.socket,
    limits: Limits,
    run: Any,
    notice: str | None,
    announce: Callable[[str, str | None], None],
    log: Callable[[str], None],
) -> int:
    from otoscope.server.guard import Place
    from otoscope.server.house import House
    from otoscope.server.listener import make_server
    from otoscope.server.routes import application

    place = Place(host, listening.getsockname()[1], secrets.token_urlsafe(24))
    others = None if place.loopback else _OTHERS.format(host=host)
    house = House(given, limits, run, ". ".join(filter(None, [others, notice])) or None, log)
    ended = _signals()
    serving: asyncio.Task[Any] | None = None
    try:
        opening = asyncio.create_task(house.open())
        await _first(opening, ended)
        if not opening.done():
            opening.cancel()
            return ended.result()
        try:
            opening.result()
        except Refusal as refusal:
            raise InputError(refusal.message) from None
        except (Died, Failed) as error:
            raise InputError(f"a model could not be loaded: its process ended ({error})") from None
        server = make_server(application(house, place), limits)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        announce(place.url, house.notice)
        await _first(serving, ended)
        server.should_exit = True
        return ended.result() if ended.done() else 0
    finally:
        await house.close()
        if serving is not None:
            await asyncio.wait({serving}, timeout=2.0)


async def _first(*ones: asyncio.Future[Any]) -> None:
    await asyncio.wait(ones, return_when=asyncio.FIRST_COMPLETED)


def _signals() -> asyncio.Future[int]:
    """What becomes the number of the signal that ends the server."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def hear(number: int) -> None:
        if not ended.done():
            ended.set_result(number)

    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            try:
                loop.add_signal_handler(number, hear, number)
            except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
                break
    return ended
