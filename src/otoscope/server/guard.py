"""Who is let in: the right host, the right origin, and the token or the session that it opened.

A page of another site can send requests to this server from the browser of its user (cross-site requests), and can make
its own name point here (DNS rebinding), but it cannot choose the headers Host, Origin and Sec-Fetch-Site, nor read the
token, which stands in the address that the server prints alone.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from otoscope.server.answers import refused
from otoscope.server.refusal import Refusal
from otoscope.server.sessions import Session, Sessions

Scope = dict[str, Any]

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "media-src 'self' blob:; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
    "cache-control": "no-store",
}
"""Of every answer."""

_SAFE = ("GET", "HEAD")
_NOT_OWN = "a page of another site sent this: open the address that the server printed"
_NO_TOKEN = "open the whole address that `otoscope serve` printed, with its token: this server answers nobody else"


@dataclass(frozen=True)
class Place:
    """Where a server listens.

    Attributes
    ----------
    host : str
        As it was asked for: a name or an address.
    port : int
    token : str
    """

    host: str
    port: int
    token: str

    @property
    def url(self) -> str:
        """The address that opens the page.

        Examples
        --------
        >>> Place("::1", 8000, "secret").url
        'http://[::1]:8000/?token=secret'
        """
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/?token={self.token}"

    @property
    def loopback(self) -> bool:
        """Whether this machine alone can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def cookie(self) -> str:
        """The name of the cookie: a browser sends those of all ports of a host to each."""
        return f"otoscope-{self.port}"

    def is_own(self, host: str) -> bool:
        """Whether the header Host names this server.

        An address of digits cannot be made to point here by somebody else's name server; a name can, so of names that
        of the loopback and the one that was asked for are known.

        Examples
        --------
        >>> place = Place("127.0.0.1", 8000, "secret")
        >>> [place.is_own(host) for host in ("127.0.0.1:8000", "localhost:8000", "evil.example:8000", "127.0.0.1")]
        [True, True, False, False]
        """
        name, port = _split(host)
        if port != str(self.port):
            return False
        if name in ("localhost", self.host.lower()):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self.loopback


def _split(host: str) -> tuple[str, str]:
    """Name and port of a Host header; brackets of IPv6 fall away."""
    name, _, port = host.lower().rpartition(":")
    if name.endswith("]") and name.startswith("["):
        name = name[1:-1]
    elif ":" in name:  # an IPv6 address without brackets is none of the header
        return "", ""
    return name, port


class Guard:
    """An ASGI application before another, which is called for requests that are let in.

    Parameters
    ----------
    app : callable
        It finds the session under ``scope["session"]``.
    place : Place
    sessions : Sessions
    """

    def __init__(self, app: Any, place: Place, sessions: Sessions) -> None:
        self._app, self._place, self._sessions = app, place, sessions

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key = name.decode("latin-1").lower()
            # Of a header that is given twice, a proxy may see one and this server the other.
            headers[key] = "\n" if key in ("host", "origin") and key in headers else value.decode("latin-1")
        added = dict(HEADERS)
        unread = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"

        async def received() -> Any:
            nonlocal unread
            message = await receive()
            unread = unread and bool(message.get("more_body", False))
            return message

        async def with_headers(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                if unread:  # the connection ends with the answer, so that no more of the body is taken
                    added["connection"] = "close"
                own = {name.lower() for name, _ in message.get("headers", [])}
                more = [(k.encode(), v.encode()) for k, v in added.items() if k.encode() not in own]
                message = {**message, "headers": [*message.get("headers", []), *more]}
            await send(message)

        try:
            check_origin(self._place, str(scope["method"]), headers)
            session, new = self._admit(scope, headers)
        except Refusal as refusal:
            added["connection"] = "close"  # nobody who is not let in keeps one open
            await refused(refusal, scope, received, with_headers)
            return
        if new:
            added["set-cookie"] = f"{self._place.cookie}={session.key}; HttpOnly; SameSite=Strict; Path=/"
        scope["session"] = session
        with session.used():
            await self._app(scope, received, with_headers)

    def _admit(self, scope: Scope, headers: Mapping[str, str]) -> tuple[Session, bool]:
        """The session of a request, and whether it is a new one."""
        session = self._sessions.known(_cookie(headers.get("cookie", ""), self._place.cookie))
        if session is not None:
            return session, False
        try:
            given = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=20).get("token", [])
        except ValueError:
            given = []
        scheme, _, value = headers.get("authorization", "").partition(" ")
        given += [value.strip()] if scheme.lower() == "bearer" else []
        if len(given) != 1 or not secrets.compare_digest(given[0].encode(), self._place.token.encode()):
            raise Refusal(403, "no-token", _NO_TOKEN)
        return self._sessions.begin(), True


def check_origin(place: Place, method: str, headers: Mapping[str, str]) -> None:
    """Refuse what another site sends, or what was meant for another host.

    Raises
    ------
    Refusal
    """
    host = headers.get("host", "")
    if not place.is_own(host):
        raise Refusal(403, "wrong-host", "this server has another name and port: open the address that it printed")
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"http://{host.lower()}":
        raise Refusal(403, "wrong-origin", _NOT_OWN)
    site = headers.get("sec-fetch-site", "same-origin")
    navigated = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    if site not in ("same-origin", "none") and not (navigated and method in _SAFE):
        raise Refusal(403, "wrong-origin", _NOT_OWN)


def _cookie(header: str, name: str) -> str:
    """The value of a cookie; "" where there is none."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""
