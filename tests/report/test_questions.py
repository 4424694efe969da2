"""What a page in a notebook asks of the model in its kernel: answers are those of the methods."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope import Scope
from otoscope.app.page import Page
from otoscope.app.widget import PageView
from otoscope.data.vowels import vowel_clip
from otoscope.errors import InputError
from otoscope.report.questions import answerer, facts_to_ask
from page_decoder import read


@pytest.fixture(scope="module")
def scope() -> Scope:
    return Scope("vowel-name")


@pytest.fixture(scope="module")
def clip(scope: Scope):
    return scope.clip(vowel_clip("ah", "women", duration=0.2))


def test_a_relevance_is_that_of_the_method(scope: Scope, clip) -> None:
    page = answerer(scope, clip, "a")({"kind": "relevance", "target": "iy", "against": "uh", "rule": "gradient"})
    (run,) = page.manifest["runs"]
    (entry,) = run["relevance"]
    expected = scope.relevance(clip, target="iy", against="uh", rule="gradient").relevance.values
    found = read(page.parts[run["part"]], entry["signal"])
    np.testing.assert_allclose(found, expected, atol=np.abs(expected).max() / 2**12)
    assert (run["id"], entry["rule"], entry["label"]) == ("a", "gradient", "iy against uh")


def test_maps_are_those_of_the_method(scope: Scope, clip) -> None:
    page = answerer(scope, clip, "a")({"kind": "maps", "layer": "relu2", "channels": [3, 5]})
    layer = page.manifest["runs"][0]["maps"]["relu2"]
    sounds = scope.sonify(clip, layer="relu2", channels=[3, 5]).sonification
    assert sorted(item["channel"] for item in layer["items"]) == [3, 5] and layer["of"] == 64
    for item in layer["items"]:
        expected = sounds.sel(channel=item["channel"]).values
        found = read(page.parts[layer["part"]], item["sound"])
        np.testing.assert_allclose(found, expected, atol=np.abs(expected).max() / 2**9)


def test_an_answer_holds_what_was_asked_for_alone(scope: Scope, clip) -> None:
    page = answerer(scope, clip, "a")({"kind": "relevance"})
    assert page.manifest["sounds"] == {} and set(page.parts) == {"answer-a"}
    assert set(page.manifest["runs"][0]) == {"id", "model", "sound", "part", "rate", "relevance", "maps"}


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        ({"kind": "relevance", "target": "module:function"}, "vowel-name has no class 'module:function'"),
        ({"kind": "relevance", "target": {"a": 1}}, "has no class"),
        ({"kind": "relevance", "target": 99}, "99"),
        ({"kind": "relevance", "rule": "guess"}, "there is no rule 'guess': the rules are"),
        ({"kind": "maps", "layer": "relu9"}, "no tap is named 'relu9'"),
        ({"kind": "maps"}, "no tap is named 'None'"),
        ({"kind": "maps", "layer": "relu2", "channels": "layer"}, "channels is a list of numbers, or 'all'"),
        ({"kind": "maps", "layer": "relu2", "channels": [999]}, "999"),
        ({"kind": "maps", "layer": "relu2", "count": 0}, "count from 1 to"),
        ({"kind": "maps", "layer": "relu2", "count": "many"}, "count from 1 to"),
        ({"kind": "nothing"}, "a page asks for a relevance or for maps, not for 'nothing'"),
    ],
)
def test_what_cannot_be_answered_is_said(ask: dict[str, object], message: str, scope: Scope, clip) -> None:
    with pytest.raises(InputError, match=message):
        answerer(scope, clip, "a")(ask)


def test_the_page_is_told_why_there_is_no_answer(scope: Scope) -> None:
    class Front:
        def send(self, content: dict[str, object], buffers: list[bytes]) -> None:
            self.told = content, buffers

    front = Front()
    for view, reason in (
        (scope.explore(vowel_clip(duration=0.1), n_maps=1, control=False), "vowel-name has no class 'x'"),
        (PageView(Page({"kind": "sound"}, {})), "this page has no model to ask: call scope.explore"),
    ):
        view._hear(front, {"number": 7, "ask": {"kind": "relevance", "target": "x"}}, [])
        content, buffers = front.told
        assert content["number"] == 7 and str(content["error"]).startswith(reason) and buffers == []


def test_a_model_is_asked_for_its_classes_by_its_rules(scope: Scope) -> None:
    about = facts_to_ask(scope)
    assert about["classes"] == list(scope.classes)
    assert {"id": "gradient_x_input", "label": "gradient x input"} in about["rules"]
