"""Tar archives as WebDataset writes them: sounds are read from their place, texts beside them are facts."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from otoscope import load_audio
from otoscope.data import read
from otoscope.data.find import find_data, find_sounds, sound_of
from otoscope.data.sets import parse
from otoscope.errors import InputError

Wav = Callable[..., bytes]


def archive(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def shards(wav: Wav, tmp_path: Path) -> Path:
    first = {
        "dogs.v2/a.wav": wav(1),
        "dogs.v2/a.cls": b"7\n",
        "dogs.v2/a.json": b'{"speaker": "ann", "take": 3, "ok": null, "box": {"x": 1}}',
        "./b.txt": b"two\xc3\xa4",
        "./b.FLAC": wav(2, "FLAC"),
        "./b.cls": b"10",
    }
    archive(tmp_path / "clips-train-000.tar", first)
    archive(tmp_path / "clips-train-001.tar", {"c.wav": wav(3), "c.cls": b"7"})
    return tmp_path


def test_members_of_one_name_are_one_sound(shards: Path) -> None:
    found = find_data(shards)
    assert [item.name.rpartition("/clips-")[2] for item in found] == [
        "train-000.tar!dogs.v2/a.wav", "train-000.tar!b.FLAC", "train-001.tar!c.wav",
    ]  # fmt: skip
    assert [item.labels for item in found] == [("7",), ("10",), ("7",)] and found.classes == ("7", "10")
    assert found.items[0].facts == {"cls": "7", "speaker": "ann", "take": "3"}
    assert found.items[1].facts == {"txt": "twoä", "cls": "10"} and {item.split for item in found} == {"train"}
    for number, item in enumerate(found, 1):
        wave = sound_of(item, 8000)
        assert not isinstance(wave, Path) and wave.attrs["name"] == item.name
        np.testing.assert_allclose(wave, np.full(80 + number, number / 16), atol=1e-4)
        np.testing.assert_array_equal(wave, load_audio(item.sound))  # type: ignore[arg-type]


def test_archives_by_braces_patterns_and_folders(shards: Path) -> None:
    places = [f"{shards}/clips-train-{{000..001}}.tar", f"{shards}/clips-train-{{000,001}}.tar", f"{shards}/*.tar"]
    for place in (*places, str(shards), f"shards@train:{shards}"):
        assert parse(place).name == "shards" and len(find_sounds(place)) == 3
    assert len(find_sounds(shards / "clips-train-001.tar")) == 1
    with pytest.raises(InputError, match=r"1 of 3 archives are missing, first .*-002.tar"):
        find_sounds(f"{shards}/clips-train-{{000..002}}.tar")
    with pytest.raises(InputError, match="there is no item of the split 'test'; the splits are train"):
        find_sounds(f"shards@test:{shards}")


def test_folders_are_parts(wav: Wav, tmp_path: Path) -> None:
    archive(tmp_path / "train/0.tar", {"a.wav": wav(1)})
    archive(tmp_path / "test/0.tar", {"a.wav": wav(1)})
    assert [item.split for item in find_sounds(tmp_path)] == ["test", "train"]


def test_any_text_can_be_the_class(shards: Path) -> None:
    assert [item.labels for item in find_sounds(shards / "clips-train-000.tar", by="take")] == [("3",)]
    found = find_data(shards, by="speaker")
    assert len(found) == 1 and len(found.problems["unlabelled"]) == 2
    assert "there is no speaker beside it" in found.remarks[0]
    with pytest.raises(InputError, match=r"nothing called 'kind' beside them; there is cls, speaker, take, txt"):
        find_sounds(shards, by="kind")


def test_without_a_class_the_sounds_are_kept(wav: Wav, tmp_path: Path) -> None:
    archive(tmp_path / "a.tar", {"a.wav": wav(1), "a.txt": b"hello"})
    found = find_data(tmp_path / "a.tar")
    assert [item.labels for item in found] == [()] and "choose one of txt (--by)" in found.remarks[0]


def test_what_cannot_be_read_is_counted(wav: Wav, shards: Path) -> None:
    whole = archive(shards / "z.tar", {"d.m4a": b"x", "e.wav": b"", "f.wav": wav(5), "f.cls": b"1", "g.wav": wav(9)})
    cut = whole.read_bytes()[: whole.read_bytes().rindex(b"RIFF") + 100]
    whole.write_bytes(cut)
    (shards / "text.tar").write_text("no archive at all, " * 99)
    found = find_data(shards)
    assert len(found) == 4
    assert dict(found.problems) == {
        "unreadable": (str(shards / "text.tar"), f"{whole}!d.m4a", f"{whole}!g.wav"),
        "empty": (f"{whole}!e.wav",),
    }
    (shards / "only.tar").write_bytes(b"")
    with pytest.raises(InputError, match=r"only.tar has no sound that can be used"):
        find_data(shards / "only.tar")


MEMBERS = (
    ("a", "wav"),
    ("a", "cls"),
    ("b", "cls"),
    ("b", "wav"),
    ("b", "txt"),
    ("c", "txt"),
    ("c", "wav"),
    ("c", "cls"),
)
WHOLE = 512 + 512  # a header and what a member has


@pytest.fixture
def three(wav: Wav, tmp_path: Path) -> Path:
    """Three sounds, each with texts before or behind it; every member takes 1,024 bytes."""
    content = {"wav": wav(1), "cls": b"7", "txt": b"said"}
    return archive(tmp_path / "three.tar", {f"{stem}.{kind}": content[kind] for stem, kind in MEMBERS})


@pytest.mark.parametrize("size", range(256, 8 * WHOLE + 1024, 256))
def test_an_archive_that_ends_early_is_said_to_wherever_it_does(three: Path, size: int) -> None:
    whole = three.read_bytes()
    three.write_bytes(whole[:size])
    if size < 2 * WHOLE:  # what lies beside the first sound is not whole, or not there
        with suppress(InputError):
            assert find_data(three).problems["unreadable"]
        return
    found = find_data(three)
    used = [item.name.rpartition("!")[2] for item in found]
    lost = {name.rpartition("!")[2] for names in found.problems.values() for name in names}
    if size >= 8 * WHOLE + 512:  # a block of zeros, which says that it is whole
        assert used == ["a.wav", "b.wav", "c.wav"] and not found.problems
        return
    assert found.problems["unreadable"] and "ends early" in found.remarks[0]
    assert not lost & set(used)
    ends = {name: place for place, (stem, kind) in enumerate(MEMBERS) for name in (f"{stem}.{kind}",)}
    assert all((ends[name] + 1) * WHOLE - 512 < size for name in used)


def test_an_archive_that_is_broken_inside_is_said_to_be(three: Path) -> None:
    whole = bytearray(three.read_bytes())
    whole[3 * WHOLE : 3 * WHOLE + 512] = b"x" * 512  # a header
    three.write_bytes(whole)
    found = find_data(three)
    assert [item.name for item in found] == [f"{three}!a.wav"]
    assert found.problems["unreadable"] == (str(three),) and "broken at byte 3072: what follows" in found.remarks[0]


def test_a_label_is_no_fact_besides(wav: Wav, tmp_path: Path) -> None:
    place = archive(tmp_path / "a.tar", {"a.wav": wav(1), "a.json": b'{"label": 1.0, "speaker": "ann"}'})
    (item,) = find_data(place)
    assert item.labels == ("1",) and item.facts == {"speaker": "ann"}
    assert find_data(place, by="speaker").items[0].facts == {"label": "1", "speaker": "ann"}


def test_compressed_archives_are_refused_in_words(tmp_path: Path) -> None:
    for name in ("a.tar.gz", "a.tgz"):
        (tmp_path / name).touch()
        with pytest.raises(InputError, match=rf"{name} is compressed.* make it a .tar, as gunzip {name} does"):
            find_data(tmp_path / name)


def test_a_sound_in_an_archive_that_is_not_audio_names_both(shards: Path) -> None:
    (item,) = read("shards", archive(shards / "n.tar", {"a.wav": b"not a sound"})).items
    with pytest.raises(InputError, match=r"cannot read .*n.tar!a.wav as audio"):
        sound_of(item, 8000)
    (shards / "n.tar").unlink()
    with pytest.raises(InputError, match=r"no such audio file: .*n.tar!a.wav"):
        sound_of(item, 8000)


def test_hard_links_are_read_and_other_links_and_sparse_members_are_counted(wav: Wav, tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar", {"./a.wav": wav(1), "a.cls": b"x"})
    with tarfile.open(path, "a") as tar:
        for name, kind, target in [
            ("b.wav", tarfile.LNKTYPE, "./a.wav"), ("b.cls", tarfile.LNKTYPE, "a.cls"),
            ("c.wav", tarfile.SYMTYPE, "a.wav"), ("d.wav", tarfile.LNKTYPE, "gone.wav"),
            ("e.wav", tarfile.FIFOTYPE, ""),
        ]:  # fmt: skip
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            tar.addfile(info)
    found = find_data(path)
    assert [(item.name.rpartition("!")[2], item.labels) for item in found] == [("a.wav", ("x",)), ("b.wav", ("x",))]
    first, second = (load_audio(item.sound).values for item in found)  # type: ignore[arg-type]
    np.testing.assert_array_equal(first, second)
    reasons = [reason for cause, _, reason in found.problems.reasons() if cause == "unreadable"]
    said = ("symbolic link", "gone.wav", "not a file")
    assert all(text in reason for text, reason in zip(said, reasons, strict=True)), reasons


@pytest.mark.skipif(shutil.which("tar") is None, reason="no tar")
@pytest.mark.parametrize("form", ["gnu", "posix"])
def test_sparse_members_are_refused_and_what_follows_is_read(wav: Wav, tmp_path: Path, form: str) -> None:
    with open(tmp_path / "a.wav", "wb") as file:
        file.write(wav(1))
        file.truncate(4_000_000)
    for name, content in {"a.cls": b"x", "b.wav": wav(2), "b.cls": b"y"}.items():
        (tmp_path / name).write_bytes(content)
    names = ["a.wav", "a.cls", "b.wav", "b.cls"]
    subprocess.run(["tar", "-S", f"--format={form}", "-cf", "all.tar", *names], cwd=tmp_path, check=True)
    with tarfile.open(tmp_path / "all.tar") as tar:
        if not tar.getmember("a.wav").issparse():
            pytest.skip("the file system keeps no holes")
    found = find_data(tmp_path / "all.tar")
    assert [item.labels for item in found] == [("y",)] and found.problems.said.startswith("1 unreadable")
    assert "--sparse" in found.problems.said


def test_json_that_is_nested_without_end_says_nothing_of_a_sound(wav: Wav, tmp_path: Path) -> None:
    deep = b'{"cls": "y", "deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    found = find_data(archive(tmp_path / "a.tar", {"a.wav": wav(1), "a.cls": b"x", "a.json": deep}))
    assert [(item.labels, dict(item.facts)) for item in found] == [(("x",), {"cls": "x"})]


def test_a_list_in_json_is_several_labels_and_an_empty_one_none(wav: Wav, tmp_path: Path) -> None:
    members = {}
    for name, tags in (("a", b'["dog", "cat, meow"]'), ("b", b"[]"), ("c", b"null"), ("d", b'["dog"]')):
        members |= {f"{name}.wav": wav(1), f"{name}.json": b'{"tags": ' + tags + b', "label": "x"}'}
    place = archive(tmp_path / "tags.tar", members)
    found = read("shards", place, task="tags")
    assert [item.labels for item in found] == [("dog", "cat, meow"), (), ("dog",)] and found.multilabel
    assert found.classes == ("cat, meow", "dog") and len(found.problems["unlabelled"]) == 1
    assert [item.facts.get("tags") for item in read("shards", place)] == ["dog,cat, meow", None, None, "dog"]
    assert not read("shards", place).multilabel
