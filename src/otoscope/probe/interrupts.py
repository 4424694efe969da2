"""Let a signal wait, such as that of Ctrl-C, until what is being put back is back."""

from __future__ import annotations

import signal
import threading
from _thread import start_new_thread
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import sleep
from types import FrameType
from typing import Any

_NUMBERS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM") if hasattr(signal, name))
_MOMENT = 0.002  # s


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Raise the exception of a signal between the contexts inside this one, and not while one is entered or left.

    Python may run the handler of a signal between any two steps of the main thread, and so within ``__exit__``, whose
    rest is then never done. In here a handler that comes then is called a moment later.

    Examples
    --------
    >>> import torch
    >>> try:
    ...     with interrupts_wait(), torch.no_grad():
    ...         signal.raise_signal(signal.SIGINT)
    ... except KeyboardInterrupt:
    ...     print("as before:", torch.is_grad_enabled())
    as before: True
    """
    held: list[_Patient] = []
    if threading.current_thread() is threading.main_thread():
        handlers = ((number, signal.getsignal(number)) for number in _NUMBERS)
        held = [_Patient(n, one) for n, one in handlers if callable(one) and not isinstance(one, _Patient)]
    try:
        for ours in held:
            signal.signal(ours.number, ours)
        yield
    finally:
        for ours in held:
            if isinstance(signal.getsignal(ours.number), _Patient):  # and none that was set meanwhile
                signal.signal(ours.number, ours.handler)
        for ours in held:
            ours.signal_again()


def came_by_signal(error: BaseException) -> bool:
    """Whether an exception was raised by the handler of a signal, in :func:`interrupts_wait`."""
    step = error.__traceback__
    while step is not None and step.tb_frame.f_code is not _Patient.__call__.__code__:
        step = step.tb_next
    return step is not None


class _Patient:
    """The handler of a signal, called when no context is being entered or left."""

    def __init__(self, number: int, handler: Callable[[int, FrameType | None], Any]) -> None:
        self.number, self.handler = number, handler
        self._waiting: list[int] = []

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not _amid_a_change(frame):
            self.handler(number, frame)
        elif not self._waiting:
            self._waiting.append(number)
            start_new_thread(self._signal_later, ())

    def _signal_later(self) -> None:
        sleep(_MOMENT)
        self.signal_again()

    def signal_again(self) -> None:
        """Send the signal that is waiting, where it was not yet sent again."""
        with suppress(IndexError):
            number = self._waiting.pop()
            signal.pthread_kill(threading.main_thread().ident or 0, number)


def _amid_a_change(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code.co_name not in ("__enter__", "__exit__"):
        frame = frame.f_back
    return frame is not None
