"""The data sets by name: what DATA may be, and what is said of a name, task or folder that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from otoscope.data import read
from otoscope.data.sets import SETS, Place, find_folder, parse, read_place
from otoscope.errors import InputError


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("fsdd", Place("fsdd", None, None)),
        ("fsdd:/data/a b", Place("fsdd", Path("/data/a b"), None)),
        ("fsdd@test", Place("fsdd", None, ("test",))),
        ("esc10@fold1,fold2:../esc", Place("esc10", Path("../esc"), ("fold1", "fold2"))),
        ("csv@test:a.csv", Place("table", Path("a.csv"), ("test",))),
        ("table@test:a.parquet", Place("table", Path("a.parquet"), ("test",))),
        ("list.csv", Place("table", Path("list.csv"), None)),
        ("./fsdd.csv", Place("table", Path("./fsdd.csv"), None)),
        ("list.jsonl", Place("table", Path("list.jsonl"), None)),
        ("clips/**/*.wav", Place("files", Path("clips/**/*.wav"), None)),
        ("a/train-{000..009}.tar", Place("shards", Path("a/train-{000..009}.tar"), None)),
        ("shards@test:a", Place("shards", Path("a"), ("test",))),
        ("vowels", Place("vowels", None, None)),
    ],
)
def test_what_data_may_be(text: str, place: Place) -> None:
    assert parse(text) == place


def test_a_folder_named_as_a_set_is_given_with_a_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fsdd").mkdir()
    monkeypatch.chdir(tmp_path)
    assert parse("./fsdd") == Place("folder", Path("fsdd"), None)
    assert parse("fsdd").name == "fsdd"
    (tmp_path / "folder").mkdir()
    assert parse("folder") == Place("folder", Path("folder"), None)


def test_sets_of_the_variable_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fsdd" / "recordings").mkdir(parents=True)
    (tmp_path / "fsdd" / "recordings" / "1_ann_9.wav").write_bytes(b"")
    monkeypatch.setenv("OTOSCOPE_DATA", str(tmp_path))
    assert find_folder("fsdd") == tmp_path / "fsdd" and find_folder("esc10") is None
    assert [item.labels for item in read_place("fsdd", task="speaker")] == [("ann",)]
    with pytest.raises(
        InputError, match=r"esc10 is not found: give its folder, as in esc10:FOLDER, or set OTOSCOPE_DATA .* https"
    ):
        read("esc10")


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "fsdd").symlink_to("moved")
    with pytest.raises(InputError, match="fsdd is a link to moved, which does not exist; download fsdd from https"):
        read("fsdd", tmp_path / "fsdd")


def test_every_set_says_what_it_is() -> None:
    assert len(SETS) == 18
    for name, source in SETS.items():
        assert source.name == name and source.about and source.licence and source.url
        assert len(set(source.tasks)) == len(source.tasks) and len(set(source.splits)) == len(source.splits)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: read("nix"), "there is no data set 'nix'; the data sets are vowels, fsdd"),
        (lambda: read("fsdd", "x", task="word"), "fsdd is labelled by digit or speaker, not by 'word'"),
        (lambda: read("fsdd", "x", split="val"), "fsdd has no split 'val'; the splits are train, test"),
        (lambda: read("fsdd", "nowhere"), "there is no folder nowhere; download fsdd from https"),
        (lambda: read("vowels", "x"), "vowels is built in: give no folder"),
        (lambda: read("csv"), "table is not found: give its place, as in table:FOLDER$"),
        (lambda: parse("fsd:/data"), "fsd:/data is not a data set: .*the sets are vowels, fsdd"),
    ],
)
def test_faults_are_named(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()  # type: ignore[operator]


def test_vowels_come_with_all_their_classes() -> None:
    found = read("vowels", sample_rate=8000)
    assert len(found.classes) == 12 and len(found) == 240
    first = found.items[0].sound
    assert not isinstance(first, Path) and first.attrs["sample_rate"] == 8000
