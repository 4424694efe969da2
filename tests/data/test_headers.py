"""Lengths from headers: read once, kept by what tells a file from another, and broken files named."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from otoscope import audio
from otoscope.data import headers
from otoscope.data.headers import read_headers, without_broken
from otoscope.data.items import DataSet, Item
from otoscope.data.packed import pack
from otoscope.embedded import Embedded
from otoscope.errors import InputError

Wav = Callable[..., bytes]


@pytest.fixture
def items(wav: Wav, tmp_path: Path) -> list[Item]:
    """Files of 81, 82 and 83 samples at 8 kHz, pieces of one, and a sound within a file."""
    for number in (1, 2, 3):
        (tmp_path / f"{number}.wav").write_bytes(wav(number))
    (tmp_path / "all.bin").write_bytes(b"x" * 100 + wav(4))
    whole = [Item(tmp_path / f"{number}.wav", ()) for number in (1, 2, 3)]
    pieces = [Item(tmp_path / "3.wav", (), start=0.002), Item(tmp_path / "3.wav", (), start=0.001, stop=0.003)]
    return [*whole, *pieces, Item(Embedded(tmp_path / "all.bin", "4.wav", 100, len(wav(4))), ())]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files whose headers are read."""
    names: list[str] = []

    def one(path: audio.AudioFile) -> tuple[int, int]:
        names.append(Path(str(path)).name)
        return audio.audio_length(path)

    monkeypatch.setattr(headers, "audio_length", one)
    return names


@pytest.mark.parametrize("packed", [False, True])
def test_seconds_of_files_and_pieces(packed: bool, items: list[Item], opened: list[str]) -> None:
    found = read_headers(pack(items) if packed else items)
    np.testing.assert_allclose(found.seconds, [81 / 8000, 82 / 8000, 83 / 8000, 83 / 8000 - 0.002, 0.002, 84 / 8000])
    assert found.frames.tolist() == [81, 82, 83, 83, 83, 84] and set(found.rates.tolist()) == {8000}
    assert sorted(opened) == ["1.wav", "2.wav", "3.wav", "all.bin!4.wav"] and not found.broken


def test_what_was_read_is_kept(items: list[Item], opened: list[str], wav: Wav, tmp_path: Path) -> None:
    keep = tmp_path / "cache"
    first = read_headers(items, keep=keep)
    assert len(opened) == 4
    again = read_headers(items, keep=keep)
    assert len(opened) == 4 and np.array_equal(first.seconds, again.seconds)
    Path(str(items[0].sound)).write_bytes(wav(9))
    os.utime(str(items[1].sound), ns=(1, 1))
    assert read_headers(items, keep=keep).frames[0] == 89 and sorted(opened[4:]) == ["1.wav", "2.wav"]
    (kept,) = keep.iterdir()
    kept.write_bytes(b"broken")
    assert read_headers(items, keep=keep).frames.tolist() == [89, 82, 83, 83, 83, 84]


def test_a_folder_that_cannot_be_written_is_no_hindrance(items: list[Item], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert read_headers(items, keep=tmp_path / "file").frames[0] == 81


def test_long_lists_are_kept_in_the_folder_for_it(
    items: list[Item], opened: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    read_headers(items)
    assert not (tmp_path / "home").exists()
    monkeypatch.setattr(headers, "KEPT_FROM", 4)
    for _ in range(2):
        read_headers(items)
    assert len(list((tmp_path / "home/otoscope/headers").iterdir())) == 1 and len(opened) == 8


def test_broken_files_are_named_and_left_out(items: list[Item], tmp_path: Path) -> None:
    (tmp_path / "1.wav").write_bytes(b"no sound")
    (tmp_path / "2.wav").unlink()
    items.append(Item(tmp_path / "3.wav", (), start=5.0))
    found = read_headers(items)
    assert list(found.broken) == [0, 1, 6] and np.flatnonzero(np.isnan(found.seconds)).tolist() == [0, 1, 6]
    assert "cannot read" in found.broken[0] and "no such audio file" in found.broken[1]
    assert "has no piece from 5.000" in found.broken[6]
    data, seconds = without_broken(DataSet(pack(items), ()), found)
    assert list(data) == items[2:6] and len(seconds) == 4 and not np.isnan(seconds).any()
    assert dict(data.problems) == {
        "unreadable": (items[0].name,), "missing": (items[1].name,), "no piece": (items[6].name,),
    }  # fmt: skip
    assert "3 sounds are left out: 1 unreadable" in data.remarks[0]
    with pytest.raises(InputError, match="none of 2 sounds can be read: 1 unreadable"):
        without_broken(DataSet(items[:2], ()), read_headers(items[:2]))


def test_progress(items: list[Item]) -> None:
    seen: list[tuple[int, int]] = []
    read_headers(items, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
