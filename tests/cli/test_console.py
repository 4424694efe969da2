"""What commands print: numbers that can be read, and text as it is."""

from __future__ import annotations

import json

import pytest
from rich.progress import Progress

from otoscope.cli.console import (
    Lines,
    _print_warning,
    as_text,
    end_named,
    err_console,
    error_lines,
    facts_table,
    make_table,
    out_console,
    print_json,
    progress_bar,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (859.375, "859.4"), (0.000123456, "0.0001235"), (16000.0, "16000"), (-450317.4, "-450317"), (float("nan"), "-"),
        (None, "-"), (12, "12"), ("conv[0]", "conv[0]"), ((3, 7), "3x7"), ((), "-"),
    ],
)  # fmt: skip
def test_numbers_have_four_digits_and_what_is_unknown_a_dash(value: object, text: str) -> None:
    assert as_text(value) == text


def test_colons_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """As in the place of a model, ck.py:x."""
    out_console.print("ck.py:x: y", markup=False)
    assert capsys.readouterr().out == "ck.py:x: y\n"


def test_text_in_brackets_is_printed_as_it_is() -> None:
    with out_console.capture() as printed:
        out_console.print(make_table("of [red]", [{"name": "conv[bold]"}], {"name": "name"}))
        out_console.print(facts_table({"model": "[green]"}))
    assert all(text in printed.get() for text in ("of [red]", "conv[bold]", "[green]"))


HOSTILE = "ok\x1b]0;title\x07\x1b[31m \u202eeman\x9b2J\x7f \u2066\u200f"
SHOWN = r"ok\x1b]0;title\x07\x1b[31m \u202eeman\x9b2J\x7f \u2066\u200f"
BROKEN = "two\nlines\r\t"
SHOWN_BROKEN = r"two\nlines\r\t"


def test_names_reach_neither_the_terminal_nor_the_next_line() -> None:
    rows = [{"name": HOSTILE}, {"name": BROKEN}]
    with out_console.capture() as printed:
        out_console.print(make_table(HOSTILE, rows, {"name": HOSTILE}))
        out_console.print(facts_table({"model": HOSTILE, "notes": Lines([BROKEN, "next"])}))
        out_console.print(f"{HOSTILE}: {BROKEN}", markup=False)
    text = printed.get()
    assert text.count(SHOWN) == 5 and text.count(SHOWN_BROKEN) == 3
    assert all(one.isprintable() for one in text.splitlines())


def test_messages_of_names_are_one_line_and_errors_as_they_were_written(capsys: pytest.CaptureFixture[str]) -> None:
    err_console.print(f"{HOSTILE}: {BROKEN}", markup=False)
    _print_warning(HOSTILE)
    with pytest.raises(SystemExit):
        end_named({HOSTILE: BROKEN})
    assert capsys.readouterr().err.splitlines() == [
        f"{SHOWN}: {SHOWN_BROKEN}", f"warning: {SHOWN}", f"missing: {SHOWN}: {SHOWN_BROKEN}"
    ]  # fmt: skip
    err_console.print(error_lines(f"{HOSTILE}:\nclass Wrapped:"))
    assert capsys.readouterr().err == f"{SHOWN}:\nclass Wrapped:\n"


def test_a_step_of_progress_is_one_line_of_text(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(Progress, "update", lambda bar, task, **what: seen.append(what["description"]))
    with progress_bar("sweep") as report:
        report(f"[bold]{BROKEN}{HOSTILE}", 1, 2)
    assert seen == [f"sweep: [bold]{SHOWN_BROKEN}{SHOWN}"]


def test_json_is_exact(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": HOSTILE + BROKEN})
    assert json.loads(capsys.readouterr().out) == {"name": HOSTILE + BROKEN}
