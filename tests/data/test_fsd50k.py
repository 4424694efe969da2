"""FSD50K: its three parts, with the columns and folders as published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from otoscope.data import read
from otoscope.errors import InputError

Write = Callable[..., Path]


@pytest.fixture
def folder(write: Write, tmp_path: Path) -> Path:
    write("fsd/FSD50K.ground_truth/vocabulary.csv", "0,Accordion,/m/0mkg\n1,Bark,/m/05tny_\n2,Dog,/m/0bt9lr\n")
    dev = 'fname,labels,mids,split\n64760,"Bark,Dog","/m/05tny_,/m/0bt9lr",train\n16399,Accordion,/m/0mkg,val\n'
    write("fsd/FSD50K.ground_truth/dev.csv", dev)
    write("fsd/FSD50K.ground_truth/eval.csv", "fname,labels,mids\n37199,Dog,/m/0bt9lr\n")
    for name in ("dev_audio/64760", "dev_audio/16399", "eval_audio/37199"):
        write(f"fsd/FSD50K.{name}.wav")
    return tmp_path / "fsd"


def test_parts_and_labels(folder: Path) -> None:
    found = read("fsd50k", folder)
    assert found.multilabel and found.classes == ("Accordion", "Bark", "Dog")
    assert [(item.split, item.labels) for item in found] == [
        ("train", ("Bark", "Dog")),
        ("val", ("Accordion",)),
        ("eval", ("Dog",)),
    ]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "FSD50K.eval_audio/37199.wav").rename(f / "FSD50K.eval_audio/1.wav"), "first 37199.wav"),
        (
            lambda f: (f / "FSD50K.eval_audio/37199.wav").rename(f / "FSD50K.eval_audio/37199.flac"),
            "first 37199.wav, but 37199.flac is there",
        ),
        (lambda f: (f / "FSD50K.ground_truth/eval.csv").write_text("fname,labels\n37199,Cat\n"), "unknown label"),
        (lambda f: (f / "FSD50K.ground_truth/eval.csv").write_text("name,labels\n37199,Dog\n"), "no column 'fname'"),
        (lambda f: (f / "FSD50K.ground_truth/eval.csv").write_text("fname,labels\n"), "eval.csv has no rows"),
    ],
)
def test_a_broken_part_is_named_and_leaves_the_others(
    folder: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(folder)
    with pytest.raises(InputError, match=message):
        read("fsd50k", folder)
    assert len(read("fsd50k", folder, split="val")) == 1
