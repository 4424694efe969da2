"""A terminal of 80 columns, a small model of a user, and Python in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from method_examples import SOURCE
from otoscope import Scope
from otoscope.cli.console import out_console


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns."""
    monkeypatch.setattr(out_console, "width", 80)


@pytest.fixture
def small(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(SOURCE)
    return f"{tmp_path / 'mine.py'}:Small"


@pytest.fixture
def small_scope(small: str) -> Scope:
    return Scope(small)


@pytest.fixture
def process() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Python in a process of its own."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *map(str, arguments)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)

    return run
