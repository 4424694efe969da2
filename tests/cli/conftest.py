"""The command line, run in this process or in one of its own, and a small model of a user."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from otoscope import Scope, cli, load

SOURCE = '''
"""Models of a user."""

import torch
from torch import nn


class Small(nn.Module):
    sample_rate = 8000
    classes = ("a", "b", "c")

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(1, 4, 20, stride=5)
        self.out = nn.Linear(4, 3)
        nn.init.uniform_(self.out.weight)

    def forward(self, x):
        return self.out(torch.relu(self.conv(x)).mean(-1))


def frames():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv1d(1, 4, 20, stride=5), nn.ReLU())
'''


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        """All of standard output, which has to be one JSON object."""
        assert self.code == 0, self.err
        content = json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        assert isinstance(content, dict)
        return content

    def expect_refusal(self, message: str) -> None:
        """Exit 1, nothing on standard output, one message."""
        assert (self.code, self.out) == (1, ""), self.err
        assert self.err.startswith("error: ") and "Traceback" not in self.err
        assert message in self.err


Otoscope = Callable[..., Ran]


@pytest.fixture
def otoscope(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Otoscope:
    """The command line in this process."""

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["otoscope", *map(str, arguments)])
        code: Any = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code or 0
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture
def small(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(SOURCE)
    return f"{tmp_path / 'mine.py'}:Small"


@pytest.fixture
def small_scope(small: str) -> Scope:
    return Scope(load(small))


@pytest.fixture
def process() -> Otoscope:
    """Python in a process of its own."""

    def run(*arguments: object) -> Ran:
        command = [sys.executable, *map(str, arguments)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    return run
