"""Text from outside, which may hold what no file or terminal takes: halves of a character, and names in no encoding."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal


def writable(text: str) -> str:
    """The text, and what of it is not a character as its code, so that it can be written and two texts stay two.

    Examples
    --------
    >>> writable("ä.wav"), writable("a\\ud800.wav")
    ('ä.wav', 'a\\\\ud800.wav')
    """
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What moves the cursor, breaks a line or turns the direction of writing, and so changes the text around it."""


def visible(text: str, kept: str = "") -> str:
    """The text, with control characters and those that turn the direction of writing as their codes.

    Parameters
    ----------
    text : str
    kept : str
        Characters that stay as they are, such as the ends of lines.

    Examples
    --------
    >>> print(visible("a\\x1b[31m b\\n c\\u202e"))
    a\\x1b[31m b\\n c\\u202e
    >>> visible("a\\nb", kept="\\n")
    'a\\nb'
    """
    return _UNSEEN.sub(lambda found: found[0] if found[0] in kept else _code(found[0]), text)


def _code(character: str) -> str:
    return repr(character)[1:-1]


def span(low: float, high: float, unit: Literal["s", "Hz"]) -> str:
    """From one place to another, in the words of the page.

    Examples
    --------
    >>> span(0.21375, 0.25375, "s"), span(1420.4, 1620.0, "Hz"), span(0.0, 61.25, "s")
    ('0.214 to 0.254 s', '1,420 to 1,620 Hz', '0.0 to 61.3 s')
    """
    digits = 0 if unit == "Hz" else 1 if high - low >= 10 else 3
    step = Decimal(1).scaleb(-digits)  # half a step is rounded up, as browsers do
    ends = [Decimal(float(f"{end:.6g}")).quantize(step, ROUND_HALF_UP) for end in (low, high)]
    return f"{ends[0]:,} to {ends[1]:,} {unit}"


_FOLDERS = re.compile(
    r"""(?<![\w./\\:<~-])(?:~[\w-]*|[A-Za-z]:)?[/\\]{1,2}(?:[^\s/\\'"<>|:*?]+[/\\]{1,2})+(?=[^\s/\\'"<>|:])"""
)
"""What stands before the last part of a path that begins at the root, at home or at a drive."""


def without_folders(value: Any) -> Any:
    """A text, or what JSON has with all of its texts, with the last parts alone of paths that begin at the root.

    What is sent to others tells nothing of the folders of a machine. Of a folder with a space in its name the part
    after the space stays.

    Examples
    --------
    >>> without_folders("/home/me/clips/7.wav is damaged; see https://a.org/b/c and 1/2")
    '7.wav is damaged; see https://a.org/b/c and 1/2'
    >>> without_folders({"against": "~/clips/7.wav", "window": [0.1, "C:\\\\me\\\\x.pt"], "classes": ["/i/", "n/a"]})
    {'against': '7.wav', 'window': [0.1, 'x.pt'], 'classes': ['/i/', 'n/a']}
    """
    if isinstance(value, str):
        return _FOLDERS.sub("", value) if "/" in value or "\\" in value else value
    if isinstance(value, dict):
        return {key: without_folders(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [one if isinstance(one, (int, float)) else without_folders(one) for one in value]
    return value


def last_part(given: str) -> str:
    """The last part of a path, or of what may be one: a model or data as a user gives it.

    Examples
    --------
    >>> last_part("/home/me/my clips@test"), last_part("ear.py:Ear"), last_part("hf:org/name"), last_part("fsdd")
    ('my clips@test', 'ear.py:Ear', 'hf:org/name', 'fsdd')
    """
    if given.startswith("hf:"):
        return given
    return re.split(r"[/\\]", given.rstrip("/\\"))[-1] or given


def from_json(text: str, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """The content of a JSON text.

    Parameters
    ----------
    text : str
    pairs : callable, optional
        What makes an object of its names and values.

    Raises
    ------
    ValueError
        If it is not JSON, or lists are nested in lists without end.

    Examples
    --------
    >>> from_json("[" * 100_000)
    Traceback (most recent call last):
    ...
    ValueError: it is nested too deeply
    """
    try:
        return json.loads(text, object_pairs_hook=pairs)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
