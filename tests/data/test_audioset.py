"""AudioSet: the tables as they are published, and clips of which some are missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from otoscope.data import read
from otoscope.data.find import find_sounds
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
    write("as/balanced_train_segments/Y--4gqARaEJE.wav")
    write("as/balanced_train_segments/-0RWZT_30000.flac")
    write("as/eval_segments/00/abc.wav")
    return tmp_path / "as"


def test_labels_are_several_and_clips_may_be_missing(folder: Path) -> None:
    found = read("audioset", folder, split=("train", "eval"))
    assert found.multilabel and found.classes == ("Speech", "Male speech, man")
    assert [item.labels for item in found] == [("Speech", "Male speech, man"), ("Speech",), ("Male speech, man",)]
    assert found.notes == ("train: 2 of the 3 clips listed are present",)
    assert [item.labels for item in find_sounds(f"audioset@eval:{folder}")] == [("Male speech, man",)]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "eval_segments.csv").unlink(), "cannot read .*eval_segments.csv"),
        (lambda f: (f / "eval_segments/00/abc.wav").rename(f / "eval_segments/00/x.wav"), "none of the 1 clips"),
        (lambda f: (f / "eval_segments").rename(f / "evaluation"), "there is no folder .*eval_segments"),
        (lambda f: (f / "eval_segments.csv").write_text("a, 0, 10, /m/none\n"), "a has the label '/m/none'"),
        (lambda f: (f / "eval_segments.csv").write_text("a, 0, 1, /m/1\na, 0, 1, /m/1\n"), "row 2 repeats 'a'"),
        (lambda f: (f / "eval_segments.csv").write_text("a, 0\n"), "row 1: the column 'end' is empty"),
    ],
)
def test_what_is_missing_or_broken_is_named(folder: Path, spoil: Callable[[Path], object], message: str) -> None:
    spoil(folder)
    with pytest.raises(InputError, match=message):
        read("audioset", folder, split="eval")
