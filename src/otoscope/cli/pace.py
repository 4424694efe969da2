"""Progress of long work on standard error: how much is done, how fast it goes, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from otoscope.cli.console import err_console

_EVERY = 30.0  # s between lines where no bar can be drawn


@contextmanager
def pace(task: str, what: str = "clips") -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, and else a line now and then; what is yielded is told how much is done, of how much."""
    start, first, said = time.monotonic(), -1, time.monotonic()
    rate = f"{{task.fields[rate]}} {what}/s"
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(rate),
        TimeRemainingColumn(),
    )
    drawn = err_console.is_terminal
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=err_console,
        transient=True,
        disable=not drawn,
        speed_estimate_period=120,
    ) as bar:
        task_id = bar.add_task(task, total=None, rate="-")

        def report(done: int, total: int) -> None:
            nonlocal first, said
            now = time.monotonic()
            first = done if first < 0 else first
            speed = (done - first) / (now - start) if now > start else 0.0
            bar.update(task_id, completed=done, total=total, rate=f"{speed:.1f}")
            if not drawn and now - said >= _EVERY:
                said = now
                left = f", {_clock((total - done) / speed)} left" if speed else ""
                err_console.print(f"{task}: {done} of {total} {what}, {speed:.1f} {what}/s{left}", markup=False)

        yield report


def _clock(seconds: float) -> str:
    """Such as ``1:05`` and ``2:00:00``."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
