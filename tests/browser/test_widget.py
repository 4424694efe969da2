"""The widget as a notebook mounts it: several in one document, each with its own styles, keys and player."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from browsing import Visit, shoot, until
from otoscope import Scope
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
const values = { manifest: data.manifest, height: 700, parts, about: data.about };
const hearing = new Set();
const model = {
  get: name => values[name], on: (type, hear) => hearing.add(hear), off: (type, hear) => hearing.delete(hear),
  send: async content => {
    const [told, buffers] = await window.kernel(content);
    for (const hear of hearing) hear(told, buffers.map(bytes));
  },
};
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
def view() -> PageView:
    pytest.importorskip("anywidget")
    return Scope("vowel-name").explore(vowel_clip("ah", "women"), n_maps=2)


@pytest.fixture
def notebook(visit: Callable[..., Visit], view: PageView, tmp_path: Path) -> Any:
    """A notebook with two widgets of one model, whose pages stand; questions go to the Python of the widget."""
    state = view.widget().get_state()
    parts = {name: base64.b64encode(part).decode() for name, part in state["parts"].items()}
    data = inline_json({"manifest": state["manifest"], "parts": parts, "about": state["about"]})
    path = tmp_path / "notebook.html"
    path.write_text(NOTEBOOK.replace("MODULE", inline_json(module())).replace("DATA", data), encoding="utf-8")
    seen = visit(path.as_uri()).page
    seen.expose_function("kernel", lambda content: answered(view, content))
    until(seen, "window.pages?.every(page => page.S.late && page.S.layer)")
    return seen


def answered(view: PageView, content: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What a kernel sends back to a question."""
    sent: list[Any] = []
    told = SimpleNamespace(send=lambda content, buffers: sent.extend((content, buffers)))
    view._hear(told, content, [])
    return sent[0], [base64.b64encode(part).decode() for part in sent[1]]


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


def test_any_class_and_any_map_can_be_asked_for(notebook: Any) -> None:
    page = "window.pages[0]"
    notebook.locator("#first").get_by_label("Class that is explained").select_option("iy")
    until(notebook, f"{page}.S.rel?.label === 'iy'")
    assert notebook.evaluate(f"{page}.S.tasks.length") == 0 and notebook.evaluate("window.pages[1].S.rel.label") == "ah"
    notebook.locator("#first").locator("select[aria-label=Rule]").select_option("gradient_x_input")
    until(notebook, f"{page}.S.rel?.label === 'iy' && {page}.S.rel.rule === 'gradient_x_input'")
    notebook.evaluate(f"{page}.set({{ layer: 'relu1' }})")  # a layer whose maps the page does not hold
    until(notebook, f"{page}.S.run.maps.relu1?.items.length === 12 && {page}.S.map?.layer === 'relu1'")
    kept = notebook.evaluate(f"[{page}.S.run.methods.length, {page}.S.run.taps.length, {page}.S.run.relevance.length]")
    assert kept[0] > 5 and kept[1] == 9 and kept[2] >= 6


def test_each_has_a_player_of_its_own(notebook: Any) -> None:
    notebook.locator("#second #play").click()
    until(notebook, "window.pages[1].player.playing && window.pages[1].player.position() > 0.02")
    assert not notebook.evaluate("window.pages[0].player.playing")
    notebook.evaluate("window.ends[1]()")
    assert notebook.evaluate(
        "[window.pages[1].player.playing, document.querySelectorAll('.otoscope-host').length]"
    ) == [False, 1]


def test_where_there_is_no_widget_a_frame_shows_the_page(
    visit: Callable[..., Visit], view: PageView, tmp_path: Path
) -> None:
    path = tmp_path / "frame.html"
    frame = view._repr_html_()
    path.write_text(f'<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">{frame}', encoding="utf-8")
    seen = visit(path.as_uri()).page
    seen.frame_locator("iframe").locator("#says", has_text="ah").wait_for()
