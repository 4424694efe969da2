"""Kinds of options that need nothing else, so that a command that has no more of them starts at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

Flag = Annotated[bool, Parameter(show_default=False)]
"""An option that is given or not."""


if TYPE_CHECKING:
    Whole = int
else:

    class Whole(int):
        """A whole number, as a command line takes it: of an int Cyclopts would round 1.5."""

        def __new__(cls, text: str) -> int:
            return int(text)

    Whole.__name__ = "int"  # as help and errors call it
