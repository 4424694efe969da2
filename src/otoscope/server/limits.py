"""What a server takes from its clients, and for how long it keeps it: every bound in one place."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Limits:
    """Bounds of a server.

    Attributes
    ----------
    upload_bytes : int
        Of a sound file that is sent.
    duration : float
        Of a sound, in s; checked by its header before it is decoded, and again while it is.
    channels : int
        Of a sound.
    rates : tuple of int
        Of a sound in Hz, the least and the most.
    decoded_bytes : int
        Of the samples of a sound, as 32-bit numbers.
    decode_seconds : float
        Of processor time that the decoding of a sound, or a change of it, may take.
    decode_memory : int
        Bytes that it may take beyond what Python has.
    upload_pause : float
        Longest wait for the next bytes of an upload, in s.
    upload_pace : float
        Least bytes a second of an upload, after the first ten seconds.
    json_bytes : int
        Of a body of JSON.
    sounds, pages : int
        Kept for a session; of more, those that were not used for longest are dropped.
    sound_bytes, page_bytes : int
        Kept for all sessions together.
    jobs : int
        Of a session that are not done yet.
    sessions : int
        In all; of more, those are dropped that have nothing, or that were not used for longest.
    kept_seconds : float
        For which a session is kept that is not used.
    away_seconds : float
        After which the jobs of a client are cancelled that neither asks nor listens.
    job_seconds : float
        That a job may be computed.
    connections : int
        At once.
    waiting : int
        Connections on which no request is answered, but one is awaited; of more, the one that waits longest is closed.
    request_seconds : float
        For which the head of a request may be on its way.
    """

    upload_bytes: int = 64_000_000
    duration: float = 60.0
    channels: int = 8
    rates: tuple[int, int] = (1_000, 768_000)
    decoded_bytes: int = 128_000_000
    decode_seconds: float = 20.0
    decode_memory: int = 1 << 30
    upload_pause: float = 20.0
    upload_pace: float = 8_000.0
    json_bytes: int = 65_536
    sounds: int = 32
    pages: int = 32
    sound_bytes: int = 1 << 30
    page_bytes: int = 256_000_000
    jobs: int = 8
    sessions: int = 500
    kept_seconds: float = 3600.0
    away_seconds: float = 30.0
    job_seconds: float = 600.0
    connections: int = 512
    waiting: int = 256
    request_seconds: float = 10.0

    def shown(self) -> dict[str, Any]:
        """Those that a page tells its user."""
        told = ("upload_bytes", "duration", "channels", "jobs", "sounds", "pages")
        return {name: value for name, value in asdict(self).items() if name in told}
