"""What belongs to one browser: its sounds and jobs, which no other session can name or see."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from otoscope.server.jobs import Job
from otoscope.server.limits import Limits
from otoscope.server.refusal import Refusal, not_found

Clock = Callable[[], float]


def new_id() -> str:
    """An id that cannot be guessed."""
    return secrets.token_urlsafe(16)


@dataclass
class Sound:
    """A sound of a session.

    Attributes
    ----------
    id, name : str
    path : Path
        Where its samples are kept: a WAV file of 32-bit numbers that the server wrote itself.
    facts : dict
        What a page is told: duration (s), sample_rate (Hz), channels, sha256 of the file that was sent, note.
    origin : dict or None
        The sound and the change that it was made by.
    """

    id: str
    name: str
    path: Path
    facts: dict[str, Any]
    origin: dict[str, Any] | None = None
    size: int = 0

    def as_json(self) -> dict[str, Any]:
        shown = ("duration", "sample_rate", "channels", "sha256", "note")
        return {"id": self.id, "name": self.name, "from": self.origin, **{key: self.facts[key] for key in shown}}

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)


class Listener:
    """One open stream of events: of each thing its last state waits, so that who reads slowly costs nothing."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._wake = asyncio.Event()

    def tell(self, event: str, key: str, content: Any) -> None:
        self._waiting[event, key] = content
        self._wake.set()

    async def next(self, patience: float) -> list[tuple[str, Any]]:
        """What is new; nothing after `patience` seconds."""
        try:
            await asyncio.wait_for(self._wake.wait(), patience)
        except TimeoutError:
            return []
        self._wake.clear()
        found = [(event, content) for (event, _), content in self._waiting.items()]
        self._waiting.clear()
        return found


@dataclass
class Session:
    """The sounds and jobs of one browser.

    Attributes
    ----------
    key : str
        The value of its cookie; secret.
    name : str
        Shown; tells two sessions apart, and opens none.
    sounds, jobs : dict
        By id; those used last stand last.
    """

    key: str
    limits: Limits
    clock: Clock = time.monotonic
    name: str = field(default_factory=lambda: secrets.token_hex(3))
    sounds: OrderedDict[str, Sound] = field(default_factory=OrderedDict)
    jobs: OrderedDict[str, Job] = field(default_factory=OrderedDict)
    listeners: set[Listener] = field(default_factory=set)
    uploads: int = 0
    _using: int = 0
    _seen: float = field(init=False)
    _held: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._seen = self.clock()

    @property
    def in_use(self) -> bool:
        """Whether a request of it is being answered, or a stream of events is open."""
        return self._using > 0

    @contextmanager
    def used(self) -> Iterator[None]:
        """While a request of it is answered, or a stream of events is open."""
        self._using += 1
        try:
            yield
        finally:
            self._using -= 1
            self._seen = self.clock()

    @property
    def idle(self) -> float:
        """Seconds since it was used."""
        return 0.0 if self.in_use else self.clock() - self._seen

    def sound(self, key: str) -> Sound:
        """A sound of this session, which counts as used now."""
        if key not in self.sounds:
            raise not_found("sound")
        self.sounds.move_to_end(key)
        return self.sounds[key]

    def job(self, key: str) -> Job:
        if key not in self.jobs:
            raise not_found("job")
        self.jobs.move_to_end(key)
        return self.jobs[key]

    @contextmanager
    def held(self, sound: Sound) -> Iterator[None]:
        """While a sound is read, so that it stays."""
        self._held[sound.id] += 1
        try:
            yield
        finally:
            self._held[sound.id] -= 1
            self._held += Counter()  # without those of which none is left

    def open_jobs(self) -> list[Job]:
        return [job for job in self.jobs.values() if not job.final]

    def needed(self) -> set[str]:
        """The sounds that an open job needs, or that are being read."""
        return {job.ask.sound for job in self.open_jobs()} | set(self._held)

    def drop_sound(self, key: str) -> None:
        """Forget a sound.

        Raises
        ------
        Refusal
            If it is not there, or something still needs it.
        """
        sound = self.sound(key)
        if key in self._held:
            raise Refusal(409, "not-done", "this sound is being changed: wait until the changed one is there")
        if key in self.needed():
            raise Refusal(409, "not-done", "a question about this sound is not answered yet: cancel it first")
        self.sounds.pop(key)
        sound.drop()

    def keep(self, sound: Sound) -> None:
        """Keep a sound, and drop those that were not used for longest and that nothing needs."""
        self.sounds[sound.id] = sound
        needed = self.needed() | {sound.id}
        for key in [key for key in self.sounds if key not in needed][: max(0, len(self.sounds) - self.limits.sounds)]:
            self.sounds.pop(key).drop()

    def add(self, job: Job) -> None:
        """Keep a job, and drop the oldest that are done.

        Raises
        ------
        Refusal
            If too many of this session are not done.
        """
        open_ones = len(self.open_jobs())
        if open_ones >= self.limits.jobs:
            raise Refusal(
                429,
                "too-many",
                f"{open_ones} questions are not answered yet: wait for one, or cancel one",
                {"retry-after": "2"},
            )
        self.jobs[job.id] = job
        done = [key for key, one in self.jobs.items() if one.final]
        for key in done[: max(0, len(self.jobs) - self.limits.pages - self.limits.jobs)]:
            del self.jobs[key]
        with_pages = [one for one in self.jobs.values() if one.page is not None]
        for one in with_pages[: max(0, len(with_pages) - self.limits.pages)]:
            one.forget_page()

    def tell(self, event: str, key: str, content: Any) -> None:
        for listener in self.listeners:
            listener.tell(event, key, content)

    def drop(self) -> None:
        """Forget everything of it."""
        for sound in self.sounds.values():
            sound.drop()
        self.sounds.clear()
        self.jobs.clear()


