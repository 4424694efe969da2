"""What is there of a data set, part by part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from otoscope.data.survey import survey
from otoscope.errors import InputError

Write = Callable[..., Path]


def test_parts_that_are_missing_leave_the_others(write: Write, tmp_path: Path) -> None:
    for index in (0, 9, 10):
        write(f"fsdd/recordings/1_ann_{index}.wav")
    found = survey("fsdd", tmp_path / "fsdd")
    assert [(part.split, part.sounds, part.missing) for part in found.parts] == [("train", 2, ""), ("test", 1, "")]
    assert survey("fsdd", tmp_path / "fsdd", splits=["test"]).parts[0].classes == {"1": 1}

    write("vox/iden_split.txt", "1 id1/a/1.wav\n1 id1/a/2.wav\n3 id2/b/1.wav\n2 id2/b/2.wav\n")
    for name in ("id1/a/1", "id1/a/2", "id2/b/2"):
        write(f"vox/wav/{name}.wav")
    found = survey("voxceleb1", tmp_path / "vox")
    assert [(part.split, part.sounds) for part in found.parts] == [("train", 2), ("val", 1), ("test", 0)]
    assert found.parts[0].classes == {"id1": 2, "id2": 0}
    assert "1 of 1 recordings" in found.parts[2].missing and found.classes == ("id1", "id2")


def test_where_nothing_can_be_read_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not the folder of audioset"):
        survey("audioset", tmp_path)
