"""The one error that bad input raises."""

from __future__ import annotations

from otoscope.text import visible


class InputError(ValueError):
    """Something the user gave cannot be used; the message names it and says how to fix it.

    The command line prints the message and exits with status 1. Python callers catch it as a
    ``ValueError``. What a message quotes of a file, and that would move the cursor of a terminal or turn the direction
    of writing, stands in it as a code.

    Examples
    --------
    >>> print(InputError("a\\x1b[31m.wav is not a sound"))
    a\\x1b[31m.wav is not a sound
    """

    def __init__(self, message: str) -> None:
        super().__init__(visible(str(message), kept="\n"))
