"""What a server has: its sessions, the queues of its models, the program that reads sounds, and a folder."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from otoscope.server.ask import Ask
from otoscope.server.given import Given
from otoscope.server.jobs import Job, Queue
from otoscope.server.limits import Limits
from otoscope.server.refusal import Refusal, not_found
from otoscope.server.sessions import Session, Sessions, Sound, new_id
from otoscope.server.tasks import Begin, Heard, Task
from otoscope.server.workers import Died, Failed, Worker

_OF_THE_FILE = ("SIGXCPU", "SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL")
"""Ends of the program that reads sounds that come of what it reads; others come from outside."""

_BETWEEN = 2.0  # s from one look for what has expired to the next


class House:
    """The parts of a server that outlive a request.

    Parameters
    ----------
    given : mapping of str to Given
        The models, by id.
    limits : Limits
    run : object, optional
        The page of a run, with `manifest` and `parts`.
    notice : str, optional
        What every page says, such as that others can reach the server.
    log : callable, optional
        Given what only whoever started the server is to read.
    """

    def __init__(
        self,
        given: Mapping[str, Given],
        limits: Limits,
        run: Any = None,
        notice: str | None = None,
        log: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.given, self.limits, self.run, self.notice, self._log = dict(given), limits, run, notice, log
        self.sessions = Sessions(limits, cancel=self.cancel)
        self.folder = Path(tempfile.mkdtemp(prefix="otoscope-serve-"))
        threads = max(1, (os.cpu_count() or 1) // max(1, len(self.given)))
        self.queues = {
            key: Queue(Worker("otoscope.server.model_worker", Begin(key, self.given, threads)), limits.job_seconds)
            for key in self.given
        }
        self.ears = Worker("otoscope.server.sound_worker", limits)
        self.stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[Any]] = []

    async def open(self) -> None:
        """Start all programs, and wait until they are ready; of a run's model, do without where it cannot be had.

        Raises
        ------
        Refusal, Died, Failed
            If one cannot.
        """
        await asyncio.gather(self.ears.start(), *(self._open_model(key) for key in list(self.queues)))
        self._tasks = [asyncio.create_task(one) for one in (self._tidy(), *(q.run() for q in self.queues.values()))]

    async def _open_model(self, key: str) -> None:
        worker = self.queues[key].worker
        try:
            facts = await worker.start()
        except (Refusal, Died, Failed) as error:
            if self.run is None:
                raise
            worker.end()
            del self.queues[key]
            self._note("the model of the run could not be loaded, so that it cannot be asked")
            self._log(f"the model of the run cannot be asked: {error}")
            return
        if self.run is not None and facts["weights_sha256"] != self.run.manifest["runs"][0]["weights_sha256"]:
            self._note(f"{facts['name']} has other weights now than those of the run")

    def _note(self, text: str) -> None:
        self.notice = text if self.notice is None else f"{self.notice}. {text}"

    async def close(self) -> None:
        """Tell all pages good-bye, end all programs, and remove the folder."""
        self.stopping.set()
        for session in self.sessions:
            session.tell("bye", "", {})
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(one.close() for one in (self.ears, *(queue.worker for queue in self.queues.values()))))
        shutil.rmtree(self.folder, ignore_errors=True)

    def models(self) -> list[dict[str, Any]]:
        """The models, as a page is told of them."""
        return [
            {"id": key, "state": "ready", "error": None, "waiting": len(queue)}
            | {name: value for name, value in queue.worker.facts.items() if name != "copied"}
            for key, queue in self.queues.items()
        ]

    async def hear(self, session: Session, task: Any, name: str, origin: dict[str, Any] | None = None) -> Sound:
        """Let the program that reads sounds do a task, and keep what it wrote.

        Raises
        ------
        Refusal
            If it cannot be read, or takes more than is allowed; of the status 500 where that is a fault of ours.
        """
        patience = 2 * self.limits.decode_seconds
        try:
            facts = await self._begun_twice(task, patience)
        except TimeoutError:
            task.out.unlink(missing_ok=True)
            raise Refusal(422, "not-audio", f"{name} takes longer than {patience:g} s: send a shorter sound") from None
        except Died as died:
            task.out.unlink(missing_ok=True)
            if str(died) not in _OF_THE_FILE:
                message = f"the program that reads sounds was ended twice ({died}), which says nothing of {name}"
                raise Refusal(503, "worker-died", f"{message}: send it again", {"retry-after": "2"}) from None
            message = f"{name} takes more than it may to be decoded ({died}): send a part of it, as WAV"
            raise Refusal(422, "not-audio", message) from None
        except Failed as error:
            task.out.unlink(missing_ok=True)
            message = f"the server failed while it worked on {name} ({error}): what it printed says more"
            raise Refusal(500, "fault", message) from None
        except Refusal as refusal:
            task.out.unlink(missing_ok=True)
            if refusal.code == "too-long":
                self._log(f"{refusal.message}; --max-duration takes longer ones")
            raise
        sound = Sound(task.out.stem, name, task.out, facts, origin, task.out.stat().st_size)
        session.keep(sound)
        return sound

    async def _begun_twice(self, task: Any, patience: float) -> Any:
        """What the program that reads sounds makes of a task; where it was ended from outside, it begins once more."""
        try:
            return await self.ears.do(task, patience=patience)
        except Died as died:
            if str(died) in _OF_THE_FILE:
                raise
            return await self.ears.do(task, patience=patience)

    def new_path(self) -> Path:
        """A place for the samples of a sound; its name is the id."""
        return self.folder / f"{new_id()}.wav"

    def ask(self, session: Session, ask: Ask, asked: dict[str, Any]) -> Job:
        """Put a question into the queue of its model.

        Raises
        ------
        Refusal
            If there is no such sound or model, or too many questions are open.
        """
        sound = session.sound(ask.sound)
        for model in ask.models:
            if model not in self.queues:
                raise not_found("model")
        facts = sound.facts
        attrs = {
            "name": sound.name, "sha256": facts["sha256"], "original_sample_rate": facts["sample_rate"],
            "original_channels": facts["channels"], "original_subtype": facts["subtype"],
        }  # fmt: skip
        key = new_id()
        task = Task(ask, Heard(sound.id, sound.path, attrs), key)
        job = Job(key, ask, asked, task, lambda one: session.tell("job", one.id, one.as_json()))
        session.add(job)
        self.queues[ask.models[0]].put(job)
        return job

    def cancel(self, job: Job) -> None:
        self.queues[job.ask.models[0]].cancel(job)

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(_BETWEEN)
            for session in self.sessions:
                if session.idle > self.limits.away_seconds:
                    for job in list(session.jobs.values()):
                        self.cancel(job)
            with suppress(OSError):
                self.sessions.tidy()
