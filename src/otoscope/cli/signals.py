"""How a command ends that is stopped from outside: nothing half-written stays, and the exit status says why."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NUMBERS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stop:
    """Whether the command was stopped, and how it is to end.

    While modules load, an exception may be caught by one of them, which then goes on half-loaded, and nothing has been
    written yet: the process ends at once. Afterwards the command ends by an exception, so that it clears up.
    """

    def __init__(self) -> None:
        self.number = 0
        self.working = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        if not self.working:
            os.write(2, b"interrupted\n")
            os._exit(128 + number)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + number)


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Handle the signals that stop a command; what the process ignores, as in the background, stays ignored.

    Whatever a library made of the exception of a signal, the process ends with the status of the signal.
    """
    stop, before = Stop(), {}
    if threading.current_thread() is threading.main_thread():
        before = {one: signal.getsignal(one) for one in _NUMBERS if signal.getsignal(one) is not signal.SIG_IGN}
    try:
        for one in before:
            signal.signal(one, stop)
        yield stop
    except BaseException:
        if stop.number:
            sys.exit(128 + stop.number)
        raise
    else:
        if stop.number:
            sys.exit(128 + stop.number)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
