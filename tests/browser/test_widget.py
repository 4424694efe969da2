"""The widget as a notebook mounts it: several in one document, each with its own styles, keys and player."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from browsing import Visit, shoot, until
from otoscope import Scope
from otoscope.app.page import Page
from otoscope.app.single_file import inline_json
from otoscope.app.widget import PageView, module
from otoscope.data.vowels import vowel_clip

pytestmark = pytest.mark.browser

NOTEBOOK = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A notebook</title>
<link rel="icon" href="data:,">
<style>body { font: 16px serif; } h2 { color: rgb(1, 2, 3); } main { margin: 20px; }</style>
<body data-jp-theme-light="false"><main><h1>A notebook</h1><h2 id="own">Its own heading</h2>
<textarea id="cell"></textarea>
<div id="first"></div><p>Another cell</p><div id="second" style="max-width: 420px"></div></main>
<script type="application/json" id="module">MODULE</script><script type="application/json" id="data">DATA</script>
<script type="module">
const read = id => JSON.parse(document.getElementById(id).textContent);
const url = URL.createObjectURL(new Blob([read("module")], { type: "text/javascript" }));
const widget = (await import(url)).default, data = read("data");
const bytes = text => new DataView(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
const parts = Object.fromEntries(Object.entries(data.parts).map(([name, text]) => [name, bytes(text)]));
const values = { manifest: data.manifest, height: 700, parts };
const model = { get: name => values[name], on() {}, off() {}, send() {} };
window.seen = [];
document.addEventListener("keydown", event => window.seen.push(event.key));
window.ends = ["first", "second"].map(id => widget.render({ model, el: document.getElementById(id) }));
window.pages = await Promise.all([...document.querySelectorAll(".otoscope-host")].map(host => host.otoscope));
</script></body></html>"""
COLOURS = """window.pages.map(page => Math.max(...[...page.$("main").querySelectorAll("canvas")].map(canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width || 1, canvas.height || 1);
  return new Set(new Uint32Array(data.buffer)).size;
})))"""
"""How many colours the most colourful canvas of the first stack has, in each page."""


@pytest.fixture(scope="module")
def page() -> Page:
    return Scope("vowel-name").explore(vowel_clip("ah", "women"), n_maps=2).page


@pytest.fixture
def notebook(visit: Callable[..., Visit], page: Page, tmp_path: Path) -> Any:
    """A notebook with two widgets, whose pages stand."""
    parts = {name: base64.b64encode(part).decode() for name, part in page.parts.items()}
    data = inline_json({"manifest": json.dumps(page.manifest), "parts": parts})
    path = tmp_path / "notebook.html"
    path.write_text(NOTEBOOK.replace("MODULE", inline_json(module())).replace("DATA", data), encoding="utf-8")
    seen = visit(path.as_uri()).page
    until(seen, "window.pages?.every(page => page.S.late && page.S.layer)")
    return seen


def test_every_widget_draws_in_styles_of_its_own(notebook: Any) -> None:
    until(notebook, f"({COLOURS}).every(count => count > 50)")
    assert notebook.evaluate("getComputedStyle(document.getElementById('own')).color") == "rgb(1, 2, 3)"
    said = notebook.evaluate("window.pages.map(page => page.$('says').textContent)")
    assert said == ["ah", "ah"]
    # the theme of the notebook, and the width of the cell
    paper = "window.pages.map(page => getComputedStyle(page.el).backgroundColor)"
    assert notebook.evaluate(paper) == ["rgb(18, 20, 22)"] * 2
    assert notebook.evaluate("window.pages.map(page => page.narrow)") == [False, True]
    notebook.evaluate("document.body.dataset.jpThemeLight = 'true'")
    until(notebook, f"{paper}.every(one => one === 'rgb(252, 252, 251)')")
    shoot(notebook, "notebook", [1440])


def test_keys_are_heard_by_the_widget_with_the_focus_alone(notebook: Any) -> None:
    notebook.locator("#cell").press("f")
    scales = "window.pages.map(page => page.S.scale)"
    assert notebook.evaluate(scales) == ["mel", "mel"] and notebook.evaluate("window.seen") == ["f"]
    notebook.evaluate("window.pages[1].el.focus()")
    notebook.keyboard.press("f")
    assert notebook.evaluate(scales) == ["mel", "linear"] and notebook.evaluate("window.seen") == ["f"]


def test_each_has_a_player_of_its_own(notebook: Any) -> None:
    notebook.locator("#second #play").click()
    until(notebook, "window.pages[1].player.playing && window.pages[1].player.position() > 0.02")
    assert not notebook.evaluate("window.pages[0].player.playing")
    notebook.evaluate("window.ends[1]()")
    assert notebook.evaluate(
        "[window.pages[1].player.playing, document.querySelectorAll('.otoscope-host').length]"
    ) == [False, 1]


def test_where_there_is_no_widget_a_frame_shows_the_page(
    visit: Callable[..., Visit], page: Page, tmp_path: Path
) -> None:
    path = tmp_path / "frame.html"
    frame = PageView(page)._repr_html_()
    path.write_text(f'<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">{frame}', encoding="utf-8")
    seen = visit(path.as_uri()).page
    seen.frame_locator("iframe").locator("#says", has_text="ah").wait_for()
