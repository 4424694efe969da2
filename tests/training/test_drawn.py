"""What is drawn to validate and to test on: how many, of which clips, and none of it twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from otoscope import InputError
from otoscope.training.recipe import DataSection
from otoscope.training.splits import Splits, read_splits


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two parts of 100 and 40 files of two classes, which are never opened."""
    root = tmp_path_factory.mktemp("parts")
    for part, count in (("train", 50), ("test", 20)):
        for label in "ab":
            for number in range(count):
                path = root / part / label / f"{number}.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"x")
    return root


def drawn(folder: Path, seed: int = 0, **keys: object) -> Splits:
    return read_splits(DataSection.model_validate({"set": "folder", "folder": str(folder), **keys}), seed, 8000)


def names(splits: Splits) -> list[set[str]]:
    return [{item.name for item in data} for data in splits if data is not None]


def test_60_20_20_of_all_clips(folder: Path) -> None:
    splits = drawn(folder, train=["train", "test"], validation=0.2, test=0.2)
    parts = names(splits)
    assert [len(part) for part in parts] == [84, 28, 28]
    assert len(set.union(*parts)) == 140
    for data in splits:
        assert data is not None
        assert len(set(Counter(item.labels for item in data).values())) == 1  # as many of each class


def test_another_seed_draws_others(folder: Path) -> None:
    keys = {"train": ["train", "test"], "validation": 0.2, "test": 0.2}
    assert names(drawn(folder, 1, **keys)) == names(drawn(folder, 1, **keys))
    assert all(
        one != other
        for one, other in zip(names(drawn(folder, 1, **keys)), names(drawn(folder, 2, **keys)), strict=True)
    )


def test_a_share_to_test_on_alone(folder: Path) -> None:
    splits = drawn(folder, train="train", test=0.3)
    assert (len(splits.train), splits.validation) == (70, None) and splits.test is not None and len(splits.test) == 30


@pytest.mark.parametrize(("source", "left"), [("train", (68, 32, 40)), ("test", (100, 32, 8))])
def test_a_number_of_clips_of_either_part(folder: Path, source: str, left: tuple[int, ...]) -> None:
    parts = names(drawn(folder, train="train", test="test", validation_clips=32, validation_from=source))
    assert tuple(len(part) for part in parts) == left
    assert len(set.union(*parts)) == 140
    assert all(source in Path(name).parts for name in parts[1])


def test_a_share_of_the_clips_to_test_on(folder: Path) -> None:
    parts = names(drawn(folder, train="train", test="test", validation=0.25, validation_from="test"))
    assert [len(part) for part in parts] == [100, 10, 30]


def test_of_each_fold(folder: Path) -> None:
    data = DataSection.model_validate(
        {
            "set": "folder",
            "folder": str(folder),
            "folds": ["train", "test"],
            "validation_clips": 5,
            "validation_from": "test",
        }
    )
    assert [len(part) for part in names(read_splits(data, 0, 8000, "test"))] == [100, 5, 35]


def test_more_clips_than_there_are(folder: Path) -> None:
    with pytest.raises(InputError, match=r"data.validation_clips=40 leaves nothing of the 40 clips"):
        drawn(folder, train="train", test="test", validation_clips=40, validation_from="test")
