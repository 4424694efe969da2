"""Miniatures of data sets in their official layout: the readers open no sound, so empty files do."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of a data set in the folder of the test."""

    def one(name: str, text: str = "") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return one


@pytest.fixture
def wav() -> Callable[..., bytes]:
    """The bytes of a sound of 8 kHz that its number tells from others."""

    def one(number: int, kind: str = "WAV") -> bytes:
        content = io.BytesIO()
        soundfile.write(content, np.full(80 + number, number / 16, np.float32), 8000, format=kind)
        return content.getvalue()

    return one
