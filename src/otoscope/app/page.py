"""A page as data: what is shown, and the arrays that it is drawn from and that are heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from otoscope.app.single_file import inline_json

FORMAT = "otoscope-page 1"


@dataclass(frozen=True)
class Page:
    """What the front end is given, wherever it runs.

    Attributes
    ----------
    manifest : dict
        Plain JSON without NaN: everything but arrays, and where these are.
    parts : mapping of str to bytes
        Arrays by the name of their part, each a zlib stream of what :mod:`otoscope.app.packing` wrote.
    """

    manifest: dict[str, Any]
    parts: Mapping[str, bytes]

    @property
    def size(self) -> int:
        """Bytes that it takes in one file, where parts are written in base64."""
        return sum(-(-len(part) // 3) * 4 for part in self.parts.values()) + len(self.text())

    def text(self) -> str:
        """The manifest as JSON that can stand inside HTML: no name in it can end a script or begin a comment.

        Examples
        --------
        >>> Page({"name": "</script><!--"}, {}).text()
        '{"name":"\\\\u003c/script>\\\\u003c!--"}'
        """
        return inline_json(self.manifest)
