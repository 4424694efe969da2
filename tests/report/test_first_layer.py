"""Sections on the first layer, and their place in an inspection."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from otoscope import Scope
from otoscope.methods import filters_before_after
from otoscope.report import render
from otoscope.report.gather import PLAIN
from otoscope.report.sections import make_sections


@pytest.fixture
def scope() -> Scope:
    torch.manual_seed(0)
    return Scope(nn.Sequential(nn.Conv1d(1, 3, 20, stride=5), nn.ReLU()), 8000)


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("filters", ("3 filters", "Muckenhirn")),
        ("frame_response", ("spectrum of a frame", "eq. 1 and 2")),
        ("f_vowel", ("share of frames", "eq. 2.1")),
    ],
)
def test_an_inspection_has_a_section(scope: Scope, method: str, words: tuple[str, ...]) -> None:
    name, run = PLAIN[method]
    assert name.startswith("The ")
    result = run(scope, torch.sin(torch.arange(4000) / 3))
    page = render("page", list(make_sections({method: result})), {})
    assert all(word.lower() in page.lower() for word in words)
    assert plt.get_fignums() == []


def test_silence_makes_nothing_fire_and_breaks_nothing(scope: Scope) -> None:
    results = {method: PLAIN[method][1](scope, torch.zeros(4000)) for method in ("frame_response", "f_vowel")}
    assert "No filter fires" in render("page", list(make_sections(results)), {})


def test_before_and_after_and_tones_have_sections_also_with_few_or_dead_kernels(scope: Scope) -> None:
    after = scope.filters()
    scope.model[0].weight.data[1:] = 0
    results = {
        "filters": scope.filters(),
        "filters_before_after": filters_before_after(scope.filters(), after),
        "tone_response": scope.tone_response("1", bins_per_octave=2),
    }
    page = render("page", list(make_sections(results)), {})
    assert "2 of them zero" in page and "of their norm" in page and "2 of which answer to no sine" in page
