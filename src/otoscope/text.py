"""Text from outside, which may hold what no file or terminal takes: halves of a character, and names in no encoding."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def writable(text: str) -> str:
    """The text, and what of it is no character as its code, so that it can be written and two texts stay two.

    Examples
    --------
    >>> writable("ä.wav"), writable("a\\ud800.wav")
    ('ä.wav', 'a\\\\ud800.wav')
    """
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


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
