"""Tables of one's own: parts, and pieces of files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from otoscope import write_audio
from otoscope.data import read
from otoscope.data.find import find_sounds, sound_of
from otoscope.errors import InputError


@pytest.fixture
def table(tmp_path: Path) -> Path:
    write_audio(tmp_path / "a.wav", np.linspace(-0.5, 0.5, 8000), 8000)
    rows = "file,label,split,start,stop\na.wav,low,train,,0.25\na.wav,high,train,0.75,\na.wav,all,test,,\n"
    (tmp_path / "list.csv").write_text(rows)
    return tmp_path / "list.csv"


def test_a_column_tells_the_part(table: Path) -> None:
    found = read("csv", table)
    assert [item.split for item in found] == ["train", "train", "test"]
    assert [item.labels for item in find_sounds(f"csv@test:{table}")] == [("all",)]
    assert read("csv", table, task="split").classes == ("test", "train")
    with pytest.raises(InputError, match="no item of the split 'val'; the splits are train, test"):
        read("csv", table, split="val")


def test_pieces_are_cut_out(table: Path) -> None:
    low, high, whole = (sound_of(item, 8000) for item in find_sounds(table))
    assert whole == table.parent / "a.wav" and not isinstance(low, Path) and not isinstance(high, Path)
    ramp = np.linspace(-0.5, 0.5, 8000)
    np.testing.assert_allclose(low, ramp[:2000], atol=1e-4)
    np.testing.assert_allclose(high, ramp[6000:], atol=1e-4)


@pytest.mark.parametrize(("mark", "name"), [(";", ";"), ("\t", r"\\t")])
def test_another_separator_than_a_comma_is_named(table: Path, mark: str, name: str) -> None:
    table.write_text(table.read_text().replace(",", mark))
    with pytest.raises(InputError, match=f"list.csv are separated by '{name}': save the table with commas"):
        read("csv", table)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.wav,low,train,x,", "line 2: start and stop have to be numbers"),
        ("a.wav,low,train,3,4", "no sound from 3.000"),
    ],
)
def test_pieces_that_cannot_be_are_named(table: Path, row: str, message: str) -> None:
    table.write_text(f"file,label,split,start,stop\n{row}\n")
    with pytest.raises(InputError, match=message):
        sound_of(*find_sounds(table), 8000)
