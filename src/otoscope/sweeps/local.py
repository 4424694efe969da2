"""Processes of this machine that work on shards side by side, and what is done where one of them ends."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from types import TracebackType
from typing import Self

import torch

from otoscope.errors import InputError
from otoscope.processes.program import Program
from otoscope.sweeps.child import Message, Task
from otoscope.sweeps.plan import Shard
from otoscope.sweeps.work import Bench, Job, Status

Progress = Callable[[int], None]
"""Called with how many clips were begun since the last call; less than 0 where they have to be computed again."""

_TWICE = 2  # deaths on one shard, after which the clip is looked for
_MOST_DEATHS = 40  # on one shard, after which it is given up


class Worker:
    """A process that works on one task after another, and what it does now."""

    def __init__(self, job: Job, number: int, events: SimpleQueue[tuple[Worker, Message | None]]) -> None:
        self.number, self.ready = number, False
        self.task: Task | None = None
        self.turn: tuple[int, ...] = ()  # the clips at which it is
        self.begun = 0  # clips of this task
        self.program = Program("otoscope.sweeps.child", lambda message: events.put((self, message)))
        self.program.tell(job)

    def give(self, task: Task) -> None:
        self.task, self.turn, self.begun = task, (), 0
        self.program.tell(task)


@dataclass
class Case:
    """A shard on which a worker has died."""

    shard: Shard
    deaths: int = 0
    crashed: frozenset[int] = frozenset()
    turns: list[tuple[int, ...]] = field(default_factory=list)  # the clips at which it died
    search: Generator[frozenset[int], bool, int | None] | None = None
    wide: bool = False  # whether a search among the clips at which it died found none

    def next(self, died: bool | None) -> Task:
        """What is done now.

        Parameters
        ----------
        died : bool or None
            Whether the worker died at the trial that came before; None where none did.
        """
        try:
            if self.search is None:
                self.search = blamed(self._suspects())
                return Task(self.shard, self.crashed, next(self.search))
            assert died is not None
            return Task(self.shard, self.crashed, self.search.send(died))
        except StopIteration as found:
            self.search, self.wide = None, found.value is None
            if found.value is not None:
                self.crashed, self.turns = self.crashed | {found.value}, []
            return Task(self.shard, self.crashed)

    def _suspects(self) -> Sequence[int]:
        """The clips at which it died each time, or all where those differ."""
        last = self.turns[-1]
        same = last and not self.wide and all(turn == last for turn in self.turns[-_TWICE:])
        return last if same else [clip.number for clip in self.shard.clips if clip.number not in self.crashed]


def blamed(suspects: Sequence[int]) -> Generator[frozenset[int], bool, int | None]:
    """Halve clips until one is left: yields which to try, is sent whether the process died, returns the one at fault.

    Examples
    --------
    >>> search, asked = blamed([3, 5, 8, 9]), []
    >>> trial = next(search)
    >>> try:
    ...     while True:
    ...         asked.append(sorted(trial))
    ...         trial = search.send(8 in trial)
    ... except StopIteration as found:
    ...     print(found.value, asked)
    8 [[3, 5], [8], [8]]
    """
    left = list(suspects)
    while len(left) > 1:
        half = left[: len(left) // 2]
        died = yield frozenset(half)
        left = half if died else left[len(half) :]
    died = yield frozenset(left)
    return left[0] if died else None


class Crew:
    """Workers that share shards; those that die are replaced.

    Parameters
    ----------
    job : Job
    workers : int
    progress : callable, optional
    """

    def __init__(self, job: Job, workers: int, progress: Progress | None = None) -> None:
        self._job, self._count, self._progress = job, workers, progress or (lambda clips: None)
        self._events: SimpleQueue[tuple[Worker, Message | None]] = SimpleQueue()
        self._workers: list[Worker] = []
        self._cases: dict[int, Case] = {}
        self.given_up: dict[int, str] = {}  # shards, and why

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for worker in self._workers:
            worker.program.terminate()
        for worker in self._workers:
            worker.program.end()

    def run(self, shards: Iterable[Shard]) -> Iterator[Status]:
        """Work on shards, and yield what became of each as it is done.

        Raises
        ------
        InputError
            If a worker cannot make the model, or cannot write.
        """
        coming, again = iter(shards), deque[Task]()
        for worker in self._workers:
            self._next(worker, coming, again)
        while len(self._workers) < self._count and self._hire(coming, again):
            pass
        while any(worker.task is not None for worker in self._workers):
            worker, message = self._events.get()
            if worker not in self._workers:
                continue
            if message is None:
                self._workers.remove(worker)
                self._bury(worker, worker.program.ending, again)
                self._hire(coming, again)
            elif message.kind == "died":
                self._bury(worker, message.content, again)
                self._next(worker, coming, again)
            elif message.kind == "refused":
                raise InputError(str(message.content))
            elif message.kind == "turn":
                self._turn(worker, message.content)
            elif message.kind == "done":
                status = self._done(worker, message.content, again)
                self._next(worker, coming, again)
                if status is not None:
                    yield status
            else:
                worker.ready = True

    def _hire(self, coming: Iterator[Shard], again: deque[Task]) -> bool:
        """Start another worker if there is something to do."""
        task = _take(coming, again)
        if task is None:
            return False
        number = next(n for n in range(self._count) if all(worker.number != n for worker in self._workers))
        worker = Worker(replace(self._job, device=_device(self._job.device, number)), number, self._events)
        self._workers.append(worker)
        worker.give(task)
        return True

    def _next(self, worker: Worker, coming: Iterator[Shard], again: deque[Task]) -> None:
        worker.task = None
        task = _take(coming, again)
        if task is not None:
            worker.give(task)

    def _turn(self, worker: Worker, clips: tuple[int, ...]) -> None:
        worker.turn = clips
        assert worker.task is not None
        if worker.task.only is None:
            worker.begun += len(clips)
            self._progress(len(clips))

    def _done(self, worker: Worker, status: Status | None, again: deque[Task]) -> Status | None:
        assert worker.task is not None
        if worker.task.only is not None:
            self._search(self._cases[worker.task.shard.number], False, again)
        return status

    def _bury(self, worker: Worker, ending: str, again: deque[Task]) -> None:
        """What comes after the death of a worker, or of the copy of it that worked."""
        if worker.task is None:
            return
        if not worker.ready:
            raise InputError(f"a worker ended as it started ({ending}): is there enough memory for {self._count}?")
        self._progress(-worker.begun)
        task = worker.task
        case = self._cases.setdefault(task.shard.number, Case(task.shard))
        case.deaths += 1
        if case.deaths > _MOST_DEATHS:
            self.given_up[task.shard.number] = (
                f"a worker ended {case.deaths} times ({ending}), at no clip in particular"
            )
        elif task.only is not None:
            self._search(case, True, again)
        else:
            case.turns.append(worker.turn)
            if len(case.turns) >= _TWICE:
                self._search(case, None, again)
            else:
                again.append(Task(task.shard, case.crashed))

    def _search(self, case: Case, died: bool | None, again: deque[Task]) -> None:
        again.append(case.next(died))


def _take(coming: Iterator[Shard], again: deque[Task]) -> Task | None:
    if again:
        return again.popleft()
    shard = next(coming, None)
    return None if shard is None else Task(shard)


def _device(device: str, number: int) -> str:
    """Of several GPUs the one of a worker."""
    return f"cuda:{number % torch.cuda.device_count()}" if device == "cuda" else device


def usual_workers(device: str) -> int:
    """As many as there are GPUs, or cores that this process may use."""
    if device.startswith("cuda"):
        return torch.cuda.device_count() if device == "cuda" else 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_this_process(bench: Bench, shards: Iterable[Shard], progress: Progress | None = None) -> Iterator[Status]:
    """Work on shards one after another, without a process of its own."""
    for shard in shards:
        yield bench.run(shard, lambda clips: None if progress is None else progress(len(clips)))
