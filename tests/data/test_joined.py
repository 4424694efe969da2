"""Several data sets read as one."""

from __future__ import annotations

from pathlib import Path

import pytest

import miniature_sets
from otoscope.data.esc import CATEGORIES
from otoscope.data.find import find_data
from otoscope.data.sets import parse, read, source_of
from otoscope.errors import InputError
from otoscope.studies.inputs import Folder, Sounds
from otoscope.training.recipe import read_recipe
from otoscope.training.splits import read_splits

NAME = "fsdd+esc10"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for digit in range(10):
        for take in (0, 5):
            miniature_sets.noise(tmp_path / "fsdd" / "recordings" / f"{digit}_ann_{take}.wav", 0.1, digit)
    for number, name in enumerate(("001 - Dog bark", "002 - Rain")):
        for fold in (1, 2):
            miniature_sets.noise(tmp_path / "esc10" / name / f"{fold}-{number}7-A.wav", 0.1, fold)
    for empty in range(3, 11):
        names = [one for one in CATEGORIES if one.startswith(f"{empty:03} ")]
        miniature_sets.noise(tmp_path / "esc10" / names[0] / f"1-{empty}9-A.wav", 0.1, empty)
    return tmp_path


def test_the_sounds_and_classes_are_those_of_each_with_splits_by_set(folder: Path) -> None:
    found = read(NAME, folder, split=["fsdd/train", "esc10/fold1", "esc10/fold2"])
    assert len(found) == 10 + 12
    assert found.classes[:10] == tuple("0123456789") and found.classes[10:] == tuple(sorted(CATEGORIES.values()))
    assert {item.split for item in found} == {"fsdd/train", "esc10/fold1", "esc10/fold2"}


def test_a_task_is_named_for_each(folder: Path) -> None:
    found = read(NAME, folder, task="speaker+category")
    assert found.classes[0] == "ann" and len(found) == 20 + 12
    with pytest.raises(InputError, match=r"labelled by digit\+category or speaker\+category"):
        read(NAME, folder, task="speaker")


def test_it_is_found_where_all_of_it_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTOSCOPE_DATA", str(folder))
    assert parse(f"{NAME}@fsdd/test,esc10/fold2").splits == ("fsdd/test", "esc10/fold2")
    assert len(find_data(f"{NAME}@fsdd/test,esc10/fold2")) == 12
    with pytest.raises(InputError, match=r"fsdd\+esc50 is not found"):
        find_data("fsdd+esc50")


def test_a_part_that_is_not_asked_for_may_be_missing(folder: Path) -> None:
    found = read("fsdd+timit", folder, split="fsdd/test")
    assert len(found) == 10 and found.classes == tuple("0123456789")
    with pytest.raises(InputError, match=r"there is no folder .*timit"):
        read("fsdd+timit", folder)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fsdd+fsdd", "joined to itself"),
        ("fsdd+vowels", "vowels cannot be joined"),
        ("fsdd+esc11", "no data set 'esc11'"),
        ("fsdd+audioset", "several labels"),
    ],
)
def test_what_cannot_be_joined_is_said(name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        source_of(name)


def test_a_recipe_trains_on_it(folder: Path) -> None:
    changes = [
        f"data.set={NAME}",
        f"data.folder={folder}",
        "data.train=[fsdd/train, esc10/fold1]",
        "data.test=[fsdd/test]",
    ]
    recipe = read_recipe("laptop/fsdd/cnn12", [*changes, "data.task=digit+category", "data.validation=null"])
    splits = read_splits(recipe.data, 0, 8000)
    assert len(splits.train) == 20 and splits.test is not None and len(splits.test) == 10
    assert len(splits.train.classes) == 20


def test_a_study_finds_it_and_its_fingerprint_does_not_depend_on_its_place(folder: Path, tmp_path: Path) -> None:
    one = Sounds(NAME, splits=("fsdd/train", "esc10/fold1"))
    data = Folder(folder)
    assert data.has(one) and len(data.read(one)) == 20 and data.path(one) == folder
    elsewhere = tmp_path / "moved"
    elsewhere.mkdir()
    before = data.fingerprint(one)
    for name in ("fsdd", "esc10"):
        (folder / name).rename(elsewhere / name)
    assert Folder(elsewhere).fingerprint(one) == before
    assert not Folder(folder).has(one)
