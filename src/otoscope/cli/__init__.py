"""The command line, one file a command: parse, call, print.

Results go to standard output, all else to standard error.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module

from otoscope.cli.common import app, err_console
from otoscope.errors import InputError

#: Files of this folder, in the order of ``otoscope --help``.
COMMANDS = (
    "demo", "inspect", "compare", "taps", "strs", "filters", "frame", "tones", "wigner", "relevance", "voice", "vowels",
    "sonify", "top_activations", "coherence", "residual", "importance", "evolution", "flow", "aliasing", "geometry",
    "models", "data", "train",
)  # fmt: skip

for _command in COMMANDS:
    import_module(f"otoscope.cli.{_command}")

__all__ = ["COMMANDS", "app", "main"]


def main() -> None:
    """Run the command line; exit with 0 when done, 1 for bad input, 2 for wrong usage."""
    try:
        app()
    except InputError as error:
        _refuse(str(error))
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not re.search("out of memory|allocate memory", str(error)):
            raise
        _refuse("there is not enough memory for this: give a shorter sound, or smaller numbers as options")


def _refuse(message: str) -> None:
    err_console.print("error:", style="bold red", end=" ")
    err_console.print(message, markup=False)
    sys.exit(1)
