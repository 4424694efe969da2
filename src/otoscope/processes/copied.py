"""A copy of this process, forked, that does what may end it: its end costs a moment, and not another start."""

from __future__ import annotations

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from otoscope.processes.program import between, ending_of, receive, send

Say = Callable[[Any], None]
_SAFE = ("jemalloc_bg_thd",)
_OWN = 2  # threads of a program that can be copied: the main one, and the one that listens


class Copy:
    """A forked copy of this process, which works on one thing after another.

    Parameters
    ----------
    work : callable
        Called with what the copy is told, and with a function that says something of it.
    """

    def __init__(self, work: Callable[[Any, Say], None]) -> None:
        (hears, tells), (listens, says) = os.pipe(), os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads: the one that listens waits
            self._process = os.fork()
        if self._process == 0:
            os.close(tells)
            os.close(listens)
            _serve(hears, says, work)
        os.close(hears)
        os.close(says)
        self._told, self._said = os.fdopen(tells, "wb"), os.fdopen(listens, "rb", buffering=0)

    def do(self, content: Any) -> Iterator[Any]:
        """Tell it what to work on, and yield what it says, until it has ended."""
        with suppress(OSError):  # it has ended, as is heard
            send(self._told, content)
        with suppress(EOFError, OSError):
            while True:
                yield receive(self._said)

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            os.kill(self._process, signal.SIGKILL)

    def ending(self) -> str:
        """Wait for its end: how it ended, in words."""
        _, status = os.waitpid(self._process, 0)
        for pipe in (self._told, self._said):
            with suppress(OSError):
                pipe.close()
        return ending_of(os.waitstatus_to_exitcode(status))


def can_be_copied() -> bool:
    """Whether a copy of this process can do all that it can: on Linux, without a GPU, and without further threads.

    A thread is not in a copy, but a lock that it holds is; that of the allocator of pyarrow takes care of it itself.
    """
    import torch

    if sys.platform != "linux" or torch.cuda.is_available():
        return False
    try:
        names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    except OSError:
        return False
    return len([name for name in names if name not in _SAFE]) <= _OWN


def _serve(hears: int, says: int, work: Callable[[Any, Say], None]) -> None:
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        hear, say = between(os.fdopen(hears, "rb", buffering=0), os.fdopen(says, "wb"))
        while True:
            work(hear(), say)
    except BaseException:  # what is raised here would go on as if in the process that was copied
        traceback.print_exc()
    finally:
        os._exit(1)
