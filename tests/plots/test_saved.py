"""Figures as files: vectors with their fonts for print, and equal bytes for an equal figure."""

from __future__ import annotations

from pathlib import Path

import pytest

from otoscope.errors import InputError
from otoscope.plots.drawing import make_axes
from otoscope.plots.saved import save_figure
from otoscope.plots.style import styled


@pytest.mark.parametrize("suffix", ["pdf", "png"])
def test_an_equal_figure_makes_equal_bytes(suffix: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        with styled("paper"):
            ax = make_axes(None)
        ax.plot([0, 1], [0, 1])
        save_figure(ax.figure, tmp_path / f"{name}.{suffix}")  # type: ignore[arg-type]
    first, second = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("a", "b"))
    assert first == second and b"CreationDate" not in first


def test_a_kind_of_file_that_nothing_writes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.doc: pictures end in \.pdf or \.png"):
        save_figure(make_axes(None).figure, tmp_path / "a.doc")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
