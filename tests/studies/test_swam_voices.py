"""Genuine and made speech: pairs of one speaker at one level, without what Praat cannot move."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from otoscope.data.items import DataSet, Item
from otoscope.studies.swam.voices import GENUINE, MADE, resynthesised, spoofed

RATE = 8000


@pytest.fixture
def recordings(tmp_path: Path) -> DataSet:
    """A voice of 120 Hz by each of two speakers, and noise by one."""
    time = np.arange(4000) / RATE
    voice = sum(np.cos(2 * np.pi * 120 * k * time + k * k) / k for k in range(1, 20))
    items = []
    for speaker, sound in (("a", voice), ("b", voice), ("c", np.random.default_rng(0).normal(size=4000))):
        path = tmp_path / f"{speaker}.wav"
        soundfile.write(path, 0.1 * sound, RATE)
        items.append(Item(path, (speaker,), facts={"speaker": speaker}))
    return DataSet(tuple(items), ("a", "b", "c"))


@pytest.mark.parametrize(("group", "speakers"), [("TTS", "aabbcc"), ("VC", "aabb"), ("TTS_VC", "aabb")])
def test_each_recording_stands_beside_what_is_made_of_it(recordings: DataSet, group: str, speakers: str) -> None:
    if "VC" in group:
        pytest.importorskip("parselmouth")
    found = resynthesised(recordings, group, 3, 16_000)
    assert "".join(item.facts["speaker"] for item in found) == speakers
    assert [item.labels[0] for item in found] == [GENUINE, MADE] * (len(speakers) // 2)
    genuine, made = (item.sound.values for item in list(found)[:2])  # type: ignore[union-attr]
    assert len(genuine) == len(made) == 8000
    assert np.square(made).mean() == pytest.approx(np.square(genuine).mean(), rel=0.05)
    assert np.corrcoef(genuine, made)[0, 1] < 0.9


def test_a_group_of_spoofs_stands_beside_as_much_bona_fide_speech() -> None:
    labels = ["bonafide"] * 5 + ["TTS"] * 9 + ["VC"] * 4
    found = spoofed(DataSet(tuple(Item(Path(f"{n}.flac"), (one,)) for n, one in enumerate(labels)), ()), "TTS", 4)
    assert sorted(item.labels[0] for item in found) == [GENUINE] * 4 + [MADE] * 4
