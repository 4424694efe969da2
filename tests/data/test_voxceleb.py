"""VoxCeleb1: the list of the identification task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from otoscope.data import read
from otoscope.errors import InputError

Write = Callable[..., Path]
LIST = "3 id10001/1zcIwhmdeo4/00001.wav\n1 id10001/7gWzIy6yIIk/00001.wav\n2 id10002/xTV/00002.wav\n"


@pytest.fixture
def folder(write: Write, tmp_path: Path) -> Path:
    write("vox1/iden_split.txt", LIST)
    for line in LIST.splitlines():
        write(f"vox1/wav/{line.split()[1]}")
    return tmp_path / "vox1"


def test_numbers_are_parts(folder: Path) -> None:
    found = read("voxceleb1", folder)
    assert found.classes == ("id10001", "id10002")
    assert [(item.split, item.labels[0]) for item in found] == [
        ("test", "id10001"),
        ("train", "id10001"),
        ("val", "id10002"),
    ]
    assert found.items[0].facts["video"] == "1zcIwhmdeo4"


def test_converted_files_are_found_whatever_their_format(folder: Path) -> None:
    for path in list((folder / "wav").rglob("*.wav")):
        path.rename(path.with_suffix(".flac"))
    found = read("voxceleb1", folder)
    assert [item.sound.suffix for item in found] == [".flac"] * 3
    for path in list((folder / "wav").rglob("*.flac")):
        path.rename(path.with_suffix(".m4a"))
    with pytest.raises(
        InputError, match=r"no sound file is in .*wav, only 3 \.m4a, which cannot be read: convert them"
    ):
        read("voxceleb1", folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4 id10001/7gWzIy6yIIk/00001.wav", "is not a part and a file"),
        ("1 id10001/a/1.wav\n2 id10001/a/1.wav", "names id10001/a/1.wav twice"),
        ("1 id10001/a/1.wav", "1 of 1 recordings that iden_split.txt names are missing"),
        ("id10001/a/1.wav", "line 1: 1 columns instead of 2"),
    ],
)
def test_faults_of_the_list_are_named(folder: Path, text: str, message: str) -> None:
    (folder / "iden_split.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        read("voxceleb1", folder)
