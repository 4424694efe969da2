"""The page as one file: modules joined into one inline script, and a policy that lets nothing else in.

Browsers refuse modules and ``fetch`` where a page is opened from a file, so the modules of ``static/`` are joined here:
in the order of their imports, without the lines of import and the word export. That is what the rules of ``static/``
are for: imports of names alone and on one line, no cycles, and no name at the top of two modules.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from otoscope.errors import InputError

STATIC = files("otoscope.app") / "static"
IMPORT = re.compile(r'^import \{[^}]*\} from "\./([a-z0-9_]+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?function |class |const )", re.MULTILINE)
NAME = re.compile(r"[A-Za-z0-9._-]+")


@cache
def read_static(name: str) -> str:
    """Text of a file of ``static/``.

    Parameters
    ----------
    name : str
        Name of the file.

    Returns
    -------
    str
        What it holds.

    Examples
    --------
    >>> "createPage" in read_static("page.js")
    True

    """
    return (STATIC / name).read_text(encoding="utf-8")


def ordered_modules(entry: str = "main.js") -> tuple[str, ...]:
    """Modules that an entry needs, each after those it imports.

    Parameters
    ----------
    entry : str
        Module to begin from.

    Returns
    -------
    tuple of str
        Names of files, the entry last.

    Raises
    ------
    ValueError
        Where modules import each other in a circle.

    Examples
    --------
    >>> ordered_modules("axes.js")
    ('numbers.js', 'axes.js')

    """
    order: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ValueError(f"{' imports '.join((*above, name))}")
        if name in order:
            return
        for needed in IMPORT.findall(read_static(name)):
            visit(needed, (*above, name))
        order.append(name)

    visit(entry, ())
    return tuple(order)


def script(entry: str = "main.js") -> str:
    """Modules joined into one script.

    Parameters
    ----------
    entry : str
        Module to begin from.

    Returns
    -------
    str
        One script for ``<script type="module">``; the exports of all modules are names at its top.

    Examples
    --------
    >>> "export" in script("axes.js"), "import" in script("axes.js")
    (False, False)

    """
    texts = (IMPORT.sub("", read_static(name)) for name in ordered_modules(entry))
    return "\n".join(EXPORT.sub("", text).strip() + "\n" for text in texts)


def style() -> str:
    """The style of the page: ``page.css``, then the other sheets in the order of their names.

    Returns
    -------
    str
        CSS.

    Examples
    --------
    >>> ".otoscope" in style()
    True

    """
    sheets = sorted((entry.name for entry in STATIC.iterdir() if entry.name.endswith(".css")), key=_after_page)
    return "\n".join(read_static(name) for name in sheets)


def markup() -> str:
    """What stands inside the element ``.otoscope``, for a page in a shadow root.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> 'id="answer"' in markup()
    True

    """
    html = read_static("index.html")
    start = html.index('<div class="otoscope" id="otoscope">\n') + len('<div class="otoscope" id="otoscope">\n')
    return html[start : html.index("</div>\n\n<!--MANIFEST-->")]


def part_file(packed: bytes) -> str:
    """A part as a script beside the page, to be loaded where it cannot be fetched.

    Parameters
    ----------
    packed : bytes
        The part, deflated.

    Returns
    -------
    str
        A script that leaves the part on its own element, so that it names nothing global.

    Examples
    --------
    >>> part_file(b"abc")
    'document.currentScript.packed="YWJj";'

    """
    return f'document.currentScript.packed="{base64.b64encode(packed).decode()}";'


def page_html(
    manifest: Mapping[str, Any],
    parts: Mapping[str, bytes] | None = None,
    *,
    outside: str | None = None,
    entry: str = "main.js",
) -> str:
    """A page as one HTML file that asks nobody for anything.

    Parameters
    ----------
    manifest : mapping
        What the page shows; JSON without NaN.
    parts : mapping of str to bytes
        Parts by name, deflated (zlib). Names are letters, digits, points, dashes.
    outside : str, optional
        Folder beside the page that holds the parts as files instead (see :func:`part_file`), as ``"parts/"``.
    entry : str
        Module that starts the page.

    Returns
    -------
    str
        HTML with a Content-Security-Policy that allows its own script by hash, no other and no request; with `outside`
        also scripts from beside the page.

    Raises
    ------
    InputError
        If the name of a part could not be a name of a file.

    Examples
    --------
    >>> html = page_html({"kind": "sound", "runs": [], "sounds": {}}, {"a": b"abc"})
    >>> "default-src 'none'" in html, "part:a" in html
    (True, True)

    """
    for name in parts or {}:
        if not NAME.fullmatch(name):
            raise InputError(f"a part cannot be called {name!r}: use letters, digits, points and dashes")
    code = script(entry).replace("</", "<\\/").replace("<!--", "<\\!--")
    inline = f"\n{code}"
    allowed = f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'"
    policy = (
        f"default-src 'none'; script-src {allowed}{_beside(outside)}; style-src 'unsafe-inline'; "
        "img-src data: blob:; media-src blob:; base-uri 'none'; form-action 'none'"
    )
    elements = "\n".join(
        f'<script type="application/octet-stream" id="part:{name}">{base64.b64encode(packed).decode()}</script>'
        for name, packed in (parts or {}).items()
    )
    folder = f' data-parts="{outside}"' if outside else ""
    data = f'<script type="application/json" id="manifest"{folder}>{inline_json(manifest)}</script>'
    pieces = {
        "POLICY": f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        "STYLE": f"<style>\n{style()}</style>",
        "MANIFEST": data,
        "PARTS": elements,
        "SCRIPT": f'<script type="module">{inline}</script>',
    }
    place = re.compile(f"<!--({'|'.join(pieces)})-->")
    return place.sub(lambda found: pieces[found[1]], read_static("index.html"))


def inline_json(value: Any) -> str:
    """JSON that can stand inside a script element, whatever its texts hold.

    Parameters
    ----------
    value : Any
        What JSON can hold; no NaN.

    Returns
    -------
    str
        JSON in ASCII, in which ``<`` is written as an escape.

    Examples
    --------
    >>> inline_json({"name": "</script>"})
    '{"name":"\\\\u003c/script>"}'

    """
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _beside(outside: str | None) -> str:
    return " 'self'" if outside else ""


def _after_page(name: str) -> tuple[bool, str]:
    return name != "page.css", name
