"""Standard output carries one result, everything else goes elsewhere, and the exit status says how it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from otoscope import __version__
from otoscope.cli.signals import stoppable

pytestmark = pytest.mark.usefixtures("blank_pictures")  # what matters here is that they are written

Otoscope = Callable[..., Any]
Process = Callable[..., "subprocess.CompletedProcess[str]"]
SLOW = '''
import time
from pathlib import Path
from torch import nn


class Slow(nn.Module):
    """Takes a minute for a sound, and leaves a mark when it has begun."""

    sample_rate, classes = 8000, ("a", "b")

    def __init__(self):
        super().__init__()
        self.conv, self.out = nn.Conv1d(1, 4, 20, stride=5), nn.Linear(4, 2)

    def forward(self, x):
        Path("begun").touch()
        if x.abs().max() > 0:
            for _ in range(600):
                time.sleep(0.1)
        return self.out(self.conv(x).relu().mean(-1))
'''


def test_importing_the_library_loads_nothing_heavy(process: Process) -> None:
    heavy = "torch xarray matplotlib scipy captum transformers parselmouth lightning ray duckdb sklearn".split()
    heavy += ["starlette", "uvicorn", "anywidget"]
    ran = process("-c", f"import sys, otoscope; print([name for name in {heavy} if name in sys.modules])")
    assert (ran.returncode, ran.stdout) == (0, "[]\n"), ran.stderr


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_what_needs_no_model_does_not_import_torch(process: Process, option: str) -> None:
    program = (
        f"import sys; from otoscope.cli import main\nsys.argv = ['otoscope', {option!r}]\n"
        "try:\n    main()\nfinally:\n    print([one for one in ('torch', 'xarray') if one in sys.modules])"
    )
    ran = process("-c", program)
    assert (ran.returncode, ran.stderr) == (0, "") and ran.stdout.endswith("[]\n")


def test_completion_knows_commands_options_and_choices(otoscope: Otoscope, tmp_path: Path) -> None:
    ran = otoscope("--install-completion", "--shell", "bash", "--output", tmp_path / "script")
    script = (tmp_path / "script").read_text()
    assert ran.code == 0 and all(word in script for word in ("relevance", "--animate", "deconvnet"))


def test_version_and_help(otoscope: Otoscope) -> None:
    assert otoscope("--version") == (0, f"otoscope {__version__}\n", "")
    assert otoscope("--help").code == otoscope().code == 0


def test_a_process_prints_json_alone_and_messages_elsewhere(
    process: Process, small: str, tone: Path, tmp_path: Path
) -> None:
    ran = process("-m", "otoscope", "crs", small, tone, "--out", tmp_path / "out", "--json")
    assert json.loads(ran.stdout)["rows"] and "report.html" in ran.stderr and ran.returncode == 0


def test_a_process_that_is_given_bad_input_exits_with_1(process: Process, tmp_path: Path) -> None:
    ran = process("-m", "otoscope", "strs", "vowel-name", tmp_path / "no.wav", "--json")
    assert (ran.returncode, ran.stdout) == (1, "") and ran.stderr.startswith("error: no such audio file")


@pytest.mark.parametrize(
    "arguments",
    [("taps",), ("look", "cnn12"), ("taps", "cnn12", "--colour"), ("strs", "cnn12", "a", "--hop", "x"),
     ("inspect", "vowel-name"), ("compare", "vowel-name"), ("train",)],
)  # fmt: skip
def test_wrong_usage_exits_with_2(otoscope: Otoscope, arguments: tuple[str, ...]) -> None:
    otoscope(*arguments).expect_usage()


@pytest.mark.parametrize(
    "error", [MemoryError("Unable to allocate 5 TiB"), RuntimeError("[enforce fail] can't allocate memory: you tried")]
)
def test_too_little_memory_is_bad_input(
    otoscope: Otoscope, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def too_much(*_: Any) -> None:
        raise error

    monkeypatch.setattr("otoscope.cli.taps.make_scope", too_much)
    otoscope("taps", "cnn12", "--json").expect_refusal("not enough memory")


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_pipe_that_is_closed_is_no_traceback(tmp_path: Path) -> None:
    """As in `otoscope models --json | head -c 1`; the reader is gone before the first byte is written."""
    command = [sys.executable, "-m", "otoscope", "models", "--json"]
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    os.close(write)
    assert ran.stderr == "" and ran.returncode in (0, 141)


@pytest.mark.kill
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("command", ["relevance", "inspect"])
def test_a_command_that_is_stopped_leaves_nothing_half_written(
    tmp_path: Path, tone: Path, command: str, number: signal.Signals, code: int
) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    arguments = ["otoscope", command, "slow.py:Slow", str(tone), "--out", "out", "--json"]
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # it may be ignored here
        f"from otoscope.cli import main\nsys.argv = {arguments}\nmain()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 100
    while not (tmp_path / "begun").exists():
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "") and "Traceback" not in err
    assert {path.name for path in tmp_path.iterdir()} <= {"slow.py", "begun", "tone.wav", "__pycache__"}


def test_an_interrupted_inspection_leaves_nothing(
    otoscope: Otoscope, small: str, tone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    before = {path.name for path in tmp_path.iterdir()}
    monkeypatch.setattr("otoscope.report.folder.save", interrupted)
    assert otoscope("inspect", small, tone, "--out", tmp_path / "out").code == 130
    assert {path.name for path in tmp_path.iterdir()} - {"__pycache__"} == before


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_command_that_is_stopped_while_modules_load_ends_at_once(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """A module that catches every exception, as some do around optional imports, does not keep the command running."""
    (tmp_path / "greedy.py").write_text(
        "import os, signal, time\n"
        "try:\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "    time.sleep(30)\n"
        "except BaseException:\n"
        "    pass\n"
    )
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from otoscope.cli import app, main\n"
        "app.command('greedy:run', name='greedy')\n"
        "sys.argv = ['otoscope', 'greedy']\nmain()"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (code, b"", b"interrupted\n")


def test_a_signal_that_a_library_catches_still_gives_its_status() -> None:
    with pytest.raises(SystemExit) as ended:
        _work_that_swallows_an_interrupt()
    assert ended.value.code == 130


def _work_that_swallows_an_interrupt() -> None:
    with stoppable() as stop:
        stop.working = True
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
        raise AttributeError("what a half-loaded module says")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [("taps", "--json"), ("taps",)])
def test_output_that_cannot_be_written_is_an_error_of_one_line(small: str, arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "otoscope", arguments[0], small, *arguments[1:]]
    with open("/dev/full", "w") as full:
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    assert ran.returncode == 1
    *said, error = ran.stderr.splitlines()
    assert error.startswith("error: cannot print the result: No space left") and not "".join(said).count("error")


@pytest.mark.parametrize("options", [("--json", "--quiet"), ("--quiet",)])
def test_standard_output_may_be_closed(small: str, options: tuple[str, ...]) -> None:
    command = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "otoscope", "taps", small, *options]
    ran = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


PRINTING = """
import os
from torch import nn


