"""Data sets with labels: found whole, in a fixed order, and with clear words where something is missing."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import xarray as xr

from otoscope import load_audio, write_audio
from otoscope.data.find import find_data, find_sounds, sound_of, split_sounds
from otoscope.data.items import Item
from otoscope.errors import InputError


def sound(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_audio(path, np.zeros(80), 8000)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("cat/a.wav", "cat/b.flac", "cat/deep/c.wav", "dog/a.wav", "dog/d.wav"):
        sound(tmp_path / "animals" / name)
    (tmp_path / "animals" / "cat" / "notes.txt").write_text("no sound")
    return tmp_path / "animals"


def test_a_folder_for_each_class(tree: Path) -> None:
    found = [(str(item.sound.relative_to(tree)), *item.labels) for item in find_sounds(tree)]  # type: ignore[union-attr]
    assert found == [
        ("cat/a.wav", "cat"),
        ("cat/b.flac", "cat"),
        ("cat/deep/c.wav", "cat"),
        ("dog/a.wav", "dog"),
        ("dog/d.wav", "dog"),
    ]


def labels_of(place: str | Path, **options: Any) -> list[str]:
    return [label for item in find_sounds(place, **options) for label in item.labels]


def test_a_folder_of_sounds_or_a_sound_has_no_classes(tree: Path) -> None:
    assert [(item.sound, item.labels) for item in find_sounds(tree / "dog")] == [
        (tree / "dog/a.wav", ()),
        (tree / "dog/d.wav", ()),
    ]
    assert [item.sound for item in find_sounds(str(tree / "cat/a.wav"))] == [tree / "cat/a.wav"]
    with pytest.raises(InputError, match="dog"):
        find_sounds(tree / "dog", by="label")  # classes were asked for


def test_a_limit_is_even_over_the_classes(tree: Path) -> None:
    assert Counter(labels_of(tree, limit=4)) == {"cat": 2, "dog": 2}
    assert len(find_sounds(tree, limit=99)) == 5
    with pytest.raises(InputError, match="limit has to be 1 or more, not 0"):
        find_sounds(tree, limit=0)


def test_a_table(tree: Path) -> None:
    table = tree / "list.csv"
    table.write_text("file,label,home\ncat/a.wav,feline,flat\ndog/a.wav,canine,hut\n")
    assert [(item.sound, *item.labels) for item in find_sounds(table)] == [
        (tree / "cat/a.wav", "feline"),
        (tree / "dog/a.wav", "canine"),
    ]
    assert labels_of(table, by="home") == ["flat", "hut"]


def test_names_of_fsdd(tmp_path: Path) -> None:
    for name in ("3_anna_0.wav", "7_anna_1.wav", "7_bob_12.wav"):
        sound(tmp_path / name)
    assert labels_of(tmp_path) == ["3", "7", "7"]
    assert labels_of(tmp_path, by="speaker") == ["anna", "anna", "bob"]


def test_recordings_of_fsdd(data: Path) -> None:
    folder = data / "fsdd" / "recordings"
    assert Counter(labels_of(folder)) == {str(digit): 300 for digit in range(10)}
    speakers = Counter(labels_of(folder, by="speaker"))
    assert len(speakers) == 6 and set(speakers.values()) == {500}
    assert len(find_sounds(data / "esc10")) == 400


def test_the_built_in_vowels_can_be_heard_by_any_model() -> None:
    for rate in (8000, 16_000, 44_100):
        item = find_sounds("vowels", sample_rate=rate)[5]
        wave, (label,) = sound_of(item, rate), item.labels
        assert isinstance(wave, xr.DataArray) and wave.attrs["sample_rate"] == rate
        assert wave.sizes["time"] == round(0.4 * rate) and label in wave.attrs["name"]
    registers = Counter(labels_of("vowels", by="register"))
    assert registers.keys() == {"low", "mid", "high"} and min(registers.values()) > 40


def test_a_split_keeps_the_classes_and_shares_nothing() -> None:
    sounds = find_sounds("vowels", by="register")
    train, test = split_sounds(sounds, 0.2, seed=3)
    names = [{item.sound.attrs["name"] for item in part} for part in (train, test)]  # type: ignore[union-attr]
    assert not names[0] & names[1] and len(names[0] | names[1]) == len(sounds)
    whole, held = (Counter(item.labels[0] for item in part) for part in (sounds, test))
    assert all(abs(held[label] - 0.2 * whole[label]) <= 0.5 for label in whole)
    assert all(one is other for one, other in zip(test, split_sounds(sounds, 0.2, seed=3)[1], strict=True))


def test_what_is_found_can_be_read(tree: Path) -> None:
    assert all(load_audio(item.sound).sizes["time"] == 80 for item in find_sounds(tree))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "list.csv has no rows"),
        ("sound,class\ncat/a.wav,cat\n", "no column 'path' or 'file'; its columns are sound, class"),
        ("file,label\ncat/z.wav,cat\n", r"line 2: there is no file .*z\.wav"),
        ("file,label\ncat/a.wav,\n", "line 2: the column label is empty"),
    ],
)
def test_faults_of_a_table_are_named(tree: Path, text: str, message: str) -> None:
    (tree / "list.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        find_sounds(tree / "list.csv")


def test_faults_of_a_folder_are_named(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no sound file is in the folder"):
        find_sounds(tmp_path / "empty")
    with pytest.raises(InputError, match="nowhere is not a data set"):
        find_sounds("nowhere")
    with pytest.raises(InputError, match="there is no table"):
        find_sounds("nowhere.csv")


def test_what_cannot_be_used_of_a_folder_is_left_out_and_named(tree: Path) -> None:
    sound(tree / "stray.wav")
    (tree / "cat" / "z.wav").touch()
    found = find_data(tree)
    assert len(found) == 5 and found.classes == ("cat", "dog")
    assert dict(found.problems) == {"empty": (str(tree / "cat/z.wav"),), "unlabelled": (str(tree / "stray.wav"),)}
    assert "stray.wav: it is beside the folders of the classes" in found.remarks[-1]


def test_kinds_of_files_that_cannot_be_read_are_counted_in_a_folder_as_by_a_pattern(tree: Path) -> None:
    for name in ("cat/x.m4a", "dog/y.WMA", "cat/._z.m4a"):
        (tree / name).touch()
    names = (str(tree / "cat/x.m4a"), str(tree / "dog/y.WMA"))
    for place in (tree, f"{tree}/*/*"):
        assert dict(find_data(place).problems) == {"unreadable": names}
    for name in ("3_theo_1.wav", "3_theo_2.wav", "x.aac"):
        sound(tree / "digits" / name) if name.endswith("wav") else (tree / "digits" / name).touch()
    assert dict(find_data(tree / "digits").problems) == {"unreadable": (str(tree / "digits/x.aac"),)}


@pytest.mark.parametrize("names", [("train", "test"), ("Train", "VALIDATION"), ("dev", "eval")])
def test_folders_of_a_split_are_parts_and_those_below_them_classes(tmp_path: Path, names: tuple[str, str]) -> None:
    for split in names:
        for name in ("0/a.wav", "1/b.wav", "1/deep/c.wav"):
            sound(tmp_path / split / name)
    sound(tmp_path / names[0] / "stray.wav")
    found = find_data(tmp_path)
    assert found.classes == ("0", "1") and len(found) == 6
    assert Counter(item.split for item in found) == dict.fromkeys(names, 3)
    assert dict(found.problems) == {"unlabelled": (str(tmp_path / names[0] / "stray.wav"),)}
    parts, deep = found.notes
    assert parts.endswith(f"the folders {', '.join(sorted(names))}")
    assert "2 of 7 sounds lie deeper than the folders of the classes" in deep and "whose class is '1'" in deep
    assert {item.split for item in find_sounds(f"folder@{names[1]}:{tmp_path}")} == {names[1]}
    assert find_data(f"{tmp_path}/*/*/*.wav").classes == ("0", "1")


def test_folders_of_a_split_may_hold_sounds_without_classes(tmp_path: Path) -> None:
    for name in ("train/a.wav", "test/b.wav"):
        sound(tmp_path / name)
    found = find_data(tmp_path)
    assert [(item.split, item.labels) for item in found] == [("test", ()), ("train", ())]
    sound(tmp_path / "plane/c.wav")  # so that the others are classes, too
    assert find_data(tmp_path).classes == ("plane", "test", "train")


def test_brackets_in_the_name_of_a_folder_are_no_pattern(tree: Path) -> None:
    sound(tree / "b [1]" / "cat" / "a.wav")
    assert [item.labels for item in find_sounds(f"{tree}/b [1]/*/*.wav")] == [("cat",)]


def test_a_pattern(tree: Path) -> None:
    assert [item.labels for item in find_sounds(f"{tree}/*/a.wav")] == [("cat",), ("dog",)]
    assert [item.labels for item in find_sounds(f"{tree}/**/*.wav")] == [("cat",)] * 2 + [("dog",)] * 2
    assert [item.labels for item in find_sounds(f"{tree}/dog/*.wav")] == [(), ()]
    assert [item.labels for item in find_sounds(f"files:{tree}/dog/[ab].wav")] == [()]
    with pytest.raises(InputError, match=r"there is no sound file .*\*\.ogg"):
        find_sounds(f"{tree}/*.ogg")
    (tree / "x.m4a").touch()
    with pytest.raises(InputError, match=r"no sound file .*: 1 unreadable \(.*x.m4a: convert it to .flac"):
        find_sounds(f"{tree}/*.m4a")


def test_brackets_in_the_name_of_a_file_are_no_pattern(tree: Path) -> None:
    sound(tree / "a[1].wav")
    assert [item.sound for item in find_sounds(tree / "a[1].wav")] == [tree / "a[1].wav"]


@pytest.mark.parametrize(("place", "by"), [("vowels", "digit"), ("tree", "speaker")])
def test_an_unknown_thing_to_tell_apart_is_refused(tree: Path, place: str, by: str) -> None:
    with pytest.raises(InputError, match=by):
        find_sounds(tree if place == "tree" else place, by=by)


def test_a_class_of_one_sound_cannot_be_split() -> None:
    with pytest.raises(InputError, match="class 'b' has a single sound"):
        split_sounds([Item(Path(f"{n}.wav"), (label,)) for n, label in enumerate("aab")])
    with pytest.raises(InputError, match="share"):
        split_sounds([], 1.0)


def test_folders_of_classes_go_before_names_of_fsdd(tmp_path: Path) -> None:
    """Recordings of digits may be sorted into classes of another kind."""
    for label in ("clean", "noisy"):
        (tmp_path / label).mkdir()
        for take in range(2):
            write_audio(tmp_path / label / f"3_theo_{take}.wav", np.zeros(800), 8000)
    for place in (tmp_path, f"folder:{tmp_path}"):
        assert [item.labels for item in find_sounds(place)] == [("clean",)] * 2 + [("noisy",)] * 2
    assert {item.labels for item in find_sounds(tmp_path / "clean")} == {("3",)}


def test_links_are_followed_and_never_round(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data" / "a").mkdir(parents=True)
    for place in ("elsewhere/1.wav", "data/a/2.wav"):
        soundfile.write(tmp_path / place, np.zeros(800), 8000)
    (tmp_path / "data" / "b").symlink_to(tmp_path / "elsewhere")
    for name, target in {"a/round": "data", "a/self": "data/a", "up": ".", "b/back": "data"}.items():
        (tmp_path / "data" / name).symlink_to(tmp_path / target)
    found = [Path(item.name).relative_to(tmp_path / "data").as_posix() for item in find_data(tmp_path / "data")]
    assert sorted(found) == ["a/2.wav", "b/1.wav"]


@pytest.mark.skipif(not os.path.ismount("/proc"), reason="no /proc")
def test_folders_of_the_operating_system_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="/proc is a folder of the operating system"):
        find_data("/proc")
    soundfile.write(tmp_path / "1.wav", np.zeros(800), 8000)
    (tmp_path / "processes").symlink_to("/proc")
    assert len(find_data(tmp_path)) == 1
