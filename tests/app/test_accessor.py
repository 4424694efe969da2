"""What notebooks show of models, taps and results: their facts, in HTML in which nothing of others is markup."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
import torch
from torch import nn

from otoscope import Scope
from otoscope.data.vowels import vowel_clip

EVIL = "<img src=x onerror=alert(1)>\"'&"
TAGS = {"div", "p", "b", "small", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"}


class Shown(HTMLParser):
    """The text of HTML that has no elements but those of a table, and no attributes but styles."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS and {name for name, _ in attrs} <= {"style", "class", "scope"}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "


@pytest.fixture(scope="module")
def scope() -> Scope:
    torch.manual_seed(0)
    layers = {"conv": nn.Conv1d(1, 4, 20, stride=5), EVIL.replace(".", ""): nn.ReLU(), "mean": nn.AdaptiveAvgPool1d(1)}
    model = nn.Sequential()
    for name, layer in layers.items():
        model.add_module(name, layer)
    model.add_module("flat", nn.Flatten())
    return Scope(model, sample_rate=8000, name=EVIL, classes=[EVIL, "b", "c", "d"])


def test_a_model_says_what_it_takes_and_answers(scope: Scope) -> None:
    text = Shown(scope._repr_html_()).text
    assert EVIL in text and "8000 Hz" in text and "84" in text  # parameters
    assert "relevance" in text and "What can be asked of it" in text
    assert repr(scope) == f"<Scope of {EVIL}, 8000 Hz>"


def test_a_model_is_not_run_to_be_shown() -> None:
    class Counting(nn.Module):
        runs = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.runs += 1
            return x

    scope = Scope(Counting(), sample_rate=8000)
    Shown(scope._repr_html_())
    assert scope.model.runs == 0


def test_many_classes_are_counted() -> None:
    model = nn.Sequential(nn.Conv1d(1, 50, 8), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    text = Shown(Scope(model, sample_rate=8000, classes=[f"c{n}" for n in range(50)])._repr_html_()).text
    assert "c11 and 38 more" in text and "c12" not in text


def test_taps_are_a_table(scope: Scope) -> None:
    taps = scope.taps()
    text = Shown(taps._repr_html_()).text
    assert all(name in text for name in taps) and "3 taps, in call order" in text
    assert repr(taps) == "<Trace of 3 taps at 8000 Hz: conv to mean>"
    assert str(taps).splitlines()[1].split() == ["conv", "conv1d", "4", "20", "5", "5", "20", "1600"]
    assert "20 samples (2.5 ms)" in Shown(taps["conv"]._repr_html_()).text


def test_a_result_says_what_made_it(scope: Scope) -> None:
    clip = vowel_clip("ah", "men")
    sound = torch.from_numpy(clip.values[::2].copy())
    text = Shown(scope.relevance(sound, target=EVIL).otoscope._repr_html_()).text
    for fact in ("relevance", EVIL, "rule='guided'", "Muckenhirn", "probability"):
        assert fact in text


@pytest.mark.parametrize("method", ["strs", "geometry", "activations", "sonify", "aliasing"])
def test_any_result_can_be_shown(scope: Scope, method: str) -> None:
    given = [] if method == "geometry" else [torch.randn(8000, generator=torch.Generator().manual_seed(0))]
    options = {"layer": "conv"} if method == "sonify" else {}
    text = Shown(getattr(scope, method)(*given, **options).otoscope._repr_html_()).text
    assert text.startswith(f"{method} ")


def test_long_tables_are_cut(scope: Scope) -> None:
    text = Shown(scope.strs(torch.randn(8000)).otoscope._repr_html_()).text
    assert "and more rows" in text and len(text) < 2000


def test_a_sound_and_a_table_of_others_can_be_shown(scope: Scope) -> None:
    assert "8000" in Shown(scope.clip(torch.randn(8000)).otoscope._repr_html_()).text
    assert "frequency" in Shown(scope.strs(torch.randn(8000))["strs"].otoscope._repr_html_()).text
