"""What programs of our own say to whoever started them."""

from __future__ import annotations

import subprocess
import sys

WARNS = """
import warnings
from otoscope.processes.program import conversation

conversation()
warnings.warn("it draws\\nrandom numbers \\x1b[31m", stacklevel={level})
input()
"""


def test_a_warning_is_one_line_without_where_it_arose() -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    for level in (1, 99):  # the second is above the first frame, which Python calls sys:1
        with subprocess.Popen([sys.executable, "-c", WARNS.format(level=level)], text=True, **pipes) as program:
            assert program.stderr is not None
            assert program.stderr.readline() == "warning: it draws random numbers \\x1b[31m\n"
            program.kill()
