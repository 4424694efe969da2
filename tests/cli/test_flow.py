"""`otoscope flow` gives the numbers of Python, and writes what it shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from otoscope import Scope, load_audio

Otoscope = Callable[..., Any]


def test_it_gives_the_numbers_of_python(
    otoscope: Otoscope, small: str, small_scope: Scope, tone: Path, tmp_path: Path
) -> None:
    found = otoscope("flow", small, tone, "--layer", "relu", "--channel", 2, "--out", tmp_path / "o", "--json").json()
    flow = small_scope.data_flow(load_audio(tone, sample_rate=8000), ["relu"], [2])
    assert [(row["tap"], row["channel"], row["rate"]) for row in found["maps"]] == [
        ("input", 0, 8000),
        ("relu", 2, 1600),
    ]
    assert found["maps"][1]["mean"] == pytest.approx(float(flow.signal_1.mean()))
    xr.testing.assert_allclose(xr.open_dataset(tmp_path / "o" / "data_flow.nc", engine="scipy"), flow)
    assert {path.name for path in (tmp_path / "o").iterdir()} == {"data_flow.nc", "data_flow.png", "report.html"}


def test_refusals(otoscope: Otoscope, small: str, tone: Path) -> None:
    otoscope("flow", small, tone, "--layer", "conv7", "--json").expect_refusal("no tap is named 'conv7'")
    otoscope("flow", small, tone, "--channel", 9, "--json").expect_refusal("unknown map 9")
