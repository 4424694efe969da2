"""Labels that are shuffled among training clips, and among no others."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from otoscope.data.items import DataSet
from otoscope.training.recipe import DataSection
from otoscope.training.splits import Splits, read_splits

GIVEN: dict[str, Any] = {"set": "vowels", "task": "vowel", "train": "all", "validation": 0.25}


def labels(data: DataSet | None) -> list[str]:
    assert data is not None
    return [item.labels[0] for item in data]


def split(seed: int = 0, **changes: Any) -> Splits:
    return read_splits(DataSection.model_validate(GIVEN | changes), seed, 8000)


@pytest.fixture(scope="module")
def plain() -> Splits:
    return split()


def test_training_labels_change_places(plain: Splits) -> None:
    shuffled = split(shuffle_labels=True)
    assert [item.name for item in shuffled.train] == [item.name for item in plain.train]
    assert Counter(labels(shuffled.train)) == Counter(labels(plain.train))
    same = sum(a == b for a, b in zip(labels(shuffled.train), labels(plain.train), strict=True))
    assert same < 0.2 * len(plain.train)  # 1 in 12 by chance


def test_what_is_held_out_keeps_its_labels(plain: Splits) -> None:
    assert labels(split(shuffle_labels=True).validation) == labels(plain.validation)


def test_the_seed_decides() -> None:
    first, again, other = (labels(split(seed, shuffle_labels=True, validation=None).train) for seed in (0, 0, 1))
    assert first == again != other
