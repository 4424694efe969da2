"""What commands print: tables and JSON on standard output, messages and progress on standard error."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from typing import Any, TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from otoscope.text import visible

_terminal = sys.stdout is not None and sys.stdout.isatty()  # standard output may be closed


class _Console(Console):
    """A console to which names from outside are text alone: none moves the cursor, colours it or breaks its line.

    What is printed without markup is one line.
    """

    def render_str(self, text: str, **how: Any) -> Text:
        return super().render_str(visible(text, kept="" if how.get("markup") is False else "\n"), **how)


def error_lines(message: str) -> Text:
    """What is wrong, which may show lines of code."""
    return Text(visible(message, kept="\n"))


out_console = _Console(highlight=False, emoji=False, width=None if _terminal else 200)
err_console = _Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


class Lines(str):
    """Texts of which each has a line of its own, in one cell or above a table."""

    def __new__(cls, texts: Iterable[str]) -> Lines:
        return super().__new__(cls, "\n".join(map(visible, texts)))


def begin(quiet: bool = False) -> None:
    """Print messages unless `quiet`, and from now on a warning as one of them: one line, without where it arose."""
    err_console.quiet = quiet
    warnings.showwarning = _print_warning


def _print_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    err_console.print(f"warning: {' '.join(str(message).split())}", markup=False)


@contextmanager
def results_alone() -> Iterator[None]:
    """Let what others print, such as the user's model, go to standard error: standard output carries the result alone.

    Also what is written past Python, and by processes that are started meanwhile.
    """
    own = sys.stdout
    if own is None:
        yield
        return
    own.flush()
    with ExitStack() as after:
        results = after.enter_context(_apart(own))
        after.callback(setattr, out_console, "_file", None)
        after.enter_context(redirect_stdout(sys.stderr))
        out_console.file = results
        yield
        results.flush()


@contextmanager
def _apart(own: TextIO) -> Iterator[TextIO]:
    """Standard output on a descriptor of its own, while descriptor 1 is that of standard error."""
    try:
        plain = own.fileno() == 1 and sys.stderr is not None and sys.stderr.fileno() == 2
    except (OSError, ValueError):  # no file, as in a notebook
        plain = False
    if not plain:
        yield own
        return
    kept = os.dup(1)
    os.dup2(2, 1)
    results = open(kept, "w", encoding=own.encoding, errors=own.errors, buffering=1 if own.isatty() else -1)  # noqa: SIM115
    try:
        yield results
    finally:
        os.dup2(kept, 1)
        with suppress(OSError):  # of which the caller knows by now
            results.close()


@contextmanager
def progress_bar(task: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error; what is yielded is called with a step's name, how much is done and of how much."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err_console, transient=True, disable=not err_console.is_terminal) as bar:
        task_id = bar.add_task(task, total=None)

        def report(step: str, done: int, total: int) -> None:
            bar.update(task_id, description=visible(f"{task}: {step}"), completed=done, total=total or None)

        yield report


def end_named(missing: Mapping[str, str]) -> None:
    """Where something could not be made, name it with the reason and exit with 3."""
    for reason in dict.fromkeys(missing.values()):
        names = ", ".join(name for name, one in missing.items() if one == reason)
        err_console.print(f"missing: {names}: {reason}", markup=False)
    if missing:
        sys.exit(3)


def print_json(content: Mapping[str, Any]) -> None:
    """One JSON object, whose numbers are all finite."""
    print(json.dumps(content, allow_nan=False), file=out_console.file, flush=True)


def print_table(
    title: str,
    rows: Sequence[Mapping[str, Any]],
    headings: Mapping[str, str],
    caption: str = "",
    keys: int = 1,
    most: int = 40,
) -> None:
    """A table of rows; of a long one the first rows, `most` of them.

    Columns that do not fit beside each other stand closer or, where that does not suffice, in a table below, after the
    same first `keys` columns.
    """
    left = len(rows) - most
    more = f"{left} more rows: --json prints all of them" if left > 0 else ""
    rows, gap = rows[:most], 1
    parts = list(_side_by_side(rows, headings, keys, out_console.width, gap))
    if len(parts) > 1 and len(close := list(_side_by_side(rows, headings, keys, out_console.width, 0))) == 1:
        parts, gap = close, 0
    for place, part in enumerate(parts):
        table = make_table("" if place else title, rows, part, gap)
        if part is parts[-1]:
            table.caption, table.caption_justify = "\n".join(filter(None, (more, caption))) or None, "left"
        out_console.print(table)


def _side_by_side(
    rows: Sequence[Mapping[str, Any]], headings: Mapping[str, str], keys: int, width: int, gap: int
) -> Iterator[dict[str, str]]:
    """The columns in groups that fit into `width`."""
    first = dict(list(headings.items())[:keys])
    part = dict(first)
    for key, heading in list(headings.items())[keys:]:
        wider = part | {key: heading}
        if len(part) > keys and sum(_least_width(rows, one, wider[one]) + 2 * gap + 1 for one in wider) >= width:
            yield part
            wider = first | {key: heading}
        part = wider
    yield part


def _least_width(rows: Sequence[Mapping[str, Any]], key: str, heading: str) -> int:
    """The width of a column whose heading is broken between words, and whose text is folded where it is long."""
    longest = max((len(as_text(row.get(key))) for row in rows), default=0)
    text = bool(rows) and isinstance(rows[0].get(key), str)
    return max(min(longest, 14) if text else longest, *(len(word) for word in heading.split()))


def make_table(title: str, rows: Sequence[Mapping[str, Any]], headings: Mapping[str, str], gap: int = 1) -> Table:
    """A table whose numbers are never cut: without its exponent a number would be another one."""
    table = Table(title=escape(title) or None, title_justify="left", header_style="bold", padding=(0, gap))
    widest = [max([len(heading), *(len(as_text(row.get(key))) for row in rows)]) for key, heading in headings.items()]
    tight = sum(one + 2 * gap + 1 for one in widest) >= out_console.width
    for column, (key, heading) in enumerate(headings.items()):
        if rows and isinstance(rows[0].get(key), str):
            longest = max(len(as_text(row.get(key))) for row in rows)
            table.add_column(heading, overflow="fold", no_wrap=column == 0 and longest <= 14)
        else:
            width = _least_width(rows, key, heading) if tight else None
            table.add_column(heading, justify="right", overflow="fold", width=width)
    for row in rows:
        table.add_row(*(escape(as_text(row.get(key))) for key in headings))
    return table


def facts_table(facts: Mapping[str, Any]) -> Table:
    """A table of names and values."""
    table = Table(show_header=False)
    for key, value in facts.items():
        if not isinstance(value, (dict, list)):
            table.add_row(key.replace("_", " "), escape(as_text(value)))
    return table


def counted(count: int, what: str) -> str:
    """Such as ``1 sound`` and ``2 sounds``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def as_text(value: Any) -> str:
    """A value of a table: numbers to four digits, or whole from ten thousand on."""
    if value is None or value != value:  # NaN is not itself
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"
    if isinstance(value, (list, tuple)):
        return "x".join(map(str, value)) or "-"
    return str(value) if isinstance(value, Lines) else visible(str(value))
