"""Programs that do the work of a server, in processes of their own: what ends one ends neither it nor another."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from otoscope.processes.program import Program
from otoscope.server.refusal import Refusal

Tell = Callable[[str, int, int], None]
STOP = getattr(signal, "SIGUSR1", signal.SIGTERM)
"""The signal at which such a program ends the copy of it that works, and no more."""


@dataclass(frozen=True)
class Message:
    """What such a program says.

    Attributes
    ----------
    kind : str
        "ready", with facts, when it can work; "step" of a task, how much is done and of how much; "done", with what a
        task gave; "refused", with the status, code and text of a refusal; "failed", with the text of a fault of ours;
        "died", with how the process ended that had the task.
    content : object
    """

    kind: Literal["ready", "step", "done", "refused", "failed", "died"]
    content: Any = None


class Died(Exception):
    """The process that had the task has ended; the text says how."""


class Failed(Exception):
    """A fault of ours, in the words of its exception."""


class Worker:
    """A program that works on one task at a time; it is started when it is needed, and again where it ended.

    Parameters
    ----------
    module : str
        Its ``main`` is run, see :func:`otoscope.server.bench.work_on`.
    begin : object
        What it is told first.
    """

    def __init__(self, module: str, begin: Any) -> None:
        self._module, self._begin = module, begin
        self._program: Program | None = None
        self._said: asyncio.Queue[Message | None] = asyncio.Queue()
        self._one = asyncio.Lock()
        self._ready = self._working = False
        self.facts: Any = None

    async def start(self) -> Any:
        """Start it, and wait until it is ready.

        Raises
        ------
        Refusal
            If what it was told first cannot be used.
        Died
            If it ended.
        """
        async with self._one:
            return await self._started()

    async def _started(self) -> Any:
        if self._ready and self._program is not None and self._program.running:
            return self.facts
        self.end()
        loop, said = asyncio.get_running_loop(), asyncio.Queue[Message | None]()

        def hear(message: Message | None) -> None:
            try:
                loop.call_soon_threadsafe(said.put_nowait, message)
            except RuntimeError:  # the loop has ended, and so has the server
                return

        self._said = said
        self._program = Program(self._module, hear)
        self._program.tell(self._begin)
        self.facts = (await self._next()).content
        self._ready = True
        return self.facts

    async def do(self, task: Any, tell: Tell = lambda *_: None, patience: float | None = None) -> Any:
        """What a task gives.

        Raises
        ------
        TimeoutError
            If it takes longer than some seconds; it is ended then.
        Refusal
            If it cannot be done as it was asked.
        Failed
            If it fails by a fault of ours.
        Died
            If the process ended that had it.
        """
        async with self._one:
            await self._started()
            assert self._program is not None
            self._program.tell(task)
            self._working = True
            try:
                async with asyncio.timeout(patience):
                    return await self._result(tell)
            except TimeoutError:
                self.stop()
                with suppress(Died, Refusal, Failed):  # so that the next task does not hear of this one
                    await self._result(lambda *_: None)
                raise
            except asyncio.CancelledError:
                self.end()
                raise
            finally:
                self._working = False

    async def _result(self, tell: Tell) -> Any:
        while (message := await self._next()).kind == "step":
            tell(*message.content)
        return message.content

    async def _next(self) -> Message:
        message = await self._said.get()
        if message is None:
            program, self._program = self._program, None
            raise Died("" if program is None else program.ending)
        if message.kind == "died":
            raise Died(message.content)
        if message.kind == "refused":
            raise Refusal(*message.content)
        if message.kind == "failed":
            raise Failed(message.content)
        return message

    def stop(self) -> None:
        """End what it works on, at once; the model stays where a copy of the program worked."""
        if self._program is None or not self._working:
            return
        if self.facts["copied"]:
            self._program.signal(STOP)
        else:
            self._program.terminate()

    async def close(self) -> None:
        """End it for good, and wait until it has ended."""
        program, self._program = self._program, None
        if program is not None:
            await asyncio.to_thread(program.end)

    def end(self) -> None:
        """End it, and whatever it works on."""
        if self._program is not None:
            self._program.terminate()
            self._program = None
            self._ready = False
