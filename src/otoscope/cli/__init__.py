"""The command line: a command for each method, made from its signature and docstring, and a file for each other one.

Results go to standard output, all else to standard error.
"""

from __future__ import annotations

import errno
import gc
import os
import re
import sys
from contextlib import nullcontext
from pathlib import Path

from cyclopts import App, CycloptsError, Group, Parameter

from otoscope._version import __version__
from otoscope.cli.console import err_console, error_lines, results_alone
from otoscope.cli.signals import stoppable
from otoscope.cli.usage import said
from otoscope.errors import InputError
from otoscope.methods.listing import listing, summary

OWN = {
    Group("Start here", sort_key=0): ("demo", "inspect", "compare", "serve", "taps"),
    Group("Whole data sets", sort_key=2): ("evaluate", "sweep", "query", "describe", "diff", "sql", "export"),
    Group("Models, data and training", sort_key=3): ("models", "data", "train", "study"),
}
"""Commands that are not methods, each in a file of its name, by the heading of ``otoscope --help``."""
_METHODS = Group("Methods", sort_key=1)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # standard output may be a file; other files name themselves
_WITH_COMMANDS = frozenset({"data"})  # that have commands of their own below them
_MORE = frozenset({"strs", "relevance"})  # methods whose command does more, in a file of their name

app = App(
    name="otoscope",
    help="Look into the ear of a neural network: see, play and measure what a raw-waveform model hears.",
    version=f"otoscope {__version__}",
    default_parameter=Parameter(negative=()),
    help_format="rst",
    suppress_keyboard_interrupt=False,
)
app.register_install_completion_command(add_to_startup=False)

for _heading, _names in OWN.items():
    for _name in _names:
        _about = summary(Path(__file__).parent / f"{_name}.py", _name)
        _object = "commands" if _name in _WITH_COMMANDS else _name
        app.command(
            f"otoscope.cli.{_name}:{_object}", name=_name, help=_about, group=_heading, sort_key=_names.index(_name)
        )
for _place, (_name, _listed) in enumerate(listing().items()):
    _file = _name if _name in _MORE else "method"
    app.command(
        f"otoscope.cli.{_file}:{_name}",
        name=_name.replace("_", "-"),
        help=_listed.summary,
        group=_METHODS,
        sort_key=_place,
    )


def main() -> None:
    """Run the command line.

    It exits with 0 when done, 1 for bad input, 2 for wrong usage, 3 when done but for parts that are named, and 130,
    143 and 129 after SIGINT, SIGTERM and SIGHUP.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # before torch is loaded: large tensors get large pages
    try:
        with stoppable() as stop:
            command, bound, _ = app.parse_args(exit_on_error=False, print_error=False)  # which imports the command
            stop.working = True
            if not gc.get_freeze_count():
                gc.freeze()  # what the imports made stays: to look through it for garbage takes a tenth of a second
            try:
                ours = str(command.__module__).startswith(__name__)  # and not help, which is what is asked for
                with results_alone() if ours else nullcontext():
                    command(*bound.args, **bound.kwargs)
            except KeyboardInterrupt:
                err_console.print("interrupted", markup=False)
                sys.exit(130)
    except CycloptsError as error:
        _refuse(said(error), 2)
    except InputError as error:
        _refuse(str(error))
    except BrokenPipeError:  # as in `otoscope ... | head`
        _print_no_more()
    except OSError as error:
        if error.filename is not None or error.errno not in _NO_ROOM:
            raise
        _print_no_more()
        _refuse(f"cannot print the result: {error.strerror}; make room, or send standard output elsewhere")
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not re.search("out of memory|allocate memory", str(error)):
            raise
        _refuse("there is not enough memory for this: give a shorter sound, or smaller numbers as options")


def _refuse(message: str, code: int = 1) -> None:
    err_console.quiet = False  # an error is printed with --quiet too
    err_console.print("error:", style="bold red", end=" ")
    err_console.print(error_lines(message))
    sys.exit(code)


def _print_no_more() -> None:
    """Let what is still to be printed go nowhere, so that no error follows when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
