"""Packed lists give back what was put in, in little memory."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from otoscope.data.items import (
    DataSet,
    Item,
    fact_names,
    facts_of,
    files_of,
    labels_of,
    names_of,
    pick,
    spans_of,
    splits_of,
)
from otoscope.data.packed import Packed, pack
from otoscope.embedded import Embedded
from otoscope.errors import InputError

ITEMS = (
    Item(Path("a.wav"), ("x",)),
    Item(Path("/deep/er/b.wav"), ("y", "x"), "test", 0.25, None, {"speaker": "ann", "empty": ""}),
    Item(Path("/c.wav"), (), "test", None, 1.5, {"take": "3"}),
    Item(Embedded(Path("s/0.tar"), "d/e.wav", 512, 80), ("z",), "train"),
    Item(Path("caf\udce9.wav"), ("é",), "train", 0.0, 0.5, {"speaker": "bo"}),  # a name that is not UTF-8
)


def same(found: Sequence[Item], wanted: Sequence[Item]) -> bool:
    return list(found) == list(wanted) and [found[n] for n in range(len(found))] == list(wanted)


def test_what_was_put_in_comes_out() -> None:
    packed = pack(ITEMS)
    assert same(packed, ITEMS) and packed[-1] == ITEMS[-1] and packed[np.int64(1)] == ITEMS[1]
    assert same(packed[1:4], ITEMS[1:4]) and same(packed[::-2], ITEMS[::-2])
    assert same(packed[1:][::-1].pick([0, 0, 3]), [ITEMS[4], ITEMS[4], ITEMS[1]])
    assert list(packed.labels()) == list(labels_of(ITEMS)) and list(packed.splits()) == list(splits_of(ITEMS))
    assert packed.classes == ("x", "y", "z", "é") and packed[2:].classes == ("z", "é")
    assert same(pickle.loads(pickle.dumps(packed)), ITEMS)  # noqa: S301
    assert not len(pack([])) and list(pack([])) == [] and pack([]).classes == ()
    for place in (5, -6):
        with pytest.raises(IndexError):
            packed[place]


@pytest.mark.parametrize("order", [range(6), [5, 3, 1, 1]])
def test_columns_are_those_of_the_items(order: Sequence[int]) -> None:
    clip = xr.DataArray(np.zeros(4), dims="time", attrs={"name": "made"})
    items = [(*ITEMS, Item(clip, ("x",)))[place] for place in order]
    packed = pack([*ITEMS, Item(clip, ("x",))]).pick(order)
    assert fact_names(packed) == ("speaker", "empty", "take") and set(fact_names(items)) <= set(fact_names(packed))
    for column in (files_of, labels_of, names_of, spans_of, splits_of):
        assert list(column(packed)) == list(column(items))
    for name in ("speaker", "empty", "take"):
        assert list(facts_of(packed, name)) == list(facts_of(items, name))


def test_sounds_in_memory_are_kept() -> None:
    clip = xr.DataArray(np.zeros(4), dims="time")
    packed = pack([*ITEMS, Item(clip, ("x",))])
    assert packed[5].sound is clip and same(packed[:5], ITEMS)


def test_many_different_texts_are_written_one_after_another() -> None:
    items = [Item(Path(f"{n}.wav"), ("x",), facts={"id": f"ü{n}"} if n % 3 else {}) for n in range(70_000)]
    packed = pack(items)
    assert same(packed[69_000:], items[69_000:]) and same(packed[:100], items[:100])
    assert packed.memory < 70 * len(items)


def test_labels_as_numbers() -> None:
    for items in (pack(ITEMS), pack(ITEMS).pick([4, 1, 2])):
        codes, ends = items.label_codes(("x", "é", "y"))
        numbers = {"x": 0, "é": 1, "y": 2}
        parts = np.split(codes, ends[:-1])
        assert [part.tolist() for part in parts] == [[numbers.get(one, -1) for one in item.labels] for item in items]


def test_a_part_of_a_data_set_stays_packed() -> None:
    data = DataSet(pack(ITEMS), ("x", "y", "z", "é"))
    assert isinstance(data.part("test", "train").items, Packed)
    assert list(data.part("test")) == list(ITEMS[1:3]) == list(DataSet(ITEMS, data.classes).part("test"))
    assert pick(ITEMS, [2, 0]) == (ITEMS[2], ITEMS[0])
    with pytest.raises(InputError, match="no item of the split 'val'; the splits are all, test, train"):
        data.part("val")
