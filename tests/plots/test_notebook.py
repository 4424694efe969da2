"""Pictures in notebooks: each appears below its cell, whichever is the first."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from notebooks import run_notebook, shown

MODEL = """
import torch
from torch import nn
import otoscope
from otoscope.plots.surface import surface
scope = otoscope.Scope(nn.Sequential(nn.Conv1d(1, 4, 30, stride=10), nn.ReLU()), sample_rate=8000)
result = scope.strs(torch.randn(8000))
"""
PLOT, SURFACE = "result.otoscope.plot()", "surface(result)"


@pytest.mark.parametrize("first", [PLOT, SURFACE])
def test_every_picture_appears(tmp_path: Path, first: str) -> None:
    """The first figure of a notebook loads the backend, and that must not change what later ones do."""
    cells = [first, PLOT, "scope.geometry().otoscope.plot();", SURFACE, f"for _ in range(2):\n    {PLOT}"]
    _, *outputs = run_notebook(tmp_path, MODEL, *cells)
    pictures = [shown(one, "image/png") for one in outputs]
    assert [len(one) for one in pictures] == [1, 1, 1, 1, 2]
    assert all(base64.b64decode(png)[:8] == b"\x89PNG\r\n\x1a\n" for one in pictures for png in one)