class Printing(nn.Module):
    sample_rate, classes = 8000, ("a", "b")

    def __init__(self):
        super().__init__()
        print("made")
        self.conv, self.out = nn.Conv1d(1, 4, 20, stride=5), nn.Linear(4, 2)

    def forward(self, x):
        print("hello")
        os.write(1, b"past Python\\n")
        return self.out(self.conv(x).relu().mean(-1))
"""


def test_what_a_model_prints_goes_to_standard_error(process: Process, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PRINTING)
    model, sound = f"{tmp_path / 'mine.py'}:Printing", tmp_path / "a.wav"
    soundfile.write(sound, np.random.default_rng(0).uniform(-0.5, 0.5, 4000), 8000)
    for command in (
        ["activations", model, sound],
        *(
            ["sweep", model, tmp_path, "--methods", "output", "--out", tmp_path / f"run{n}", "--workers", n]
            for n in (0, 1)
        ),
    ):
        ran = process("-m", "otoscope", *map(str, command), "--json")
        assert ran.returncode == 0 and json.loads(ran.stdout), ran.stderr
        assert {"made", "hello", "past Python"} <= set(ran.stderr.splitlines())


def test_a_folder_that_cannot_be_written_is_said_before_a_model_is_scored(process: Process, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PRINTING)
    (tmp_path / "taken").write_text("mine")
    ran = process(
        "-m",
        "otoscope",
        "evaluate",
        f"{tmp_path / 'mine.py'}:Printing",
        str(tmp_path),
        "--out",
        str(tmp_path / "taken"),
    )
    assert ran.returncode == 1 and "it is a file" in ran.stderr and "hello" not in ran.stderr
