"""The program of a worker: it is told which shards to compute, and tells what became of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from otoscope.errors import InputError
from otoscope.processes.copied import Copy, can_be_copied
from otoscope.processes.program import conversation


@dataclass(frozen=True)
class Task:
    """A shard to compute: all of it, but for clips that ended a process; or, to find such a clip, some of its clips.

    Attributes
    ----------
    shard : Shard
    crashed : frozenset of int
        Numbers of clips that are left out.
    only : frozenset of int or None
        The clips that are tried; nothing is written then.
    """

    shard: Any
    crashed: frozenset[int] = frozenset()
    only: frozenset[int] | None = None


@dataclass(frozen=True)
class Message:
    """What a worker says.

    Attributes
    ----------
    kind : str
        "ready" for tasks; "turn", of the clips in `content`; "done", with a status, None after a trial; "died", with
        how the process ended that had the task; "refused", with the text of an InputError.
    content : object
    """

    kind: Literal["ready", "turn", "done", "died", "refused"]
    content: Any = None


def main() -> None:
    """Make the model, and work on one task after another, in a copy of this process where it can be copied."""
    hear, say = conversation()
    job = hear()
    try:
        import torch

        from otoscope.sweeps.work import Bench

        torch.set_num_threads(1)
        bench = Bench(job)
    except InputError as error:
        say(Message("refused", str(error)))
        return
    say(Message("ready"))

    def work(task: Task, say: Callable[[Any], None]) -> None:
        try:
            say(Message("done", _work(bench, task, say)))
        except InputError as error:
            say(Message("refused", str(error)))

    if can_be_copied():
        _in_copies(hear, say, work)
    while True:
        work(hear(), say)


def _in_copies(
    hear: Callable[[], Task], say: Callable[[Message], None], work: Callable[[Task, Callable[[Any], None]], None]
) -> NoReturn:
    """Let a copy of this process work on tasks, and where it dies the next one, which has the model already."""
    copy: Copy | None = None

    def stop(*_: Any) -> None:
        if copy is not None:
            copy.kill()
            copy.ending()  # so that nothing is written any more
        os._exit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    while True:
        task = hear()
        copy = copy or Copy(work)
        for message in copy.do(task):
            say(message)
            if message.kind in ("done", "refused"):
                break
        else:
            ended, copy = copy, None
            say(Message("died", ended.ending()))


def _work(bench: Any, task: Task, say: Callable[[Any], None]) -> Any:
    def tell(clips: Any) -> None:
        say(Message("turn", tuple(clips)))

    if task.only is None:
        return bench.run(task.shard, tell, task.crashed)
    bench.compute(task.shard, tell, [clip.number for clip in task.shard.clips if clip.number not in task.only])
    return None
