"""LibriSpeech: 60:20:20 of the utterances of each speaker, always the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from otoscope.data import read
from otoscope.errors import InputError

Write = Callable[..., Path]


@pytest.fixture
def folder(write: Write, tmp_path: Path) -> Path:
    for speaker, chapters in {"103": ("1240", "1241"), "1034": ("121119",)}.items():
        for chapter in chapters:
            for number in range(20):
                write(f"LibriSpeech/train-clean-100/{speaker}/{chapter}/{speaker}-{chapter}-{number:04}.flac")
            write(f"LibriSpeech/train-clean-100/{speaker}/{chapter}/{speaker}-{chapter}.trans.txt")
    lines = [
        ";ID  |SEX| SUBSET           |MINUTES| NAME",
        "103  | F | train-clean-100 | 25.1 | A",
        "1034 | M | x | 1 | B",
    ]
    write("LibriSpeech/SPEAKERS.TXT", "\n".join(lines))
    return tmp_path / "LibriSpeech"


def test_each_speaker_is_split_alike(folder: Path) -> None:
    found = read("librispeech", folder)
    counts = Counter((item.labels[0], item.split) for item in found)
    assert counts == {
        **{("103", "train"): 24, ("103", "val"): 8, ("103", "test"): 8},
        **{("1034", "train"): 12, ("1034", "val"): 4, ("1034", "test"): 4},
    }
    assert found.notes == ("2 of the 251 speakers are present",)
    assert {item.facts["chapter"] for item in found.part("test") if item.labels == ("103",)} == {"1240", "1241"}


def test_the_split_of_a_speaker_depends_on_nothing_else(folder: Path) -> None:
    before = {item.sound: item.split for item in read("librispeech", folder) if item.labels == ("103",)}
    for path in (folder / "train-clean-100" / "1034" / "121119").glob("*.flac"):
        path.unlink()
    assert {item.sound: item.split for item in read("librispeech", folder)} == before


def test_sexes_are_those_of_the_list(folder: Path) -> None:
    found = read("librispeech", folder, task="sex")
    assert found.classes == ("female", "male")
    assert {(item.facts["speaker"], item.labels[0]) for item in found} == {("103", "female"), ("1034", "male")}
    (folder / "SPEAKERS.TXT").write_text("103 | F | x | 1 | A\n")
    with pytest.raises(InputError, match=r"SPEAKERS.TXT lacks speaker 1034"):
        read("librispeech", folder, task="sex")


def test_faults_are_named(folder: Path, write: Write, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not the folder of librispeech: it does not contain"):
        read("librispeech", tmp_path)
    with pytest.raises(InputError, match="is not the folder of librispeech: it does not contain"):
        read("librispeech", folder / "train-clean-100")
    write("LibriSpeech/train-clean-100/103/noise.flac")
    with pytest.raises(InputError, match=r"noise.flac is not named like a file of LibriSpeech"):
        read("librispeech", folder)
