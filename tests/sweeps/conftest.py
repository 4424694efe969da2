"""A small model, and a folder of sounds of some lengths."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from method_examples import SOURCE

sys.path.insert(0, str(Path(__file__).parent))
from runs_of_tests import write_sounds


@pytest.fixture
def model(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(SOURCE)
    return f"{tmp_path / 'mine.py'}:Small"


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """Twelve sounds of three classes and four lengths."""
    return write_sounds(tmp_path / "sounds")
