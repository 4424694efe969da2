"""Speech Commands: 35 words, and the split of its two lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from otoscope.data import read
from otoscope.data.speech_commands import WORDS
from otoscope.errors import InputError

Write = Callable[..., Path]


@pytest.fixture
def folder(write: Write, tmp_path: Path) -> Path:
    for word in WORDS:
        for speaker in ("0a7c2a8d", "b93528e3", "ffd2ba2f"):
            write(f"set/{word}/{speaker}_nohash_0.wav")
    write("set/_background_noise_/white_noise.wav")
    write("set/validation_list.txt", "".join(f"{word}/b93528e3_nohash_0.wav\n" for word in WORDS))
    write("set/testing_list.txt", "".join(f"{word}/ffd2ba2f_nohash_0.wav\n" for word in WORDS[:10]))
    return tmp_path / "set"


def test_the_lists_split_and_noise_is_no_word(folder: Path) -> None:
    found = read("speech-commands", folder)
    assert len(found.classes) == 35 and len(found) == 105
    assert Counter(item.split for item in found) == {"train": 60, "val": 35, "test": 10}
    speakers = {(item.split, item.facts["speaker"]) for item in found}
    assert ("test", "ffd2ba2f") in speakers and ("test", "b93528e3") not in speakers
    (one, *_) = read("speech-commands", folder, split="test")
    assert one.labels == ("backward",) and one.sound == folder / "backward" / "ffd2ba2f_nohash_0.wav"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda f: (f / "testing_list.txt").unlink(),
            "it does not contain testing_list.txt; give the folder",
        ),
        (
            lambda f: (f / "testing_list.txt").write_text(""),
            "testing_list.txt is empty; download the data set again from http",
        ),
        (lambda f: (f / "testing_list.txt").write_bytes(b"\xff\xfe\x81"), "is not a text file in UTF-8"),
        (lambda f: (f / "testing_list.txt").write_text("bed/x.wav\n\nbed/x.wav\n"), "line 3 repeats line 1"),
        (lambda f: (f / "testing_list.txt").write_text("bed/x.wav\n"), "1 of 1 recordings that testing_list.txt names"),
        (lambda f: (f / "testing_list.txt").write_text("bed/b93528e3_nohash_0.wav\n"), "in both lists"),
        (lambda f: (f / "zero").rename(f / "nought"), "no recordings of 1 of the 35 words, first 'zero'"),
    ],
)
def test_what_is_missing_or_broken_is_named(folder: Path, spoil: Callable[[Path], object], message: str) -> None:
    spoil(folder)
    with pytest.raises(InputError, match=message):
        read("speech-commands", folder)


def test_the_folder_above_or_below_is_refused(folder: Path) -> None:
    for wrong in (folder.parent, folder / "bed"):
        with pytest.raises(InputError, match=f"{wrong} is not the folder of speech-commands"):
            read("speech-commands", wrong)
