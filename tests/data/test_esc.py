"""ESC-50 and ESC-10: the recordings themselves, and both layouts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from otoscope.data import read
from otoscope.data.esc import CATEGORIES
from otoscope.errors import InputError

Write = Callable[..., Path]
TABLE = """\
filename,fold,target,category,esc10,src_file,take
1-100032-A-0.wav,1,0,dog,True,100032,A
2-100210-B-36.wav,2,36,vacuum_cleaner,False,100210,B
5-9032-A-0.wav,5,0,dog,True,9032,A
"""


@pytest.fixture
def folder(write: Write, tmp_path: Path) -> Path:
    write("ESC-50/meta/esc50.csv", TABLE)
    for line in TABLE.splitlines()[1:]:
        write(f"ESC-50/audio/{line.split(',')[0]}")
    return tmp_path / "ESC-50"


def test_the_recordings_of_esc10_have_their_folds(data: Path) -> None:
    found = read("esc10", data / "esc10")
    assert len(found) == 400 and found.classes == tuple(sorted(CATEGORIES.values()))
    counts = Counter((item.split, item.labels[0]) for item in found)
    assert len(counts) == 50 and set(counts.values()) == {8}
    sources = {(item.facts["id"], item.split) for item in found}
    assert len(sources) == len({source for source, _ in sources})  # no recording is in two folds


def test_the_table_of_esc50(folder: Path) -> None:
    found = read("esc50", folder)
    assert [(item.split, item.labels[0]) for item in found] == [
        ("fold1", "dog"),
        ("fold2", "vacuum_cleaner"),
        ("fold5", "dog"),
    ]
    ten = read("esc10", folder)
    assert ten.classes == ("dog",) and [item.split for item in ten] == ["fold1", "fold5"]


def test_faults_are_named(folder: Path, write: Write, tmp_path: Path) -> None:
    for wrong in (tmp_path, folder / "audio"):
        with pytest.raises(InputError, match="is not the folder of esc50: it does not contain"):
            read("esc50", wrong)
    (folder / "audio" / "5-9032-A-0.wav").unlink()
    found = read("esc50", folder)
    assert len(found) == 2 and found.problems["missing"] == ("5-9032-A-0.wav",)
    assert "meta/esc50.csv names it and it is not in" in found.remarks[0]
    (folder / "meta" / "esc50.csv").write_text(TABLE.replace(",5,0,dog", ",6,0,dog").replace("5-9032", "1-100032"))
    with pytest.raises(InputError, match=r"row 3 repeats '1-100032-A-0.wav'"):
        read("esc50", folder)
    write("ten/001 - Dog bark/1-100032-A.ogg")
    with pytest.raises(InputError, match=r"there is no folder .*002 - Rain"):
        read("esc10", tmp_path / "ten")
    write("ten/001 - Dog bark/barking.ogg")
    with pytest.raises(InputError, match=r"barking.ogg is not named like the clips of ESC-10"):
        read("esc10", tmp_path / "ten")
