"""Why something could not be made, in words."""

from __future__ import annotations

import re

from otoscope.errors import InputError


def reason_for(error: Exception) -> str:
    """Why something could not be made, in a line.

    Examples
    --------
    >>> reason_for(ZeroDivisionError("float division by zero"))
    'it failed (ZeroDivisionError: float division by zero)'
    """
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, MemoryError) or re.search("out of memory|allocate memory", str(error)):
        return "there is not enough memory for it: give a shorter sound"
    first = str(error).strip().partition("\n")[0]
    return f"it failed ({type(error).__name__}{': ' if first else ''}{first})"
