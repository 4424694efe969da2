"""The Free Spoken Digit Dataset: the recordings themselves, and names that are not theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from otoscope.data import read
from otoscope.errors import InputError

Write = Callable[..., Path]


def test_the_recordings_have_their_official_split(data: Path) -> None:
    found = read("fsdd", data / "fsdd")
    assert len(found) == 3000 and found.classes == tuple("0123456789")
    test = found.part("test")
    assert len(test) == 300 and set(Counter(item.labels[0] for item in test).values()) == {30}
    assert all(int(Path(str(item.sound)).stem.split("_")[2]) < 5 for item in test)
    speakers = read("fsdd", data / "fsdd", task="speaker", split="test")
    assert len(speakers.classes) == 6 and set(Counter(item.labels[0] for item in speakers).values()) == {50}


def test_the_folder_of_the_variable_is_found(data: Path) -> None:
    assert len(read("fsdd", split="test")) == 300


def test_faults_are_named(write: Write, tmp_path: Path) -> None:
    write("fsdd/recordings/7_ann_0.wav")
    with pytest.raises(InputError, match="is not the folder of fsdd: it does not contain"):
        read("fsdd", tmp_path)
    with pytest.raises(InputError, match="is not the folder of fsdd: it does not contain"):
        read("fsdd", tmp_path / "fsdd" / "recordings")
    with pytest.raises(InputError, match="there is no item of the split 'train'; the splits are test"):
        read("fsdd", tmp_path / "fsdd", split="train")
    write("fsdd/recordings/seven.wav")
    with pytest.raises(InputError, match=r"seven.wav is not named like the recordings of FSDD"):
        read("fsdd", tmp_path / "fsdd")
