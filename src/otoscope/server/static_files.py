"""The files of the page, in a table that is made once: what is not in it cannot be asked for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

_KINDS = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_INDEX = "index.html"
_START, _STYLE = "live_main.js", "page.css"


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


def index(facts: dict[str, Any], names: dict[str, File]) -> File:
    """The page that a browser opens first: the markup of all pages, and what this server is."""
    place = files("otoscope.app").joinpath("static").joinpath(_INDEX)
    markup = place.read_text("utf-8") if place.is_file() else _PLAIN
    data = json.dumps(facts, allow_nan=False).replace("<", "\\u003c")
    start = _START if _START in names else "main.js"
    sheets = sorted((name for name in names if name.endswith(".css")), key=lambda name: (name != _STYLE, name))
    styles = "".join(f'<link rel="stylesheet" href="/static/{name}">' for name in sheets)
    for mark, content in {
        "<!--STYLE-->": styles,
        "<!--POLICY-->": "",  # it is among the headers
        "<!--MANIFEST-->": f'<script type="application/json" id="live">{data}</script>',
        "<!--PARTS-->": "",
        "<!--SCRIPT-->": f'<script type="module" src="/static/{start}"></script>',
    }.items():
        markup = markup.replace(mark, content)
    return File(markup.encode(), "text/html; charset=utf-8")


_PLAIN = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Otoscope</title><!--STYLE--></head>
<body><div class="otoscope" id="otoscope"></div><!--MANIFEST--><!--PARTS--><!--SCRIPT--></body></html>
"""
