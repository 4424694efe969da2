"""A sweep of a model that takes several channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from runs_of_tests import RATE, read
from torch import nn

import otoscope
from otoscope import Contract, Scope


class Sides(nn.Module):
    """Answers from the difference of its two channels alone."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.sample_rate = nn.Conv1d(1, 3, 32, 8), RATE

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        return self.conv(waveform[:, :1] - waveform[:, 1:]).relu().mean(-1)


@pytest.mark.filterwarnings("ignore")
def test_recordings_keep_their_channels(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    for name in "ab":
        soundfile.write(tmp_path / f"{name}.wav", draw.uniform(-0.4, 0.4, (1600, 2)), RATE)
    scope = Scope(Sides(), contract=Contract(sample_rate=RATE, channels=2))
    run = tmp_path / "run"
    otoscope.sweep(scope, tmp_path / "*.wav", methods=["relevance"], out=run, workers=0)
    rows = [row for row in read(run) if row["variable"] == "logit"]
    expected = [float(scope.relevance(tmp_path / f"{name}.wav")["logit"]) for name in "ab"]
    found = {row["clip"]: row["value"] for row in rows}
    assert not read(run, "errors") and sorted(found.values()) == pytest.approx(sorted(expected)) and min(expected) > 0
