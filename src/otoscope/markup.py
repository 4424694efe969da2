"""HTML that notebooks show in place of a ``repr``: tables and lists of facts, in which all text is escaped."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from html import escape

_LEFT, _RIGHT = "text-align: left", "text-align: right"


def card(title: str, *parts: str) -> str:
    """A title over parts that are HTML already.

    Examples
    --------
    >>> card("a < b", facts({"rate": 8000}))[:44]
    '<div class="otoscope-card"><p><b>a &lt; b</b'
    """
    return f'<div class="otoscope-card"><p><b>{escape(title)}</b></p>{"".join(parts)}</div>'


def facts(rows: Mapping[str, object]) -> str:
    """Names and what is known of them, a line each; what is None or empty is left out."""
    lines = "".join(
        f'<tr><th scope="row" style="{_LEFT}">{escape(name)}</th><td style="{_LEFT}">{escape(cell(value))}</td></tr>'
        for name, value in rows.items()
        if value is not None and value != ""
    )
    return f"<table><tbody>{lines}</tbody></table>"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows under headings, columns of numbers to the right; of many rows it is as high as a screen, and scrolls.

    Parameters
    ----------
    columns : sequence of str
    rows : sequence of sequences
        Text, numbers or None; as long as `columns`.

    Examples
    --------
    >>> "&lt;b&gt;" in table(["layer"], [["<b>"]])
    True
    """
    styles = [_RIGHT if all(is_number(row[i]) for row in rows) else _LEFT for i in range(len(columns))]
    head = _row("th", [escape(name) for name in columns], styles)
    body = "".join(_row("td", [escape(cell(value)) for value in row], styles) for row in rows)
    return (
        f'<div style="max-height: 32em; overflow: auto"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'
    )


def folded(title: str, content: str) -> str:
    """Content, which is HTML already, behind a title that opens it."""
    return f"<details><summary>{escape(title)}</summary>{content}</details>"


def note(text: str) -> str:
    """A remark in small print."""
    return f"<p><small>{escape(text)}</small></p>"


def _row(tag: str, cells: Sequence[str], styles: Sequence[str]) -> str:
    return "".join(
        ("<tr>", *(f'<{tag} style="{style}">{one}</{tag}>' for one, style in zip(cells, styles, strict=True)), "</tr>")
    )


def is_number(value: object) -> bool:
    """Whether a cell belongs to a column of numbers, in which some may be missing."""
    return value is None or (isinstance(value, numbers.Real) and not isinstance(value, bool))


def cell(value: object) -> str:
    """A value as a table shows it: four digits, and a dash for what is missing.

    Examples
    --------
    >>> cell(0.123456), cell(12345.6), cell(math.nan), cell("relu1")
    ('0.1235', '12346', '–', 'relu1')
    """
    if value is None or (isinstance(value, numbers.Real) and math.isnan(value)):
        return "–"
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Rational):  # no count
        number = float(value)
        return f"{number:.4g}" if abs(number) < 1e4 else f"{number:.0f}"
    return str(value)
