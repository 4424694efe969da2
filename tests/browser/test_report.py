"""The report of an inspection in a browser: a file that is opened with the network off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from browsing import (
    Visit,
    barriers,
    frame_times,
    layout_shift,
    marked,
    nodes,
    painted,
    resized,
    settled,
    shoot,
    too_wide,
    until,
)
from otoscope.audio import write_audio
from otoscope.data.vowels import vowel_clip
from otoscope.scope import Scope

pytestmark = pytest.mark.browser

STATE = "(async () => { const page = await document.otoscope; return page.S.%s; })()"


def state(page: Any, name: str) -> Any:
    """What the page keeps under a name."""
    return page.evaluate(STATE % name)


def stands(page: Any) -> None:
    """Wait until all that is in the page is shown."""
    until(page, STATE % "late")
    until(page, STATE % "layer")
    settled(page)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of what `otoscope inspect vowel-name` writes of a second of a vowel."""
    folder = tmp_path_factory.mktemp("report")
    clip = vowel_clip("ah", "women", duration=1.0)
    write_audio(folder / "vowel.wav", clip.values, int(clip.attrs["sample_rate"]))
    Scope("vowel-name").inspect(folder / "vowel.wav", folder / "seen")
    return (folder / "seen" / "report.html").as_uri()


@pytest.fixture
def opened(visit: Callable[..., Visit], report: str) -> Callable[..., Any]:
    """Open the report and wait until it stands; gives Playwright's page."""

    def open_(more: str = "", **options: Any) -> Any:
        page = visit(report + more, **options).page
        stands(page)
        return page

    return open_


def test_the_first_screen_says_what_the_model_said(opened: Callable[..., Any]) -> None:
    page = opened()
    assert page.locator("#says").inner_text() == "ah"
    assert page.locator("#prob").inner_text().startswith("p ")
    assert "Hz" in page.locator("#where").inner_text()
    assert page.locator("#trust .trust").count() >= 2, "a control and what is left without it"
    assert page.title().startswith("vowel-name on vowel.wav")


def test_it_is_quick(opened: Callable[..., Any]) -> None:
    page = opened()
    assert painted(page) < 2000 and marked(page, "first-draw") < 4000, "a machine that does other things, too"
    assert nodes(page) < 2000
    assert layout_shift(page) < 0.02


def test_it_plays_and_the_time_advances(opened: Callable[..., Any]) -> None:
    page = opened()
    page.click("#play")
    assert page.locator("#play").get_attribute("aria-label") == "Pause"
    until(page, "parseFloat(document.getElementById('now').textContent) > 0.15")
    times = frame_times(page, 1.0)
    assert len(times) > 20, "frames are drawn while it plays"
    cursor = "document.querySelector('#main .cur').style.transform"
    until(page, f"{cursor} !== {page.evaluate(cursor)!r}")
    page.click("#play")
    still = page.locator("#now").inner_text()
    page.wait_for_timeout(150)
    assert page.locator("#now").inner_text() == still


def test_sources_share_one_clock(opened: Callable[..., Any]) -> None:
    page = opened()
    page.click("#play")
    page.wait_for_timeout(120)
    page.get_by_role("radio", name="Relevance").click()
    assert state(page, "source") == "relevance" and state(page, "playing")
    until(page, "parseFloat(document.getElementById('now').textContent) > 0.2")


def test_a_layer_and_a_map_are_chosen_and_shown(opened: Callable[..., Any]) -> None:
    page = opened()
    row = page.locator("#lay tbody tr", has=page.locator(".snd")).first
    row.scroll_into_view_if_needed()
    row.click()
    assert row.get_attribute("aria-selected") == "true"
    until(page, "document.querySelectorAll('#grid .cell').length > 1")
    cell = page.locator("#grid .cell[data-i='1']")
    cell.click()
    assert cell.get_attribute("aria-selected") == "true"
    channel = state(page, "channel")
    assert page.locator("#mapname").inner_text().startswith(f"Map {channel} ")
    until(page, STATE % "source === 'map'")
    page.keyboard.press("j")
    assert state(page, "channel") != channel


def test_rule_and_class_are_chosen(opened: Callable[..., Any]) -> None:
    page = opened()
    before = page.locator("#main .pic canvas.pl").last.get_attribute("aria-label")
    choices = page.locator(".g2 [role=radio][aria-checked=false]")
    assert choices.count() >= 1
    choices.first.click()
    until(page, f"[...document.querySelectorAll('#main .pic canvas.pl')].at(-1).ariaLabel !== {before!r}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(opened: Callable[..., Any], scheme: str) -> None:
    page = opened(scheme=scheme)
    assert barriers(page) == []
    page.click("#help")
    assert barriers(page, within="#keys") == []


@pytest.mark.parametrize("width", [400, 1100, 1920])
def test_it_fits_into_the_window(opened: Callable[..., Any], width: int) -> None:
    page = opened(width=width, touch=width == 400)
    resized(page, width)
    assert too_wide(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_pictures_of_it_are_kept(opened: Callable[..., Any]) -> None:
    for scheme in ("light", "dark"):
        page = opened(scheme=scheme)
        page.wait_for_timeout(500)
        shoot(page, f"report-{scheme}")
        shoot(page, f"report-{scheme}-top", whole=False)
