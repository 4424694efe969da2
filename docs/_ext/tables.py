"""The tables of methods, commands and claims in README.md and docs/, made from the records: ``make tables``.

In a page a table stands between ``<!-- NAME -->`` and ``<!-- end of NAME -->``; a test fails where it is not what this
script would write.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from importlib import import_module
from itertools import chain
from pathlib import Path

from otoscope.cli import OWN, __path__
from otoscope.methods.catalogue import METHODS, Record
from otoscope.methods.listing import listing, summary
from otoscope.studies.catalogue import claims_in_markdown

DOCS = Path(__file__).resolve().parents[1]
COMMANDS = Path(__path__[0])
GROUPS = {
    "model": "The model alone",
    "wave": "A sound through it",
    "data": "Many sounds through it",
}


def overview(page: Path) -> str:
    """A row for each method: its name, what it does, and the work that it is from."""
    rows = [
        (f"[`{record.name}`]({_page(record, page)})", _line(record.summary), _short(record.source))
        for record in _records()
    ]
    return _table(("method", "what it does", "from"), rows)


def commands(page: Path) -> str:
    """A row for each command: those that come first, the methods, and the others."""
    first, *last = ([(name, _line(summary(COMMANDS / f"{name}.py", name))) for name in names] for names in OWN.values())
    methods = [
        (record.name.replace("_", "-"), f"[{_line(record.summary)}]({_page(record, page)})") for record in _records()
    ]
    rows = [(f"`otoscope {name}`", does) for name, does in (*first, *methods, *chain.from_iterable(last))]
    return _table(("command", "what it does"), rows)


def pages(page: Path) -> str:
    """The pages of the methods, by what a method is given."""
    blocks = []
    for takes, heading in GROUPS.items():
        records = [record for record in _records() if record.takes == takes]
        listed = "\n".join(f"- [`{record.name}`]({_page(record, page)}): {_line(record.summary)}" for record in records)
        blocks.append(f"## {heading}\n\n{listed}")
    names = "\n".join(Path(_page(record, page)).stem for record in _records())
    return "\n\n".join([*blocks, f"```{{toctree}}\n:hidden:\n\n{names}\n```"])


def claims(page: Path) -> str:
    """The claims of each study, and how they stand by the rows that are kept."""
    return claims_in_markdown()


TABLES = {
    DOCS.parent / "README.md": {"methods": overview},
    DOCS / "command-line.md": {"table of commands": commands},
    DOCS / "methods" / "index.md": {"methods": pages},
    DOCS / "studies.md": {"claims": claims},
}


def filled(page: Path) -> str:
    """The text of a page with its tables as they should be."""
    text = page.read_text("utf-8")
    for name, make in TABLES[page].items():
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, found, rest = text.partition(start)
        _, ended, after = rest.partition(end)
        if not (found and ended):
            raise SystemExit(f"{page} has no lines {start} and {end}")
        text = f"{before}{start}\n\n{make(page)}\n\n{end}{after}"
    return text


def _records() -> list[Record]:
    for listed in listing().values():
        import_module(listed.module)
    return [METHODS[name] for name in listing()]


def _page(record: Record, page: Path) -> str:
    """Where the page of a method lies from another page."""
    return Path(os.path.relpath(DOCS / "methods" / f"{record.name.replace('_', '-')}.md", page.parent)).as_posix()


def _short(source: str) -> str:
    """Citations without the titles of the works."""
    return re.sub(r', "[^"]*"', "", source)


def _line(text: str) -> str:
    return text.removesuffix(".").replace("|", "\\|").replace("``", "`")


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    for path in TABLES:
        path.write_text(filled(path), "utf-8")
