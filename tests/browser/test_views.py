"""Layers, maps, first layer, two models, segments and facts of a page, as somebody with a browser has them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from browsing import Visit, barriers, nodes, settled, shoot, too_wide
from otoscope import Scope
from otoscope.app.found import Found
from otoscope.app.page import Page
from otoscope.app.single_file import page_html
from otoscope.app.sound_page import sound_page
from otoscope.data.vowels import vowel_clip
from otoscope.report.gather import gather

pytestmark = pytest.mark.browser

SEGMENTS = [(0.05, 0.2, "ah"), (0.2, 0.205, "t"), (0.205, 0.4, "ah")]
HOSTILE = "<img src=x onerror=alert(1)>"
COLOURS = """id => {
  const { width, height } = document.getElementById(id);
  const copy = Object.assign(document.createElement("canvas"), { width, height });
  const c = copy.getContext("2d", { willReadFrequently: true });
  c.drawImage(document.getElementById(id), 0, 0);
  const { data } = c.getImageData(0, 0, width, height);
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
  return seen.size;
}"""


@pytest.fixture(scope="module")
def found() -> dict[str, Found]:
    """What two models hear in one vowel."""
    wave = vowel_clip(duration=0.5)
    options: dict[str, Any] = {"segments": SEGMENTS, "n_maps": 6}
    return {name: gather(Scope(name), wave, **options) for name in ("vowel-name", "vowel-register")}


@pytest.fixture(scope="module")
def page(found: dict[str, Found]) -> Page:
    return sound_page(found)


@pytest.fixture
def opened(visit: Callable[..., Visit], page: Page, tmp_path: Path) -> Callable[..., Visit]:
    """Open the page, with its manifest changed first where a function is given."""

    def visited(change: Callable[[dict[str, Any]], None] | None = None, place: str = "", **options: Any) -> Visit:
        manifest = copy.deepcopy(page.manifest)
        if change:
            change(manifest)
        (tmp_path / "page.html").write_text(page_html(manifest, page.parts), encoding="utf-8")
        seen = visit((tmp_path / "page.html").as_uri() + place, **options)
        seen.page.wait_for_selector("#lay tbody tr")
        return seen

    return visited


def until(page: Any, holds: Callable[[], bool]) -> None:
    """Wait until something holds; the policy of the page lets nobody put code into it to wait there."""
    for _ in range(100):
        if holds():
            return
        page.wait_for_timeout(100)
    assert holds()


def first_run(manifest: dict[str, Any]) -> dict[str, Any]:
    run: dict[str, Any] = manifest["runs"][0]
    return run


def test_segments_stand_under_the_waveform_and_can_be_looped(opened: Callable[..., Visit]) -> None:
    page = opened().page
    names = page.locator(".segname")
    assert names.all_inner_texts() == ["ah", "ah"], "of five milliseconds there is an edge, and no name"
    names.nth(1).click()
    assert page.inner_text("#loopinfo").startswith("0.205 to 0.400")
    assert "relevance" in names.first.get_attribute("aria-label")


def test_segments_come_into_view_when_it_is_zoomed(opened: Callable[..., Visit]) -> None:
    page = opened().page
    for _ in range(4):
        page.keyboard.press("+")
    settled(page)
    assert page.locator(".segname").all_inner_texts() != ["ah", "ah"]


def test_sums_by_label_and_one_by_one(opened: Callable[..., Visit]) -> None:
    page = opened().page
    table = page.locator(".segsums tbody tr")
    assert [row.split("\t")[0] for row in table.all_inner_texts()] == ["ah", "t", "(outside)"]
    shares = page.locator(".segsums tbody td:nth-child(3)").all_inner_texts()
    assert sum(float(text.split()[0]) for text in shares) == pytest.approx(100, abs=1.5)
    assert page.locator(".segsums .barcell i").first.bounding_box()["width"] > 40
    page.get_by_role("radio", name="one by one").click()
    assert table.count() == 3 and "0.050" in table.first.inner_text()
    table.nth(2).get_by_role("button").click()
    assert page.inner_text("#loopinfo").startswith("0.205")


def test_a_layer_is_chosen_by_mouse_and_keyboard(opened: Callable[..., Visit]) -> None:
    page = opened().page
    page.locator("#lay tbody tr", has_text="conv2").click()
    assert page.inner_text("#layname").startswith("conv2")
    assert "not in this file" in page.inner_text("#gridempty")
    page.locator("#lay").focus()
    page.keyboard.press("ArrowDown")
    assert page.inner_text("#layname").startswith("relu2")
    page.keyboard.press("[")
    assert page.inner_text("#layname").startswith("conv2")
    page.locator("#gridempty button", has_text="pool1").click()
    assert page.inner_text("#layname").startswith("pool1") and page.locator(".cell:visible").count() > 1
    until(page, lambda: "layer=pool1" in page.url)


def test_a_map_is_chosen_heard_and_kept_in_the_address(opened: Callable[..., Visit]) -> None:
    page = opened().page
    cells = page.locator(".cell:visible")
    second = cells.nth(1).inner_text().split()[0]
    cells.nth(1).click()
    assert page.inner_text("#mapname").startswith(f"Map {second} of")
    assert page.locator("#src [aria-checked=true]").inner_text().endswith(f"Map {second}")
    page.keyboard.press("k")
    assert not page.inner_text("#mapname").startswith(f"Map {second} of")
    assert page.inner_text("#mapsay") and "activity" in page.inner_text("#mapfacts")
    page.select_option("#sort", "channel")
    numbers = [int(text.split()[0]) for text in cells.all_inner_texts()]
    assert numbers == sorted(numbers)


def test_ten_thousand_maps_have_few_elements(opened: Callable[..., Visit]) -> None:
    page = opened(place="#maps=10000").page
    page.wait_for_selector(".cell")
    page.locator("#layers").scroll_into_view_if_needed()
    usual = nodes(opened().page)
    before = nodes(page)
    page.evaluate("document.getElementById('gridscroll').scrollTop = 1e6")
    settled(page)
    assert page.locator(".cell").first.get_attribute("aria-setsize") == "10000"
    assert max(before, nodes(page)) < usual + 400


def test_a_model_of_a_thousand_layers_has_few_elements(opened: Callable[..., Visit]) -> None:
    def deepen(manifest: dict[str, Any]) -> None:
        taps = first_run(manifest)["taps"]
        more = [taps[1] | {"name": f"encoder.a_block_with_a_long_name.{n}.activation"} for n in range(1000)]
        first_run(manifest)["taps"] = [*taps, *more]

    usual = nodes(opened().page)
    page = opened(deepen).page
    assert nodes(page) < usual + 800
    page.locator("#lay").focus()
    for _ in range(60):
        page.keyboard.press("PageDown")
    settled(page)
    assert page.inner_text("#layname").startswith("encoder.") and nodes(page) < usual + 800
    chosen = page.locator("#lay [aria-selected=true]")
    assert chosen.count() == 1 and chosen.get_attribute("id") == page.get_attribute("#lay", "aria-activedescendant")


def test_kernels_lie_in_time_and_frequency(opened: Callable[..., Visit]) -> None:
    page = opened().page
    page.locator("#first").scroll_into_view_if_needed()
    until(page, lambda: page.evaluate(COLOURS, "f-wv") > 300)  # beside grey, lines that come one after another
    kernel = page.inner_text("#kernsay")
    page.locator("#f-k").focus()
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#kernsay") != kernel
    assert "centre" in page.get_attribute("#f-k", "aria-valuetext")
    page.locator("#f-k").hover(position={"x": 20, "y": 60})
    assert "kernel" in page.inner_text("#f-kt") and "of the peak" in page.inner_text("#f-cumt")
    assert float(page.evaluate("getComputedStyle(document.querySelector('#strs .hor')).opacity")) > 0.5
    page.locator("#strs .over").hover()
    assert "response" in page.inner_text("#strsread")


def test_a_first_layer_whose_place_is_not_known_has_the_rest(opened: Callable[..., Visit]) -> None:
    page = opened(lambda manifest: first_run(manifest)["first"].pop("wigner")).page
    page.locator("#first").scroll_into_view_if_needed()
    assert not page.locator("#f-wv").is_visible() and page.locator("#f-k").is_visible()


def test_two_models_stand_beside_each_other(opened: Callable[..., Visit]) -> None:
    page = opened().page
    page.locator("#compare").scroll_into_view_if_needed()
    assert "vowel-name" in page.inner_text("#whoA") and "vowel-register" in page.inner_text("#whoB")
    assert "No control for this pair" in page.inner_text("#cmpcontrol")
    page.locator("#cmpD .over").hover()
    assert "%" in page.inner_text("#cmpread")
    page.locator("#whoB button", has_text="listen").click()
    assert "vowel-register" in page.locator("#src [aria-checked=true]").inner_text()


def test_one_model_alone_is_compared_with_none(opened: Callable[..., Visit]) -> None:
    page = opened(lambda manifest: manifest["runs"].pop()).page
    settled(page)
    assert not page.locator("#compare").is_visible()


def test_facts_are_folded_and_notes_are_not(opened: Callable[..., Visit]) -> None:
    def note(manifest: dict[str, Any]) -> None:
        first_run(manifest)["notes"] = [{"kind": "untrained", "text": f"The weights of {HOSTILE} are random"}]
        first_run(manifest)["missing"] = [{"what": "voice", "why": "no pitch was found"}]

    page = opened(note).page
    assert HOSTILE in page.inner_text(".heard"), "as text, and before the pictures are believed"
    facts = page.locator("#factsbody details")
    assert [one.get_attribute("open") is not None for one in facts.all()][:2] == [True, False]
    assert "voice: no pitch was found." in facts.first.inner_text()
    facts.last.locator("summary").click()
    assert "@software{otoscope" in facts.last.inner_text()


@pytest.mark.parametrize("what", ["the relevance", "this map", "the kernels", "the table of layers"])
def test_every_picture_gives_its_call(opened: Callable[..., Visit], what: str) -> None:
    page = opened().page
    page.evaluate("navigator.clipboard.writeText = async text => { window.copied = text; }")
    page.get_by_role("button", name=f"Copy {what} as").click()
    python, command = page.locator(".copydialog pre").all_inner_texts()
    assert python.startswith("import otoscope") and "otoscope.Scope('vowel-name')".replace("'", '"') in python
    assert all(line.startswith(("otoscope ", "#")) for line in command.strip().splitlines())
    page.get_by_role("button", name="Copy as command").click()
    assert page.evaluate("window.copied") == command
    page.keyboard.press("Escape")
    page.wait_for_selector(".copydialog", state="detached")


def test_a_test_of_a_relevance_is_asked_what_the_relevance_was(opened: Callable[..., Visit]) -> None:
    def judge(manifest: dict[str, Any]) -> None:
        entry = first_run(manifest)["relevance"][0]
        entry["call"]["arguments"] |= {"target": "ah", "hop": 0.01}
        entry["trust"] = [{"method": "taken_away", "level": "ok", "head": "The answer changes", "text": "It does."}]

    page = opened(judge).page
    page.get_by_role("button", name="Copy taken away as").click()
    python, command = page.locator(".copydialog pre").all_inner_texts()
    assert "scope.taken_away(wave, target=" in python and "hop" not in python
    assert "otoscope taken-away vowel-name" in command and "--target=ah" in command


def test_a_relevance_that_was_not_tested_gives_the_call_that_tests_it(opened: Callable[..., Visit]) -> None:
    def other(manifest: dict[str, Any]) -> None:
        entry = first_run(manifest)["relevance"][0]
        entry["call"]["arguments"] |= {"target": "ah", "against": "uw", "hop": 0.01}
        entry |= {"trust": [], "trust_note": "Tested was another."}

    page = opened(other).page
    page.get_by_role("button", name="Copy control as").click()
    python, command = page.locator(".copydialog pre").all_inner_texts()
    assert "scope.control(wave, target=" in python and "against=" in python and "hop" not in python
    assert "otoscope control vowel-name" in command and "--against=uw" in command


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_views_keep_nobody_out(opened: Callable[..., Visit], scheme: str) -> None:
    page = opened(scheme=scheme).page
    for view in ("#layers", "#first", "#compare", "#facts"):
        page.locator(view).scroll_into_view_if_needed()
        settled(page)
    assert barriers(page) == []


@pytest.mark.parametrize("width", [400, 768, 1920])
def test_views_fit_into_every_window(opened: Callable[..., Visit], width: int) -> None:
    page = opened(width=width).page
    page.locator("#facts").scroll_into_view_if_needed()
    settled(page)
    assert too_wide(page) == []
    shoot(page, "views", [width])
