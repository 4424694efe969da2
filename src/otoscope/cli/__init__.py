"""The command line: parse, call, print. Results go to standard output, all else to standard error.

One file a command; they are listed in the order in which they are imported here.
"""

from __future__ import annotations

import sys

# isort: off
from otoscope.cli import demo, inspect, taps, strs, relevance, sonify, geometry, models

# isort: on
from otoscope.cli.common import app, err_console
from otoscope.errors import InputError

__all__ = ["app", "demo", "geometry", "inspect", "main", "models", "relevance", "sonify", "strs", "taps"]


def main() -> None:
    """Run the command line; exit with 0 when done, 1 for bad input, 2 for wrong usage."""
    try:
        app()
    except InputError as error:
        err_console.print("error:", style="bold red", end=" ")
        err_console.print(str(error), markup=False)
        sys.exit(1)
