"""Commands that write folders: what one of them wrote, no other replaces, adds to or takes with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from made_up_runs import write_run
from method_examples import SOURCE

pytestmark = pytest.mark.usefixtures("blank_pictures")

Otoscope = Callable[..., Any]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[object]]:
    """The shortest call of each command that writes a folder, without its --out."""
    place = tmp_path_factory.mktemp("written")
    with pytest.MonkeyPatch.context() as more:
        more.setattr("made_up_runs.N_CLIPS", 96)  # enough to be described
        run = write_run(place / "run")
    (place / "mine.py").write_text(SOURCE)
    small, clip = f"{place / 'mine.py'}:Small", place / "tone.wav"
    soundfile.write(clip, np.sin(np.arange(4000) * 0.3) * 0.5, 8000)
    calls: dict[str, list[object]] = {
        "inspect": [small, clip, "--no-control", "--n-maps", 1],
        "export": [run],
        "evaluate": ["vowel-register", "vowels", "--task", "register", "--limit", 12, "--resamples", 1],
        "relevance": [small, clip, "--no-control"],
        "taps": [small, clip],
        "compare": [small, small, clip],
        "describe": [run, "--no-measured", "--shuffles", 9],
        "sweep": [small, clip, "--methods", "output", "--workers", 0],
        "train": ["laptop/vowels", "learn.epochs=3"],
    }
    return lambda name: [name, *calls[name]]


@pytest.mark.parametrize("first", ["inspect", "export", "evaluate"])
def test_what_one_command_wrote_whole_no_other_one_changes(
    otoscope: Otoscope, written: Callable[[str], list[object]], first: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert otoscope(*written(first), "--out", out).code in (0, 3)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    others = ["inspect", "export", "evaluate", "relevance", "taps", "compare", "describe", "sweep", "train"]
    for name in others:
        if name == first:
            continue
        reason = {"train": "is not empty", "sweep": "out"}.get(name, f"out holds what otoscope {first} wrote")
        ran = otoscope(*written(name), "--out", out)
        assert ran.code == 1 and reason in " ".join(ran.err.split()), (name, ran.err)
        assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before, name
    assert otoscope(*written(first), "--out", out).code in (0, 3)


@pytest.mark.parametrize("first", ["relevance", "taps", "compare", "describe", "sweep"])
def test_what_was_written_file_by_file_no_whole_folder_replaces(
    otoscope: Otoscope, written: Callable[[str], list[object]], first: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert otoscope(*written(first), "--out", out).code in (0, 3)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    for name in ("inspect", "export", "evaluate"):
        ran = otoscope(*written(name), "--out", out)
        assert ran.code == 1 and "no part of an earlier result" in " ".join(ran.err.split()), (name, ran.err)
        assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before, name
