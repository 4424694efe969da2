"""The one error that bad input raises."""

from __future__ import annotations


class InputError(ValueError):
    """Something the user gave cannot be used; the message names it and says how to fix it.

    The command line prints the message and exits with status 1. Python callers catch it as a
    ``ValueError``.
    """
