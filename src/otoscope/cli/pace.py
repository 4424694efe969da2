"""Progress of long work on standard error: how much is done, how fast it goes, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from otoscope.cli.console import err_console

_EVERY = 30.0  # s between lines where no bar can be drawn


Report = Callable[[int, int], None]
"""Called with how much is done, of how much."""


@contextmanager
def pace(task: str, what: str = "clips") -> Iterator[Report]:
    """A bar on a terminal, and else a line now and then; what is yielded is told how much is done, of how much."""
    with paces(task, what=what) as (report,):
        yield report


@contextmanager
def paces(*tasks: str, what: str = "clips") -> Iterator[list[Report]]:
    """The same for tasks that come one after another: a bar appears when its task is first told of."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(f"{{task.fields[rate]}} {what}/s"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns,
        console=err_console,
        transient=True,
        disable=not err_console.is_terminal,
        speed_estimate_period=120,
    ) as bar:
        yield [_report(bar, task, what) for task in tasks]


def _report(bar: Progress, task: str, what: str) -> Report:
    task_id = bar.add_task(task, total=None, rate="-", visible=False)
    start, first, said = 0.0, -1, time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal start, first, said
        now = time.monotonic()
        if first < 0:
            start, first = now, done
        speed = (done - first) / (now - start) if now > start else 0.0
        bar.update(task_id, completed=done, total=total, rate=f"{speed:.1f}", visible=True)
        if bar.disable and now - said >= _EVERY:
            said = now
            left = f", {_clock((total - done) / speed)} left" if speed > 0 else ""
            err_console.print(f"{task}: {done} of {total} {what}, {speed:.1f} {what}/s{left}", markup=False)

    return report


def _clock(seconds: float) -> str:
    """Such as ``1:05`` and ``2:00:00``."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
