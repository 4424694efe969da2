"""TIMIT: 61 phones folded to 39, and the parts of phone recognition and speaker identification."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from otoscope.data import read
from otoscope.data.find import find_sounds, sound_of
from otoscope.data.timit import CORE_TEST, DEV, PHONES, PHONES_39
from otoscope.errors import InputError

PHN = "0 1600 h#\n1600 3200 ix\n3200 4000 q\n4000 5600 ao\n5600 8000 h#\n"


def test_61_phones_are_folded_to_39() -> None:
    assert (len(PHONES), len(PHONES_39)) == (61, 39)
    assert PHONES["q"] is None and PHONES["zh"] == "sh" and PHONES["ax-h"] == "ah" and PHONES["epi"] == "sil"
    assert Counter(PHONES.values())["sil"] == 9  # six closures, two pauses and the silence at the ends
    assert all(PHONES[phone] == phone for phone in PHONES_39 if phone != "sil")


def test_parts_are_those_of_phone_recognition(timit: Path) -> None:
    assert (len(DEV), len(CORE_TEST)) == (50, 24) and not DEV & CORE_TEST
    assert Counter(name[0] for name in CORE_TEST) == {"m": 16, "f": 8}
    found = read("timit", timit)
    assert found.classes == PHONES_39
    sentences = Counter(split for split, _ in {(item.split, item.sound) for item in found})
    assert sentences == {"train": 2 * 462, "dev": 2 * 50, "test": 2 * 24}  # SA is in none
    first = found.items[:4]
    assert [item.labels[0] for item in first] == ["sil", "ih", "aa", "sil"]
    assert [(item.start, item.stop) for item in first] == [(0, 0.1), (0.1, 0.2), (0.25, 0.35), (0.35, 0.5)]
    unfolded = read("timit", timit, task="phone61", split="test")
    assert len(unfolded.classes) == 61 and [item.labels[0] for item in unfolded.items[:3]] == ["h#", "ix", "q"]


def test_one_sentence_of_each_speaker_is_held_out(timit: Path) -> None:
    found = read("timit", timit, task="speaker")
    assert len(found.classes) == 462
    held_out = found.part("dev")
    assert len(held_out) == 462 and len(found.part("train")) == 2 * 462
    assert {Path(str(item.sound)).name for item in held_out} == {"SX37.WAV"}


def test_copies_in_small_letters_are_read_and_pieces_can_be_heard(tmp_path: Path) -> None:
    for name in CORE_TEST:
        place = tmp_path / "timit" / "test" / "dr1" / name
        place.mkdir(parents=True)
        (place / "si1.phn").write_text(PHN)
        tone = np.sin(np.arange(8000) / 5)
        soundfile.write(place / "si1.wav", tone, 16_000, format="NIST", subtype="PCM_16")
    (tmp_path / "timit" / "train").mkdir()
    sounds = find_sounds(f"timit@test:{tmp_path / 'timit'}")
    assert len(sounds) == 24 * 4
    wave = sound_of(sounds[1], 8000)
    assert not isinstance(wave, Path)
    assert sounds[1].labels == ("ih",) and wave.sizes["time"] == 800 and float(wave.time[0]) == 0
    assert "0.100-0.200 s" in wave.attrs["name"]
    with pytest.raises(InputError, match=r"the training set of .* has 0 of 462 speakers"):
        read("timit", tmp_path / "timit")


def test_what_is_missing_is_named(timit: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not the folder of timit: it does not contain TRAIN or train"):
        read("timit", timit.parent)
    (tmp_path / "TRAIN").mkdir()
    place = tmp_path / "TEST" / "DR1" / "MDAB0"
    place.mkdir(parents=True)
    (place / "SI1.WAV").write_bytes(b"")
    with pytest.raises(InputError, match=r"23 of the 24 speakers of the split test are missing .* first fdhc0"):
        read("timit", tmp_path, split="test")


@pytest.mark.parametrize(
    ("text", "message"), [("0 10 xx\n", "'xx' is not a phone"), ("0 x aa\n", "is not a phone of TIMIT")]
)
def test_broken_phones_are_named(timit: Path, text: str, message: str) -> None:
    broken = timit / "TEST" / "DR1" / "MDAB0" / "SX37.PHN"
    was = broken.read_text()
    broken.write_text(text)
    with pytest.raises(InputError, match=message):
        read("timit", timit, split="test")
    broken.unlink()
    with pytest.raises(InputError, match=r"SX37.WAV has no list of phones SX37.PHN"):
        read("timit", timit, split="test")
    broken.write_text(was)
