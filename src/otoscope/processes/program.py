"""Programs of our own in processes of their own, and what they and this one say to each other.

They are not started by `multiprocessing`, which would run the script of the user again. Messages are pickles behind
their length, on standard input and output; whatever else is printed there goes to standard error.
"""

from __future__ import annotations

import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import IO, Any

from otoscope.text import visible


class Program:
    """A program that runs ``main`` of a module.

    Parameters
    ----------
    module : str
    hear : callable
        Given every message, by a thread, and None when the program has ended.
    """

    def __init__(self, module: str, hear: Callable[[Any], None]) -> None:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        environment = os.environ | threads | {"PYTHONPATH": os.pathsep.join(sys.path)}
        # Ctrl-C, which all processes of a terminal get, is left to this one; also while that one still imports
        quiet = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
        command = [sys.executable, "-P", "-c", f"{quiet}; from {module} import main; main()"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self._hear = hear
        threading.Thread(target=self._listen, daemon=True).start()

    def tell(self, content: Any) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):  # it has ended, as is heard
            send(self._process.stdin, content)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream, suppress(EOFError, OSError):
            while True:
                self._hear(receive(stream))
        self._process.wait()
        self._hear(None)

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def signal(self, number: int) -> None:
        """Send it a signal, if it has not ended."""
        self._process.send_signal(number)

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def end(self, patience: float = 2.0) -> None:
        """Wait for it to end as it was asked to, for some seconds, and then do not ask any more."""
        self._process.terminate()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        return ending_of(self._process.returncode)


def ending_of(code: int | None) -> str:
    """How a process ended, in words, by its exit status or the number of a signal below 0.

    Examples
    --------
    >>> ending_of(1), ending_of(-11)
    ('exit status 1', 'SIGSEGV')
    """
    if code is None or code >= 0:
        return f"exit status {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def conversation() -> tuple[Callable[[], Any], Callable[[Any], None]]:
    """In such a program: functions that wait for the next message, and that send one.

    Ctrl-C is left to the process that started this one; where that has ended, this one does at once. From now on a
    warning is one line on standard error, as those of a command are: its place is one of ours, and says nothing.
    """
    warnings.showwarning = _print_warning
    if hasattr(signal, "SIGINT"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked, answers = os.fdopen(os.dup(0), "rb", buffering=0), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return between(asked, answers)


def _print_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"warning: {visible(' '.join(str(message).split()))}", file=sys.stderr, flush=True)


def between(asked: IO[bytes], answers: IO[bytes]) -> tuple[Callable[[], Any], Callable[[Any], None]]:
    """Functions that wait for the next message, and that send one; the process ends where no more can come."""
    heard: SimpleQueue[Any] = SimpleQueue()

    def listen() -> None:
        try:
            while True:
                heard.put(receive(asked))
        except (EOFError, OSError):
            os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    return heard.get, lambda content: send(answers, content)


def send(stream: IO[bytes], content: Any) -> None:
    """Write a message."""
    packed = pickle.dumps(content)
    stream.write(struct.pack("<Q", len(packed)) + packed)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """The next message; an EOFError where there is none."""
    size = struct.unpack("<Q", _exactly(stream, 8))[0]
    return pickle.loads(_exactly(stream, size))  # noqa: S301 - of our own process


def _exactly(stream: IO[bytes], count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        part = stream.read(count - len(found))
        if not part:
            raise EOFError
        found += part
    return bytes(found)
