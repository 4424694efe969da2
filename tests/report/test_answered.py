"""What a model says to a sound, and what it has where it says no class."""

from __future__ import annotations

import pytest
from torch import Tensor, nn, randn

from otoscope import Scope
from otoscope.app.answer import answer_entry
from otoscope.report.gather import gather


@pytest.fixture
def wave() -> Tensor:
    return randn(1600)


@pytest.mark.parametrize(
    ("net", "what"),
    [
        (nn.Conv1d(1, 1, 9, padding=4), "its output is a waveform"),
        (
            nn.Sequential(nn.Conv1d(1, 4, 20, stride=5), nn.AdaptiveAvgPool1d(3)),
            "its output has the shape (1, 4, 3), without one axis of classes",
        ),
    ],
)
def test_what_it_has_in_place_of_classes_is_said_in_a_few_words(net: nn.Module, what: str, wave: Tensor) -> None:
    entry = answer_entry(gather(Scope(net, 8000), wave, target=lambda out: out.square().sum((1, 2)), control=False))
    assert entry["answer"]["kind"] == "none" and entry["answer"]["reason"] == what and entry["classes"] == []
    assert entry["answer"]["label"] and entry["answer"]["score"] > 0