class Sessions:
    """All sessions; the keys are known to their browsers alone.

    Parameters
    ----------
    limits : Limits
    clock : callable, optional
        Seconds.
    cancel : callable, optional
        Given the open jobs of a session that ends.
    """

    def __init__(
        self, limits: Limits, clock: Clock = time.monotonic, cancel: Callable[[Job], None] = lambda _: None
    ) -> None:
        self._limits, self._clock, self._cancel = limits, clock, cancel
        self._by_key: OrderedDict[str, Session] = OrderedDict()

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._by_key.values()))

    def known(self, key: str) -> Session | None:
        session = self._by_key.get(key)
        if session is not None:
            self._by_key.move_to_end(key)
        return session

    def begin(self) -> Session:
        """A new session; where there are too many, one goes that is not in use.

        Of these one goes that has nothing, as every request with the token and without a cookie leaves one, or else one
        that waits for no answer, and of several the one that was not used for longest.
        """
        spare = [one for one in self._by_key.values() if not one.in_use]
        if len(self._by_key) >= self._limits.sessions and spare:
            self.end(max(spare, key=lambda one: (not one.sounds and not one.jobs, not one.open_jobs(), one.idle)))
        session = Session(new_id() + new_id(), self._limits, self._clock)
        self._by_key[session.key] = session
        return session

    def end(self, session: Session) -> None:
        """Forget a session, and what it asked for."""
        self._by_key.pop(session.key, None)
        for job in session.open_jobs():
            self._cancel(job)
        session.drop()

    def tidy(self) -> None:
        """End sessions that are not used any more, and keep all within the bounds of memory and disk."""
        for session in self:
            if session.idle > self._limits.kept_seconds and not session.open_jobs():
                self.end(session)
        self._drop_sounds()
        self._drop_pages()

    def _drop_sounds(self) -> None:
        total = sum(sound.size for session in self for sound in session.sounds.values())
        for session in sorted(self, key=lambda one: -one.idle):
            needed = session.needed()
            for key in [key for key in session.sounds if key not in needed]:
                if total <= self._limits.sound_bytes:
                    return
                sound = session.sounds.pop(key)
                total -= sound.size
                sound.drop()

    def _drop_pages(self) -> None:
        total = sum(job.size for session in self for job in session.jobs.values())
        for session in sorted(self, key=lambda one: -one.idle):
            for job in session.jobs.values():
                if total <= self._limits.page_bytes:
                    return
                total -= job.size
                job.forget_page()
