"""AudioSet: the tables as they are published, and clips of which some are missing."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from otoscope.data import read
from otoscope.data.find import find_sounds
from otoscope.data.packed import Packed
from otoscope.embedded import Embedded
from otoscope.errors import InputError

Write = Callable[..., Path]
HEADING = "# Segments csv created Sun Mar  5 10:54:31 2017\n# num_ytids=3\n# YTID, start_seconds, end_seconds, labels\n"


@pytest.fixture
def folder(write: Write, tmp_path: Path) -> Path:
    write(
        "as/class_labels_indices.csv", 'index,mid,display_name\n0,/m/09x0r,"Speech"\n1,/m/05zppz,"Male speech, man"\n'
    )
    rows = '--4gqARaEJE, 0.000, 10.000, "/m/09x0r,/m/05zppz"\n-0RWZT, 30.000, 40.000, "/m/09x0r"\n'
    write("as/balanced_train_segments.csv", HEADING + rows + 'gone, 0.000, 10.000, "/m/09x0r"\n')
    write("as/eval_segments.csv", HEADING + 'abc, 5.000, 15.000, "/m/05zppz"\n')
    write("as/balanced_train_segments/Y--4gqARaEJE.wav", "x")
    write("as/balanced_train_segments/-0RWZT_30000.flac", "x")
    write("as/eval_segments/00/abc.wav", "x")
    return tmp_path / "as"


def test_labels_are_several_and_clips_may_be_missing(folder: Path) -> None:
    found = read("audioset", folder, split=("train", "eval"))
    assert found.multilabel and found.classes == ("Speech", "Male speech, man")
    assert [item.labels for item in found] == [("Speech", "Male speech, man"), ("Speech",), ("Male speech, man",)]
    assert dict(found.problems) == {"missing": ("gone",)}
    assert "1 sound is left out: 1 missing (gone: balanced_train_segments.csv names it" in found.remarks[0]
    assert [item.labels for item in find_sounds(f"audioset@eval:{folder}")] == [("Male speech, man",)]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "eval_segments.csv").unlink(), "cannot read .*eval_segments.csv"),
        (lambda f: (f / "eval_segments/00/abc.wav").rename(f / "eval_segments/00/x.wav"), "none of the 1 clips"),
        (lambda f: (f / "eval_segments").rename(f / "evaluation"), "there is no folder .*eval_segments"),
        (lambda f: (f / "eval_segments.csv").write_text("a, 0, 10, /m/none\n"), "a has the label '/m/none'"),
        (
            lambda f: (f / "eval_segments.csv").write_text("a, 0\n"),
            r"row 1: \['a', '0'\] is not an ID, a start, an end",
        ),
        (lambda f: (f / "eval_segments.csv").write_text("# nothing\n"), "eval_segments.csv has no rows"),
    ],
)
def test_what_is_missing_or_broken_is_named(folder: Path, spoil: Callable[[Path], object], message: str) -> None:
    spoil(folder)
    with pytest.raises(InputError, match=message):
        read("audioset", folder, split="eval")


@pytest.mark.parametrize(
    "name",
    [
        "abc.flac", "Yabc.wav", "abc_5.000.wav", "abc_5000.wav", "abc_5.wav", "abc_000005.ogg", "abc_5000_15000.flac",
        "abc_5_15.wav", "abc_5.000_15.000.wav", "Yabc_5000_15000.wav",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "place", ["eval_segments", "eval", "audios/eval_segments", "audio/eval", "eval_segments_part07"]
)
def test_names_and_places_of_common_downloaders(folder: Path, write: Write, name: str, place: str) -> None:
    (folder / "eval_segments/00/abc.wav").unlink()
    (folder / "eval_segments/00").rmdir()
    (folder / "eval_segments").rmdir()
    path = write(f"as/{place}/x/{name}", "x")
    assert [item.sound for item in read("audioset", folder, split="eval")] == [path]


def test_broken_downloads_are_counted(folder: Path, write: Write) -> None:
    write("as/balanced_train_segments/gone.wav")
    write("as/balanced_train_segments/-0RWZT_30000.flac")
    write("as/balanced_train_segments/-0RWZT.m4a", "x")
    write("as/balanced_train_segments/Y--4gqARaEJE.mp4", "x")
    found = read("audioset", folder, split="train")
    place = folder / "balanced_train_segments"
    assert len(found) == 1 and found.problems.total == 2
    assert dict(found.problems) == {"unreadable": (str(place / "-0RWZT.m4a"),), "empty": (str(place / "gone.wav"),)}


@pytest.mark.slow
def test_a_hundred_thousand_clips(folder: Path) -> None:
    """In part folders, as three downloaders name them; every hundredth is missing and every thousandth is empty."""
    count, place = 100_000, folder / "unbalanced_train_segments"
    mids = ["/m/09x0r", "/m/05zppz"]
    with open(folder / "unbalanced_train_segments.csv", "w") as table:
        table.write(HEADING)
        for n in range(count):
            table.write(f'{n:011x}, {10 * (n % 30)}.000, {10 * (n % 30) + 10}.000, "{",".join(mids[: 1 + n % 2])}"\n')
    for part in range(10):
        (place / f"part{part:02d}").mkdir(parents=True)
    for n in range(count):
        if n % 100:
            name = (f"Y{n:011x}", f"{n:011x}", f"{n:011x}_{10_000 * (n % 30)}_{10_000 * (n % 30) + 10_000}")[n % 3]
            (place / f"part{n % 10:02d}" / f"{name}.flac").write_bytes(b"" if n % 1000 == 1 else b"x")
    start = time.process_time()
    found = read("audioset", folder, split="unbalanced")
    assert time.process_time() - start < 10
    assert len(found) == count - count // 100 - count // 1000
    assert {cause: len(names) for cause, names in found.problems.items()} == {"empty": 100, "missing": 1000}
    assert isinstance(found.items, Packed) and found.items.memory < 100 * count
    for item in found.items[::9999]:
        number = int(item.facts["id"], 16)
        assert item.facts["id"] in str(item.sound) and len(item.labels) == 1 + number % 2


def pack(archive: Path, members: dict[str, bytes]) -> Path:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w") as file:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return archive


@pytest.mark.parametrize(
    "place", ["eval_segments/00.tar", "eval00.tar", "data/eval_segments-000.tar", "audio/eval/a/b.tar"]
)
@pytest.mark.parametrize("name", ["abc.flac", "audio/eval/Yabc.wav", "./x/abc_5.000.wav", "abc_5000_15000.wav"])
def test_clips_in_archives(folder: Path, place: str, name: str) -> None:
    (folder / "eval_segments/00/abc.wav").unlink()
    (folder / "eval_segments/00").rmdir()
    (folder / "eval_segments").rmdir()
    archive = pack(folder / place, {"other.wav": b"yy", name: b"xyz"})
    [item] = read("audioset", folder, split="eval").items
    assert item.labels == ("Male speech, man",) and item.facts == {"id": "abc"}
    assert isinstance(item.sound, Embedded) and item.sound.path == archive
    assert item.sound.open().read() == b"xyz" and item.sound.member == name.removeprefix("./")


def test_archives_add_to_clips(folder: Path) -> None:
    pack(folder / "bal_train00.tar", {"audio/gone.flac": b"z", "Y--4gqARaEJE.wav": b"y"})
    found = read("audioset", folder, split="train")
    assert [item.name.rpartition("/")[2] for item in found] == ["Y--4gqARaEJE.wav", "-0RWZT_30000.flac", "gone.flac"]
    assert not found.problems and isinstance(found.items[2].sound, Embedded)


def test_an_archive_that_ends_early_is_named(folder: Path) -> None:
    archive = pack(folder / "bal_train00.tar", {"gone.flac": b"z" * 2000})
    archive.write_bytes(archive.read_bytes()[:1000])
    problems = dict(read("audioset", folder, split="train").problems)
    assert problems["missing"] == ("gone",) and any("bal_train00.tar" in name for name in problems["unreadable"])
