"""A process that works on shards: it is told which on its standard input, and tells what became of them.

It is started as a program of its own, and not by `multiprocessing`, which would run the script of the user again.
Messages are pickles behind their length; whatever a model prints goes to standard error.
"""

from __future__ import annotations

import os
import pickle
import signal
import struct
import sys
import threading
from dataclasses import dataclass
from queue import SimpleQueue
from typing import IO, Any, Literal

from otoscope.errors import InputError


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
        "ready" for a task; "turn", of the clips in `content`; "done", with a status, None after a trial; "refused",
        with the text of an InputError.
    content : object
    """

    kind: Literal["ready", "turn", "done", "refused"]
    content: Any = None


def send(stream: IO[bytes], content: Any) -> None:
    packed = pickle.dumps(content)
    stream.write(struct.pack("<Q", len(packed)) + packed)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """The next message; an EOFError where there is none."""
    head = _exactly(stream, 8)
    return pickle.loads(_exactly(stream, struct.unpack("<Q", head)[0]))  # noqa: S301 - of our own process


def _exactly(stream: IO[bytes], count: int) -> bytes:
    found = stream.read(count)
    if len(found) < count:
        raise EOFError
    return found


def main() -> None:
    """Work on tasks until the standard input ends."""
    if hasattr(signal, "SIGINT"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one says when it is over
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    job = receive(sys.stdin.buffer)
    tasks: SimpleQueue[Task] = SimpleQueue()
    threading.Thread(target=_listen, args=(tasks,), daemon=True).start()
    try:
        import torch

        from otoscope.sweeps.work import Bench

        torch.set_num_threads(1)
        bench = Bench(job)
    except InputError as error:
        send(answers, Message("refused", str(error)))
        return
    send(answers, Message("ready"))
    while True:
        task = tasks.get()
        try:
            send(answers, Message("done", _work(bench, task, answers)))
        except InputError as error:
            send(answers, Message("refused", str(error)))


def _work(bench: Any, task: Task, answers: IO[bytes]) -> Any:
    def tell(clips: Any) -> None:
        send(answers, Message("turn", tuple(clips)))

    if task.only is None:
        return bench.run(task.shard, tell, task.crashed)
    bench.compute(task.shard, tell, [clip.number for clip in task.shard.clips if clip.number not in task.only])
    return None


def _listen(tasks: SimpleQueue[Task]) -> None:
    """Hand tasks over; where whoever gave them is gone, end at once: what is committed is whole."""
    try:
        while True:
            tasks.put(receive(sys.stdin.buffer))
    except (EOFError, OSError):
        os._exit(0)
