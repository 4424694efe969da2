"""What the programs of a server have in common: told what to keep, they do one task after another in copies of them."""

from __future__ import annotations

import os
import signal
import traceback
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

from otoscope.errors import InputError
from otoscope.processes.copied import Copy
from otoscope.processes.program import conversation
from otoscope.server.refusal import Refusal
from otoscope.server.tasks import by_name
from otoscope.server.workers import STOP, Message

Tell = Callable[[str, int, int], None]
Do = Callable[[Any, Tell], Any]


def work_on(begin: Callable[[Any], tuple[Do, dict[str, Any]]], *, copied: Callable[[], bool], fresh: bool) -> None:
    """Be such a program.

    Parameters
    ----------
    begin : callable
        Given what the program is told first; returns what does a task, and the facts of which the server is told.
    copied : callable
        Whether tasks can be done in a forked copy, so that what was begun survives their end.
    fresh : bool
        Whether each task gets a copy of its own.
    """
    signal.signal(STOP, signal.SIG_IGN)
    hear, say = conversation()
    first = hear()
    try:
        do, facts = begin(first)
        in_copies = copied()
    except (InputError, Refusal) as error:
        say(_of(error))
        return
    except Exception as error:
        traceback.print_exc()
        say(Message("failed", f"{type(error).__name__}: {error}"))
        return
    say(Message("ready", facts | {"copied": in_copies}))

    def work(task: Any, say: Callable[[Message], None]) -> None:
        warnings.simplefilter("ignore")
        try:
            done = do(task, lambda step, done, total: say(Message("step", (step, done, total))))
        except (InputError, Refusal) as error:
            say(_of(error, task))
        except Exception as error:
            traceback.print_exc()
            say(Message("failed", by_name(f"{type(error).__name__}: {error}", task)))
        else:
            say(Message("done", done))

    if in_copies:
        _in_copies(hear, say, work, fresh)
    while True:
        work(hear(), say)


def _of(error: InputError | Refusal, task: Any = None) -> Message:
    refusal = error if isinstance(error, Refusal) else Refusal(422, "unfit", str(error))
    message = refusal.message if task is None else by_name(refusal.message, task)
    return Message("refused", (refusal.status, refusal.code, message))


def _in_copies(
    hear: Callable[[], Any],
    say: Callable[[Message], None],
    work: Callable[[Any, Callable[[Message], None]], None],
    fresh: bool,
) -> NoReturn:
    copy: Copy | None = None
    working = False

    def stop_work(*_: Any) -> None:
        if copy is not None and working:
            copy.kill()

    def stop(*_: Any) -> None:
        if copy is not None:
            copy.kill()
        os._exit(128 + signal.SIGTERM)

    signal.signal(STOP, stop_work)
    signal.signal(signal.SIGTERM, stop)
    while True:
        task = hear()
        copy = copy or Copy(work)
        working = True
        for message in copy.do(task):
            if message.kind != "step":
                working = False
                break
            say(message)
        else:
            ended, copy, working = copy, None, False
            say(Message("died", ended.ending()))
            continue
        if fresh:
            copy.kill()
            copy.ending()
            copy = None
        say(message)
