"""What commands print: numbers that can be read, and text as it is."""

from __future__ import annotations

import pytest

from otoscope.cli.console import as_text, facts_table, make_table, out_console


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
