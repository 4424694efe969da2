"""`otoscope wigner`: the numbers of Python, and what it writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from otoscope import Scope


def test_it_prints_a_row_a_kernel(otoscope: Callable[..., Any], small: str, small_scope: Scope) -> None:
    found = otoscope("wigner", small, "--json").json()
    result = small_scope.wigner()
    assert found["model"] == "Small" and [row["kernel"] for row in found["kernels"]] == [0, 1, 2, 3]
    for row, frequency, time in zip(found["kernels"], result.peak_frequency, result.peak_time, strict=True):
        assert row["width"] == 20
        assert row["peak_frequency"] == pytest.approx(float(frequency))
        assert row["peak_time"] == pytest.approx(float(time))
    assert "width (samples)" in otoscope("wigner", small).out


def test_it_writes_the_arrays_the_picture_and_a_page(otoscope: Callable[..., Any], small: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert otoscope("wigner", small, "--layer", "conv", "--distributions", "--n-fft", "64", "--out", out).code == 0
    assert {path.name for path in out.iterdir()} == {"wigner.nc", "wigner.png", "report.html"}
    with xr.open_dataset(out / "wigner.nc", engine="scipy") as written:
        assert written.distribution.shape == (4, 64, 39) and written.attrs["model"] == "Small"
    assert "Kernels in time and frequency" in (out / "report.html").read_text()


def test_wrong_layers_are_refused(otoscope: Callable[..., Any], small: str) -> None:
    otoscope("wigner", small, "--layer", "nowhere").expect_refusal("no layer is named 'nowhere'")
