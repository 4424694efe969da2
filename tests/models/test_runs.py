"""Checkpoints of a run: found, in order, and by their steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from otoscope.errors import InputError
from otoscope.models.runs import checkpoint_files


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("names", "steps"),
    [
        (("model_10.pt", "model_9.pt", "model_100.pt"), [9, 10, 100]),
        (("epoch=0-step=500.ckpt", "epoch=1-step=40.ckpt"), [40, 500]),
        (("v2_step_3.safetensors", "v2_step_20.safetensors"), [3, 20]),
        (("checkpoint-500/model.safetensors", "checkpoint-60/model.safetensors"), [60, 500]),
        (("last.pt", "first.pt"), ["first", "last"]),
        (("a1.pt", "b1.pt"), ["a1", "b1"]),
    ],
)
def test_a_folder_is_sorted_by_step(tmp_path: Path, names: tuple[str, ...], steps: list[int | str]) -> None:
    touch(tmp_path, *names, "log.txt")
    found = checkpoint_files(tmp_path)
    assert [label for label, _ in found] == steps
    assert {path.relative_to(tmp_path).as_posix() for _, path in found} == set(names)


def test_files_may_be_named_one_by_one(tmp_path: Path) -> None:
    touch(tmp_path, "before.pt", "after.pt", "more/step5.pt")
    found = checkpoint_files([tmp_path / "before.pt", tmp_path / "after.pt"])
    assert [label for label, _ in found] == ["before", "after"]
    both = checkpoint_files([tmp_path / "before.pt", tmp_path / "more"])
    assert [label for label, _ in both] == ["before", "step5"]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no checkpoint .*nowhere"):
        checkpoint_files(tmp_path / "nowhere.pt")
    with pytest.raises(InputError, match="no weights file"):
        checkpoint_files(touch(tmp_path, "notes.txt"))
    with pytest.raises(InputError, match="no checkpoint was given"):
        checkpoint_files([])
