"""Calls that may be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from otoscope import InputError

T = TypeVar("T")


def attempted(act: Callable[[], T]) -> T | InputError:
    """What a call returns, or the one error by which Otoscope says no; any other error is a fault."""
    try:
        return act()
    except InputError as error:
        return error
