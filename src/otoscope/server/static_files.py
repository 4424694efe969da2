"""The files of the page, in a table that is made once: what is not in it cannot be asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from otoscope.server.answers import as_bytes

_KINDS = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_INDEX = "index.html"
_LIVE, _RUN, _STYLE = "live_main.js", "run_main.js", "page.css"

RUN_PARTS = "/api/run/parts/"
"""Where the parts of a run are, as files for script elements."""


@dataclass(frozen=True)
class File:
    """A file in memory.

    Attributes
    ----------
    content : bytes
    kind : str
        Its media type.
    """

    content: bytes
    kind: str

    @property
    def tag(self) -> str:
        """By which a browser knows that it has it already."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:20]}"'


def static_files() -> dict[str, File]:
    """The modules and styles of the page, by name."""
    found = {}
    for one in files("otoscope.app").joinpath("static").iterdir():
        suffix = f".{one.name.rpartition('.')[2]}"
        if one.is_file() and suffix in _KINDS:
            found[one.name] = File(one.read_bytes(), _KINDS[suffix])
    return found


def live_page(facts: dict[str, Any], names: Mapping[str, File], run: bool) -> File:
    """The page that asks a live model, with what it has to know of this server; with a run there is a way to it."""
    data = f'<script type="application/json" id="live">{in_html(facts)}</script>'
    return _page(names, data, _LIVE, '<a class="way" href="/">The run</a>' if run else "")


def run_index(manifest: Mapping[str, Any], names: Mapping[str, File], live: bool) -> File:
    """The page of a run, whose parts are at addresses of their own; with a model there is a way to it."""
    data = f'<script type="application/json" id="manifest" data-parts="{RUN_PARTS}">{in_html(manifest)}</script>'
    return _page(names, data, _RUN, '<a class="way" href="/live">Ask its model</a>' if live else "")


def in_html(content: Any) -> str:
    """JSON that can stand inside HTML: no name in it can end a script or begin a comment."""
    return as_bytes(content).decode().replace("<", "\\u003c")


def _page(names: Mapping[str, File], data: str, start: str, way: str) -> File:
    markup = files("otoscope.app").joinpath("static").joinpath(_INDEX).read_text("utf-8")
    sheets = sorted((name for name in names if name.endswith(".css")), key=lambda name: (name != _STYLE, name))
    styles = "".join(f'<link rel="stylesheet" href="/static/{name}">' for name in sheets)
    for mark, content in {
        "<!--POLICY-->": "",  # it is among the headers
        "<!--STYLE-->": styles,
        "</header>": f"{way}</header>",
        "<!--PARTS-->": "",
        "<!--SCRIPT-->": f'<script type="module" src="/static/{start}"></script>',
        "<!--MANIFEST-->": data,
    }.items():
        markup = markup.replace(mark, content)
    return File(markup.encode(), "text/html; charset=utf-8")
