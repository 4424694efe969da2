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
    assert "@media (max-width" not in text and "@container (max-width" in text
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
    assert 'sandbox="allow-scripts"' in frame and source.count("<") == 2
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
