"""ASVspoof 2019 LA: keys, attacks and how they are made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from otoscope import load
from otoscope.data import read
from otoscope.data.asvspoof import ATTACKS, LISTS, PROTOCOLS
from otoscope.errors import InputError

Write = Callable[..., Path]
ATTACKS_OF = {"train": range(1, 7), "dev": range(1, 7), "eval": range(7, 20)}


@pytest.fixture
def folder(write: Write, tmp_path: Path) -> Path:
    for split, attacks in ATTACKS_OF.items():
        lines = [f"LA_00{split} LA_{split}_100 - - bonafide"]
        lines += [f"LA_00{split} LA_{split}_1{n:02} - A{n:02} spoof" for n in attacks]
        write(f"LA/{PROTOCOLS}/ASVspoof2019.LA.cm.{LISTS[split]}.txt", "\n".join(lines))
        for line in lines:
            write(f"LA/ASVspoof2019_LA_{split}/flac/{line.split()[1]}.flac")
    return tmp_path / "LA"


def test_attacks_are_grouped_as_published() -> None:
    """11 systems of text to speech, 5 of conversion, 3 of both; of the six known ones, 4 and 2 (Wang et al. 2020)."""
    assert Counter(ATTACKS.values()) == {"TTS": 11, "VC": 5, "TTS_VC": 3}
    assert Counter(ATTACKS[f"A{n:02}"] for n in range(1, 7)) == {"TTS": 4, "VC": 2}
    assert ATTACKS["A16"] == ATTACKS["A04"] and ATTACKS["A19"] == ATTACKS["A06"]


def test_the_protocols_are_read(folder: Path) -> None:
    found = read("asvspoof2019-la", folder)
    assert found.classes == load("inc-tssdnet").classes
    assert Counter(item.split for item in found) == {"train": 7, "dev": 7, "eval": 14}
    attacks = read("asvspoof2019-la", folder, task="attack", split="eval")
    assert attacks.classes == ("bonafide", *(f"A{n:02}" for n in range(1, 20)))
    assert [item.labels[0] for item in attacks] == ["bonafide", *(f"A{n:02}" for n in range(7, 20))]
    groups = read("asvspoof2019-la", folder, task="group", split="eval")
    assert Counter(item.labels[0] for item in groups) == {"bonafide": 1, "TTS": 7, "VC": 3, "TTS_VC": 3}
    first = found.items[0]
    assert first.facts == {"speaker": "LA_00train", "key": "bonafide", "attack": "bonafide", "group": "bonafide"}


def test_a_part_alone_needs_no_other(folder: Path) -> None:
    (folder / PROTOCOLS / "ASVspoof2019.LA.cm.train.trn.txt").unlink()
    assert len(read("asvspoof2019-la", folder, split="dev")) == 7
    with pytest.raises(
        InputError, match=r"cannot read .*cm.train.trn.txt: No such file.*; download the data set again from https"
    ):
        read("asvspoof2019-la", folder)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("LA_1 LA_dev_100 - A20 spoof", "attack 'A20' and the key 'spoof'"),
        ("LA_1 LA_dev_100 - A01 bonafide", "attack 'A01' and the key 'bonafide'"),
        ("LA_1 LA_dev_100 - spoof", "line 1: 4 columns instead of 5"),
        ("LA_1 LA_dev_999 - A01 spoof", "1 of 1 recordings that .* first LA_dev_999.flac"),
    ],
)
def test_a_broken_protocol_is_named(folder: Path, line: str, message: str) -> None:
    (folder / PROTOCOLS / "ASVspoof2019.LA.cm.dev.trl.txt").write_text(line)
    with pytest.raises(InputError, match=message):
        read("asvspoof2019-la", folder, split="dev")
