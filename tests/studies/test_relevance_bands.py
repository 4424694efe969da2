"""Bands of speakers are measured on the sounds whose answer something explains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from otoscope.audio import as_clip
from otoscope.studies.inputs import Folder
from otoscope.studies.relevance import bands
from otoscope.studies.step import Step, Work
from otoscope.subject import Subject

pytestmark = pytest.mark.study


class Loud(nn.Module):
    """Of two speakers, by a network whose answer to soft sounds is a constant."""

    sample_rate = 16_000
    classes = ("a", "b")

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(1, 2, 31, stride=4)

    def forward(self, wave: Tensor) -> Tensor:
        return torch.relu(self.conv(wave) - 0.3).mean(-1)


def work_on(monkeypatch: pytest.MonkeyPatch, loud: dict[str, int]) -> Work:
    """The step, on three sounds of each speaker, of which so many are loud enough."""
    rng = np.random.default_rng(0)
    pairs: list[Any] = [
        (as_clip((0.5 if n < count else 0.001) * rng.standard_normal(4000).astype(np.float32), 16_000), speaker)
        for speaker, count in loud.items()
        for n in range(3)
    ]
    monkeypatch.setattr(bands, "pieces_of", lambda *_: pairs)
    monkeypatch.setattr(bands, "subject_of", lambda work: Subject(Loud().eval()))
    monkeypatch.setattr(Work, "sounds", lambda *_: None)
    given = {"speakers": 2, "each": 3, "highest": 4000.0, "resamples": 100}
    return Work(Step("bands", bands.emphasis_of, given), Folder(), Path("models"))


def test_sounds_that_nothing_explains_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = bands.emphasis_of(work_on(monkeypatch, {"a": 3, "b": 2})).rows
    assert len(rows) == bands.BANDS and all(np.isfinite(row["emphasis"]) for row in rows)


def test_of_a_network_that_nothing_explains_there_are_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bands.emphasis_of(work_on(monkeypatch, {"a": 0, "b": 0})).rows == []
