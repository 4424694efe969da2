"""Questions on their way to an answer: one queue for each model."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from otoscope.server.ask import Ask
from otoscope.server.made import Made
from otoscope.server.refusal import Refusal
from otoscope.server.workers import Died, Failed, Worker

State = Literal["queued", "running", "done", "failed", "cancelled"]
FINAL = ("done", "failed", "cancelled")
QUICK = ("answer", "relevance", "maps")
"""Kinds of questions that are answered in about a second."""


@dataclass(eq=False)
class Job:
    """A question, and what became of it.

    Attributes
    ----------
    task : object
        What the worker is told.
    changed : callable
        Called whenever something of it has changed.
    """

    id: str
    ask: Ask
    asked: dict[str, Any]
    task: Any
    changed: Callable[[Job], None]
    state: State = "queued"
    step: str | None = None
    done: int | None = None
    total: int | None = None
    place: int | None = None
    error: dict[str, str] | None = None
    notes: list[str] = field(default_factory=list)
    answer: dict[str, Any] | None = None
    page: Made | None = None
    tries: int = 0
    began: float | None = None
    seconds: float = 0.0

    @property
    def final(self) -> bool:
        return self.state in FINAL

    @property
    def size(self) -> int:
        """Bytes of its page."""
        return 0 if self.page is None else sum(map(len, self.page.parts.values()))

    def forget_page(self) -> None:
        self.page = None

    def as_json(self) -> dict[str, Any]:
        running = time.monotonic() - self.began if self.began is not None else 0.0
        content = {
            "id": self.id, "kind": self.ask.kind, "state": self.state, "place": self.place, "step": self.step,
            "done": self.done, "total": self.total, "seconds": round(self.seconds + running, 2), "error": self.error,
            "notes": self.notes, "ask": self.asked,
            "page": f"/api/jobs/{self.id}/page/" if self.page is not None and self.page.manifest is not None else None,
        }  # fmt: skip
        return content if self.answer is None else content | {"answer": self.answer}

    def become(self, state: State, **facts: Any) -> None:
        """Change the state, and say so; what is final stays as it is."""
        if self.final:
            return
        if self.began is not None and state != "running":
            self.seconds += time.monotonic() - self.began
            self.began = None
        if state == "running" and self.began is None:
            self.began = time.monotonic()
        self.state = state
        if state != "queued":
            self.place = None
        for name, value in facts.items():
            setattr(self, name, value)
        self.changed(self)


class Queue:
    """Jobs of one model, computed one after another in its worker.

    Parameters
    ----------
    worker : Worker
    patience : float
        Seconds that a job may be computed.
    """

    def __init__(self, worker: Worker, patience: float) -> None:
        self.worker, self._patience = worker, patience
        self._waiting: deque[Job] = deque()
        self._current: Job | None = None
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting) + (self._current is not None)

    def put(self, job: Job) -> None:
        """Add a job: behind those that wait, but before those that take long where it does not."""
        before = sum(one.ask.kind in QUICK for one in self._waiting)
        self._waiting.insert(before if job.ask.kind in QUICK else len(self._waiting), job)
        self._places()
        self._wake.set()

    def cancel(self, job: Job) -> None:
        """Take a job out, or end its computation at once."""
        if job.final:
            return
        job.become("cancelled")
        if job in self._waiting:
            self._waiting.remove(job)
            self._places()
        if job is self._current:
            self.worker.stop()

    async def run(self) -> None:
        """Compute one job after another, for ever."""
        while True:
            while not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            self._current = self._waiting.popleft()
            self._places()
            try:
                await self._compute(self._current)
            finally:
                self._current = None

    async def _compute(self, job: Job) -> None:
        job.tries += 1
        job.become("running", step="starting", done=None, total=None)

        def tell(step: str, done: int, total: int) -> None:
            job.become("running", step=step, done=done, total=total or None)

        try:
            await self.worker.start()
            if job.final:  # it was cancelled meanwhile
                return
            made: Made = await self.worker.do(job.task, tell, self._patience)
        except TimeoutError:
            message = f"this took longer than {self._patience:g} s, and was ended: give a shorter sound"
            job.become("failed", error={"code": "too-slow", "message": message})
        except Died as died:
            self._died(job, str(died))
        except Refusal as refusal:
            job.become("failed", error=refusal.error)
        except Failed as failed:
            job.become("failed", error=Refusal(500, "fault", str(failed)).error)
        else:
            job.become("done", answer=made.answer, page=made, notes=[*job.notes, *made.notes], step=None)

    def _died(self, job: Job, ending: str) -> None:
        if job.final:  # it was cancelled, which is why
            return
        if job.tries == 1:
            job.become("queued", step=None, notes=[*job.notes, f"its worker ended ({ending}): it was begun once more"])
            self._waiting.appendleft(job)
            self._places()
            return
        message = (
            f"the worker ended twice while it computed this ({ending}), as where there is not enough memory: give a "
            "shorter sound, or ask for less"
        )
        job.become("failed", error={"code": "worker-died", "message": message})

    def _places(self) -> None:
        ahead = int(self._current is not None and not self._current.final)
        for place, job in enumerate(self._waiting, ahead):
            if job.place != place:
                job.become("queued", place=place)
