"""The page in notebooks: one module, data that is what the page holds, and a frame where there is no widget."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

import otoscope
from notebooks import run_notebook, shown
from otoscope import Scope
from otoscope.app.page import Page
from otoscope.app.single_file import inline_json
from otoscope.app.widget import PageView, module
from otoscope.data.vowels import vowel_clip
from otoscope.errors import InputError

WIDGET = "application/vnd.jupyter.widget-view+json"
EVIL = "</script><script>alert(1)</script>\"'&"
PAGE = Page({"kind": "sound", "title": EVIL, "runs": [], "sounds": {}}, {"sound-0": b"packed"})


@pytest.fixture
def without_anywidget(monkeypatch: pytest.MonkeyPatch) -> None:
    from otoscope.app import widget

    widget._widget_class.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "anywidget", None)
    yield
    widget._widget_class.cache_clear()


def test_the_module_is_one_module(tmp_path: Path) -> None:
    text = module()
    assert len(re.findall(r"^export ", text, re.MULTILINE)) == 1 and not re.search(r"^import ", text, re.MULTILINE)
    if node := shutil.which("node"):
        (tmp_path / "widget.mjs").write_text(text, encoding="utf-8")
        subprocess.run([node, "--check", tmp_path / "widget.mjs"], check=True)


def test_the_widget_has_the_data_of_the_page() -> None:
    pytest.importorskip("anywidget")
    view = PageView(PAGE, height=500)
    state = view.widget().get_state()
    assert json.loads(state["manifest"]) == PAGE.manifest and state["height"] == 500
    assert state["parts"] == PAGE.parts
    bundle = view._repr_mimebundle_()
    assert WIDGET in bundle and bundle["text/plain"] == repr(view)
    assert "<script" not in bundle["text/html"]
    assert view.widget() is view.widget()


@pytest.mark.usefixtures("without_anywidget")
def test_without_anywidget_the_page_is_in_a_frame() -> None:
    view = PageView(PAGE)
    bundle = view._repr_mimebundle_()
    assert WIDGET not in bundle and bundle["text/html"] == view._repr_html_()
    with pytest.raises(InputError, match=r"needs anywidget: pip install 'otoscope\[app\]'"):
        view.widget()


def test_the_frame_holds_the_whole_page_and_lets_nothing_out() -> None:
    source = PageView(PAGE)._repr_html_()
    (frame,) = re.findall(r"<iframe [^>]*>", source)
    assert 'sandbox="allow-scripts"' in frame and source.count("<") == 2 and "\n" not in source
    page = unescape(re.search(r'srcdoc="([^"]*)"', frame)[1])
    assert "default-src 'none'" in page and inline_json(PAGE.manifest) in page
    assert base64.b64encode(b"packed").decode() in page


def test_a_page_can_be_kept(tmp_path: Path) -> None:
    path = PageView(PAGE).save(tmp_path / "page.html")
    assert "Content-Security-Policy" in path.read_text("utf-8")


@pytest.mark.parametrize("height", [0, -5, 10**6])
def test_heights_that_no_cell_has(height: int) -> None:
    with pytest.raises(InputError, match="height is in CSS pixels"):
        PageView(PAGE, height=height)


def test_a_notebook_shows_the_widget(tmp_path: Path) -> None:
    pytest.importorskip("anywidget")
    setup = "import otoscope\nfrom otoscope.data.vowels import vowel_clip\nscope = otoscope.Scope('vowel-name')"
    explore = "scope.explore(vowel_clip('ah', 'women', duration=0.2), n_maps=1)"
    _, model, taps, first, second, sound = run_notebook(
        tmp_path, setup, "scope", "scope.taps()", explore, explore, "scope.relevance(vowel_clip()).otoscope.play()"
    )
    assert "vowel-name" in shown(model, "text/html")[0] and "<table>" in shown(taps, "text/html")[0]
    assert "<audio" in shown(sound, "text/html")[0]
    ids = [shown(one, WIDGET)[0]["model_id"] for one in (first, second)]
    assert len(set(ids)) == 2


# -- Of a result alone ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scope() -> Scope:
    return Scope("vowel-name")


@pytest.mark.parametrize(("asked", "says"), [({}, "ah"), ({"target": "uh"}, "ah"), ({"rule": "gradient"}, "ah")])
def test_a_relevance_is_a_page(asked: dict[str, str], says: str, scope: Scope, tmp_path: Path) -> None:
    """Which says what the whole page of the sound says, as far as the result goes; also from its file."""
    result = scope.relevance(vowel_clip("ah", "women", duration=0.2), **asked)
    result.otoscope.save(tmp_path / "relevance.nc")
    for one in (result, otoscope.open(tmp_path / "relevance.nc")):
        (run,) = one.otoscope.show().page.manifest["runs"]
        answer, whole = run["answer"], scope.output(vowel_clip("ah", "women", duration=0.2))[0].sort(descending=True)
        assert (answer["label"], run["class_count"], run["missing"]) == (says, 12, [])
        assert answer["score"] == pytest.approx(float(whole.values[0]), rel=1e-4)
        assert answer["margin"] == pytest.approx(float(whole.values[0] - whole.values[1]), rel=1e-4)
        assert scope.classes[whole.indices[1]] == answer["runner_up"]
        (entry,) = run["relevance"]
        assert entry["label"] == asked.get("target", "ah") and entry["rule"] == asked.get("rule", "guided")


def test_a_difference_of_classes_is_a_page_without_an_answer(scope: Scope) -> None:
    result = scope.relevance(vowel_clip("ah", "women", duration=0.2), target="ah", against="uh")
    (run,) = result.otoscope.show().page.manifest["runs"]
    assert run["answer"]["kind"] == "none" and "ah" in run["answer"]["reason"] and run["missing"] == []


def test_other_results_say_how_to_see_them(scope: Scope) -> None:
    with pytest.raises(InputError, match=r"this is geometry\. plot\(\) draws any result, and scope\.explore"):
        scope.geometry().otoscope.show()
    with pytest.raises(InputError, match=r"has 2: take isel\(clip=0\)"):
        scope.relevance([vowel_clip(duration=0.1).values] * 2).otoscope.show()
    with pytest.raises(InputError, match="this is no result"):
        vowel_clip().otoscope.show()
