"""The page in a real browser: it is drawn, played, moved about in, and says what it does not have."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from browsing import barriers, frame_times, layout_shift, marked, nodes, painted, settled, shoot, too_wide, until
from otoscope.app.single_file import STATIC
from page_maker import made_page, tones, trust, write_page

pytestmark = pytest.mark.browser
KEPT = ["source", "reg", "v0", "v1", "dur", "loop", "speed", "scale", "equal", "layer", "channel"]
STATE = f"""document.otoscope.then(({{ S, player }}) => ({{
  t: player.position(), playing: player.playing,
  ...Object.fromEntries({KEPT}.map(key => [key, S[key]])),
}}))"""
READY = """document.otoscope.then(({ S }) => S.late
  && (S.map || document.querySelector('#trouble p') || !Object.keys(S.run.maps).length))"""


def state(page: Any) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(STATE)
    return found


@pytest.fixture
def opened(visit: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """Open a page of made-up tones; `edit` may change its manifest and parts."""

    def opened(
        x: np.ndarray | None = None, *, edit: Callable[..., None] | None = None, hash: str = "", **more: Any
    ) -> Any:
        options = {key: more.pop(key) for key in ("width", "scheme", "calm", "touch") if key in more}
        manifest, parts = made_page(tones(0.8) if x is None else x, **more)
        if edit:
            edit(manifest, parts)
        seen = visit(write_page(tmp_path / "page.html", manifest, parts) + hash, **options)
        until(seen.page, READY)
        settled(seen.page)
        return seen.page

    return opened


def ink(page: Any, selector: str) -> list[float]:
    """Of each canvas that a selector finds, the share of pixels that are not the colour of its first."""
    script = """selector => [...document.querySelectorAll(selector)].map(canvas => {
      const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const pixels = new Uint32Array(data.buffer);
      return pixels.filter(v => v !== pixels[0]).length / pixels.length;
    })"""
    found: list[float] = page.evaluate(script, selector)
    return found


def test_first_screen_says_and_shows_the_answer(opened: Callable[..., Any]) -> None:
    page = opened()
    assert page.locator("#says").inner_text() == "yes"
    assert page.locator("#prob").inner_text() == "p = 0.900"
    assert "then no" in page.locator("#runner").inner_text()
    where = page.locator("#where").inner_text().replace("\u00a0", " ")
    assert where == "Half of its relevance lies from 0.240 to 0.320 s, and half from 300 to 600 Hz."
    assert page.locator("#trust .head").all_inner_texts() == ["Of its own", "Taken away, the answer changes"]
    drawn = ink(page, "#main .row:not(.tax) canvas.pl")
    assert len(drawn) == 4
    assert min(drawn) > 0.01, drawn


@pytest.mark.parametrize("width", [400, 1440])
def test_names_of_any_length_are_cut_and_said_whole_by_their_title(opened: Callable[..., Any], width: int) -> None:
    name = "c" * 5000

    def long(manifest: dict[str, Any], parts: dict[str, bytes]) -> None:
        (run,) = manifest["runs"]
        manifest["sounds"]["sound-0"]["name"] = run["model"] = name
        run["classes"] = [name, f"no {name}", "maybe"]
        run["taps"] = [tap | {"name": name + tap["name"]} for tap in run["taps"]]
        run["maps"] = {name + layer: maps for layer, maps in run["maps"].items()}
        for entry in run["relevance"]:
            entry["label"] = name
            entry["trust"] = [block | {"head": f"Not for {name}", "text": f"As for {name}."} for block in trust()]

    page = opened(edit=long, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") == width and not too_wide(page)
    assert page.evaluate("document.documentElement.scrollHeight") < 4000
    page.locator("#says").hover()
    assert page.locator("#says").get_attribute("title") == name


def test_later_lines_of_evidence_appear_by_themselves(opened: Callable[..., Any]) -> None:
    later = {"method": "seeds", "level": "care", "head": "Seeds disagree", "text": "Three of five trainings agree."}

    def edit(manifest: dict[str, Any], parts: dict[str, bytes]) -> None:
        manifest["runs"][0]["relevance"][0]["trust"] = [*trust(), later]

    page = opened(edit=edit)
    assert page.locator("#trust .head").all_inner_texts()[-1] == "Seeds disagree"


def test_keyboard_does_whatever_the_pointer_does(opened: Callable[..., Any]) -> None:
    page = opened()
    press = page.keyboard.press
    press("ArrowRight")
    assert state(page)["t"] == pytest.approx(0.01)
    press("Shift+ArrowRight")
    assert state(page)["t"] == pytest.approx(0.11)
    press("(")
    press("Shift+ArrowRight")
    press(")")
    assert state(page)["reg"] == pytest.approx([0.11, 0.21])
    press("Escape")
    assert state(page)["reg"] is None
    press("End")
    press("Home")
    assert state(page)["t"] == 0
    press("+")
    seen = state(page)
    assert seen["v1"] - seen["v0"] == pytest.approx(0.4)
    press("PageDown")
    assert state(page)["v0"] == pytest.approx(0.2)
    press("0")
    assert (state(page)["v0"], state(page)["v1"]) == (0, pytest.approx(0.8))
    for key, name, value in (
        ("f", "scale", "linear"),
        ("l", "loop", False),
        ("e", "equal", False),
        ("2", "source", "relevance"),
    ):
        press(key)
        assert state(page)[name] == value, key
    press("[")
    assert state(page)["layer"] == "convolution1"
    press("]")
    press("j")
    assert state(page)["channel"] == 1
    press("?")
    assert page.locator("#keys").is_visible()
    assert "play, pause" in page.locator("#keylist").inner_text()
    press("Escape")
    page.locator("#keys").wait_for(state="hidden")
    press("Space")
    until(page, f"{STATE}.then(s => s.playing)")
    press("Space")
    assert not state(page)["playing"]


def test_everything_can_be_reached_by_tabs(opened: Callable[..., Any]) -> None:
    page = opened()
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.closest('[id]')?.id"))
        if reached[-1] == "help":
            break
    for name in (
        "run",
        "main",
        "lay",
        "sort",
        "grid",
        "play",
        "src",
        "equal",
        "loop",
        "speed",
        "scale",
        "zin",
        "help",
    ):
        assert name in reached or f"{name}" in " ".join(map(str, reached)), (name, reached)


def test_playing_moves_the_cursor_in_every_picture(opened: Callable[..., Any]) -> None:
    page = opened()
    page.locator("#play").click()
    until(page, f"{STATE}.then(s => s.t > 0.1)")
    moved = page.evaluate("[...document.querySelectorAll('#main .cur')].map(e => e.style.transform)")
    assert all(text not in ("", "translateX(0.00px)") for text in moved)
    assert page.locator("#play").get_attribute("aria-label") == "Pause"
    page.locator("#play").click()
    assert 0.1 < state(page)["t"] < 0.8


def test_click_seeks_drag_loops_and_double_click_clears(opened: Callable[..., Any]) -> None:
    page = opened()
    box = page.locator("#main .over").bounding_box()
    at = lambda share: (box["x"] + share * box["width"], box["y"] + 100)  # noqa: E731
    page.mouse.click(*at(0.25))
    assert state(page)["t"] == pytest.approx(0.2, abs=0.003)
    page.mouse.move(*at(0.5))
    page.mouse.down()
    page.mouse.move(*at(0.6))
    page.mouse.move(*at(0.75))
    page.mouse.up()
    assert state(page)["reg"] == pytest.approx([0.4, 0.6], abs=0.003)
    page.mouse.dblclick(*at(0.6))
    assert state(page)["reg"] is None


def test_loop_stays_within_its_region(opened: Callable[..., Any]) -> None:
    page = opened()
    page.evaluate("document.otoscope.then(page => { page.region(0.4, 0.5); page.player.play(); })")
    seen = []
    for _ in range(12):
        page.wait_for_timeout(40)
        seen.append(state(page)["t"])
    assert all(0.39 <= t <= 0.51 for t in seen), seen
    assert max(seen) - min(seen) > 0.02


def test_hover_says_values_with_units(opened: Callable[..., Any]) -> None:
    page = opened()
    box = page.locator("#main .row.pic").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    text = page.locator("#read").inner_text()
    assert "Hz" in text
    assert " s" in text.replace("\u00a0", " ")
    assert "sound" in text
    assert "dB" in text
    lines = page.evaluate("[...document.querySelectorAll('#main .hor')].map(e => e.style.opacity)")
    assert lines == ["0.9", "0.9"], "the same frequency in both pictures"


def test_address_brings_back_what_was_shown(opened: Callable[..., Any]) -> None:
    page = opened(runs=2)
    page.select_option("#run", "b")
    until(page, "location.hash.includes('run=b')")
    page = opened(runs=2, hash="#run=a&layer=activation1&map=3")
    until(page, f"{STATE}.then(s => s.layer === 'activation1' && s.channel === 3)")


DEGRADED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no class": (
        {"classes": [], "logits": [], "probabilities": None, "order": [], "relevance": [],
         "relevance_note": "There is no class to be traced back.",
         "answer": {"kind": "none", "score_kind": None, "reason": "The model gives a waveform."}},
        "#answer", "The model gives a waveform.",
    ),
    "no class but a number": (
        {"classes": [], "logits": [], "probabilities": None, "order": [],
         "answer": {"kind": "none", "reason": "its output is a waveform", "label": "energy", "score": 170.625}},
        "#runner", "its output is a waveform: energy 170.6",
    ),
    "no relevance": (
        {"relevance": [], "relevance_note": "The gradient is not finite."}, "#where", "The gradient is not finite.",
    ),
    "no layers": ({"taps": [], "maps": {}}, "#says", "yes"),
    "no names": ({"classes": None}, "#says", "0"),
}  # fmt: skip


@pytest.mark.parametrize("name", DEGRADED)
def test_what_a_model_cannot_say_is_said(opened: Callable[..., Any], name: str) -> None:
    changes, where, words = DEGRADED[name]
    page = opened(**changes)
    assert words in page.locator(where).inner_text()
    assert not too_wide(page)


def _without_control(manifest: dict[str, Any], parts: dict[str, bytes]) -> None:
    manifest["runs"][0]["relevance"][0] |= {"trust": [], "trust_note": "No control was asked for."}


def _without_any_relevance(manifest: dict[str, Any], parts: dict[str, bytes]) -> None:
    manifest["runs"][0]["relevance"][0] |= {"time": None, "band": None, "peak_frequency": None}


CUT: dict[str, tuple[Callable[..., None], str, str]] = {
    "control": (_without_control, "#trust", "No control was asked for."),
    "relevance of zero": (_without_any_relevance, "#where", "The relevance is zero throughout this sound"),
    "sound": (lambda manifest, parts: parts.pop("sound-0"), "#main .msg", "the part sound-0 is missing from this file"),
    "relevance": (
        lambda manifest, parts: parts.pop("answer-a"),
        "#main .msg",
        "the part answer-a is missing from this file",
    ),
    "maps": (lambda manifest, parts: parts.pop("maps-a-0"), "#trouble", "The maps of activation1 could not be read"),
}


@pytest.mark.parametrize("name", CUT)
def test_what_is_missing_is_named_and_the_rest_is_shown(opened: Callable[..., Any], name: str) -> None:
    edit, where, words = CUT[name]
    page = opened(edit=edit)
    until(page, f"document.querySelector({where!r}).innerText.includes({words!r})")
    assert page.locator("#says").inner_text() == "yes"
    assert page.locator("#lay tbody tr").count() == 6


@pytest.mark.parametrize("n", [1, 2, 80])
def test_sounds_shorter_than_a_frame_are_shown(opened: Callable[..., Any], n: int) -> None:
    page = opened(0.5 * np.ones(n))
    assert page.locator("#says").inner_text() == "yes"
    assert max(ink(page, "#main .row.pic canvas.pl")) > 0 or n == 1
    page.keyboard.press("Space")


def test_silence_is_said_to_be_silent(opened: Callable[..., Any]) -> None:
    page = opened(np.zeros(4000), edit=_without_any_relevance)
    page.keyboard.press("Space")
    assert "zero throughout" in page.locator("#where").inner_text()
    assert page.evaluate("document.otoscope.then(page => page.player.gains.input)") == 0


def test_hostile_names_stay_text(opened: Callable[..., Any]) -> None:
    name = "<img src=x onerror=alert(1)></script><b>"

    def edit(manifest: dict[str, Any], parts: dict[str, bytes]) -> None:
        manifest["sounds"]["sound-0"]["name"] = manifest["runs"][0]["model"] = name
        manifest["runs"][0]["classes"] = [name] * 3
        for tap in manifest["runs"][0]["taps"]:
            tap["name"] = f"{name}.{tap['name']}"

    page = opened(edit=edit)
    assert page.locator("#says").inner_text() == name
    assert page.locator("img, #says b").count() == 0


def test_names_cannot_reverse_the_words_around_them(opened: Callable[..., Any]) -> None:
    def edit(manifest: dict[str, Any], parts: dict[str, bytes]) -> None:
        manifest["runs"][0] |= {"model": "net\u202e", "classes": [f"{one}\u202e" for one in "abc"]}
        manifest["runs"][0]["relevance"][0]["label"] = "a\u202e"
        manifest["sounds"]["sound-0"]["name"] = "\u2066one.wav"

    text = opened(edit=edit).locator(".otoscope").inner_text()
    assert "net\\u202e says" in text and "\\u2066one.wav" in text
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", text)


def test_no_word_of_the_page_holds_what_is_not_seen(opened: Callable[..., Any]) -> None:
    """Names with control characters, line ends and turns of direction: in texts, titles, labels and the title alike."""
    odd = "a\u202eb\nc\x1bd\u2066e"

    def edit(manifest: dict[str, Any], parts: dict[str, bytes]) -> None:
        sound, runs = manifest["sounds"]["sound-0"], manifest["runs"]
        sound |= {"name": odd, "note": f"cut to {odd}", "marks": {odd: 500.0}}
        sound["segments"] = [{"start": 0.1, "stop": 0.4, "label": odd}]
        for run in runs:
            run |= {"model": odd, "classes": [f"{odd}{i}" for i in range(3)]}
            run["answer"]["how"] = odd
            for entry in run["relevance"]:
                entry["label"] = odd
            run["taps"] = [tap | {"name": odd + tap["name"], "note": odd} for tap in run["taps"]]
            run["maps"] = {odd + layer: one for layer, one in run["maps"].items()}

    page = opened(edit=edit, runs=2)
    page.locator("#layers").scroll_into_view_if_needed()
    page.locator("#compare").scroll_into_view_if_needed()
    page.locator("#src button").nth(1).click()
    page.locator("#layname").hover()
    script = """() => {
      const found = [document.title];
      for (const element of document.querySelectorAll(".otoscope, .otoscope *")) {
        if (element.closest("script, style")) continue;
        for (const name of ["title", "aria-label", "aria-valuetext", "label", "placeholder"]) {
          if (element.hasAttribute(name)) found.push(element.getAttribute(name));
        }
        if (element.localName === "pre") continue;
        for (const node of element.childNodes) if (node.nodeType === 3 && node.data.trim()) found.push(node.data);
      }
      return found;
    }"""
    said = page.evaluate(script)
    assert sum("a\\u202eb\\nc\\x1bd\\u2066e" in one for one in said) > 20
    hidden = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
    assert [one for one in said if hidden.search(one.strip())] == []


def test_on_a_phone_every_sound_can_be_chosen_and_the_focus_is_a_whole_frame(opened: Callable[..., Any]) -> None:
    page = opened(runs=2, width=400)
    page.locator("#compare").scroll_into_view_if_needed()
    until(page, "document.otoscope.then(page => !!page.player.sources.other)")
    assert page.locator("#src button").all_inner_texts() == ["Input", "Relevance", "Map 0"]
    wide = page.evaluate(
        "[...document.querySelectorAll('#src button')].filter(b => b.scrollWidth > b.clientWidth).length"
    )
    assert wide == 0
    page.locator("#more").click()
    page.locator("#srcall button").last.click()
    assert page.locator("#src [aria-checked=true]").inner_text() == "Other"
    page.locator("#main .over").focus()
    page.keyboard.press("ArrowRight")
    frames = page.evaluate(
        "[...document.querySelectorAll('#main .row:not(.tax) .pl')].map(c => getComputedStyle(c).boxShadow)"
    )
    assert len(frames) == 4 and all("2px" in one for one in frames)


def test_a_rule_without_the_chosen_class_cannot_be_chosen(opened: Callable[..., Any]) -> None:
    def edit(manifest: dict[str, Any], parts: dict[str, bytes]) -> None:
        (run,) = manifest["runs"]
        (first,) = run["relevance"]
        run["relevance"] = [first, {**first, "target": "second", "label": "no"}, {**first, "rule": "gradient"}]

    page = opened(edit=edit)
    page.locator("button[data-s=second]").click()
    gradient = page.locator("button[data-s=gradient]")
    assert gradient.get_attribute("aria-disabled") == "true"
    assert gradient.get_attribute("title") == "The relevance for no by the rule gradient is not on this page."
    gradient.click(force=True)
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.otoscope.then(page => [page.S.rule, page.S.target])") == ["guided", "second"]
    page.locator("button[data-s=top]").click()
    gradient.click()
    second = page.locator("button[data-s=second]")
    assert second.get_attribute("aria-disabled") == "true"
    second.click(force=True)
    assert page.evaluate("document.otoscope.then(page => [page.S.rule, page.S.target])") == ["gradient", "top"]


def test_a_model_without_the_chosen_rule_is_said_not_to_have_it(opened: Callable[..., Any]) -> None:
    def edit(manifest: dict[str, Any], parts: dict[str, bytes]) -> None:
        first = manifest["runs"][0]["relevance"][0]
        manifest["runs"][0]["relevance"].append({**first, "rule": "gradient"})

    page = opened(edit=edit, runs=2)
    assert page.locator("#cmpA canvas.pl").count() and page.locator("#compare .cmp").is_visible()
    page.locator("button[data-s=gradient]").click()
    said = page.locator("#cmpcontrol").inner_text()
    assert said == "The relevance of model-b by the rule gradient is not on this page: choose another rule."
    assert not page.locator("#compare .cmp").is_visible()


def test_what_speaks_only_against_is_not_called_zero(opened: Callable[..., Any]) -> None:
    def edit(manifest: dict[str, Any], parts: dict[str, bytes]) -> None:
        entry = manifest["runs"][0]["relevance"][0]
        shape, at = entry["picture"]["shape"], entry["picture"]["at"]
        picture = {"kind": "signed", "top": 2.0, "shape": shape, "at": at}
        entry |= {"signed": True, "time": None, "band": None, "picture": picture}

    said = opened(edit=edit).locator("#where").inner_text()
    assert said == "Nothing in this sound speaks for yes: all of the relevance speaks against it."


def test_a_long_reason_stands_below_what_is_said(opened: Callable[..., Any]) -> None:
    reason = "The answer is not finite, for what the model gives holds NaN in most of its numbers. " * 4
    nothing = {"classes": [], "logits": [], "probabilities": None, "order": []}
    page = opened(**nothing, answer={"kind": "none", "reason": reason})
    boxes = [page.locator(one).bounding_box() for one in ("#eyebrow", "#says", "#runner", "#where")]
    assert all(upper["y"] + upper["height"] <= lower["y"] + 1 for upper, lower in pairwise(boxes))


def test_the_section_in_view_is_marked_below_its_name_alone(opened: Callable[..., Any]) -> None:
    """A shadow would leave a thin line at the side of a name that does not begin on a whole pixel."""
    style = (
        opened()
        .locator(".nav a[aria-current]")
        .evaluate("""a => {
      const { boxShadow, borderLeftWidth, borderBottomWidth } = getComputedStyle(a);
      return [boxShadow, borderLeftWidth, borderBottomWidth];
    }""")
    )
    assert style == ["none", "0px", "1px"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 640, 900, 1100, 1440, 1920])
def test_page_fits_every_width(opened: Callable[..., Any], width: int, scheme: str) -> None:
    page = opened(width=width, scheme=scheme, runs=2)
    assert not too_wide(page)
    if width in (400, 1440):
        shoot(page, f"report-{scheme}", widths=(width,))


@pytest.mark.parametrize("width", [400, 1440])
def test_no_barriers(opened: Callable[..., Any], width: int) -> None:
    page = opened(width=width, runs=2)
    assert not barriers(page)


def test_little_motion_moves_the_cursor_in_steps(opened: Callable[..., Any]) -> None:
    page = opened(calm=True)
    page.keyboard.press("Space")
    places = page.evaluate("""async () => {
      const cursor = document.querySelector("#main .cur"), seen = new Set(), end = performance.now() + 600;
      while (performance.now() < end) {
        seen.add(cursor.style.transform);
        await new Promise(requestAnimationFrame);
      }
      return seen.size;
    }""")
    assert 2 <= places <= 9


def test_paper_is_light_whatever_the_screen_is(opened: Callable[..., Any], tmp_path: Path) -> None:
    page = opened(scheme="dark")
    page.emulate_media(media="print")
    settled(page)
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.otoscope')).backgroundColor") == "rgb(255, 255, 255)"
    )
    assert not page.locator("#deck").is_visible()
    page.pdf(path=str(tmp_path / "page.pdf"))


def test_first_pictures_are_soon_there_and_nothing_jumps(opened: Callable[..., Any]) -> None:
    """On an idle machine 120 and 300 ms; here others may be at work."""
    page = opened(tones(1.0, 16000), rate=16000)
    assert painted(page) < 2000
    assert marked(page, "first-draw") < 4000
    assert layout_shift(page) < 0.01
    assert nodes(page) < 2000


def test_long_sound_is_moved_through_smoothly(opened: Callable[..., Any]) -> None:
    """Ten minutes: zooming draws no more than the screen holds."""
    page = opened(np.tile(tones(10.0), 60), count=0)
    spent = page.evaluate("""async () => {
      const page = await document.otoscope, times = [];
      for (let i = 0; i < 30; i++) {
        const width = 600 * 0.75 ** i, begin = performance.now();
        page.view(304 - width / 2, 304 + width / 2);
        await new Promise(requestAnimationFrame);
        page.mainStack.draw();
        times.push(performance.now() - begin);
      }
      return times;
    }""")
    assert statistics.median(spent) < 100, spent
    assert max(ink(page, "#main .row.pic canvas.pl")) > 0.01


def test_frames_come_while_playing(opened: Callable[..., Any]) -> None:
    page = opened(tones(3.0))
    page.keyboard.press("Space")
    until(page, f"{STATE}.then(s => s.t > 0.1)")
    times = frame_times(page, 1.0)
    assert statistics.median(times) < 40, times


@pytest.fixture(scope="module")
def modules() -> Iterator[str]:
    """The address of a server of the page's own modules."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(STATIC)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


PLAYED = """async ([rate, device, at, equal]) => {
  const { startSources, gainsOf, bufferOf } = await import("/player.js");
  const x = Float32Array.from({ length: rate / 4 }, (_, i) => Math.round(12000 * Math.sin(i * i / 900)) / 32768);
  const y = x.map(v => 30 * v);
  const sources = { input: { x, rate, natural: true }, relevance: { x: y, rate } };
  const gains = gainsOf(sources, equal);
  const context = new OfflineAudioContext(1, device / 4, device);
  const span = { start: 0, end: x.length / rate, over: x.length / rate + 0.35, loop: true, speed: 1 };
  startSources(context, sources, {
    ...span, when: 0, at, into: context.destination,
    gainOf: id => (id === "input" ? gains[id] : 0), buffer: (source, speed) => bufferOf(context, source, speed),
  });
  const heard = (await context.startRendering()).getChannelData(0);
  return { x: [...x], heard: [...heard], gains };
}"""


def test_samples_played_are_the_samples_stored(visit: Callable[..., Any], modules: str) -> None:
    page = visit(modules + "index.html").page
    found = page.evaluate(PLAYED, [16000, 16000, 0, False])
    assert found["gains"]["input"] == 1
    assert found["heard"] == found["x"]
    assert found["gains"]["relevance"] == pytest.approx(1 / 30)


def test_at_equal_loudness_both_are_as_loud_and_neither_clips(visit: Callable[..., Any], modules: str) -> None:
    page = visit(modules + "index.html").page
    found = page.evaluate(PLAYED, [16000, 16000, 0, True])
    gain = found["gains"]["input"]
    np.testing.assert_allclose(found["heard"], gain * np.array(found["x"]), atol=1e-6)
    assert gain / found["gains"]["relevance"] == pytest.approx(30, rel=1e-3)
    assert gain * np.abs(found["x"]).max() < 1


def test_at_the_rate_of_the_device_the_same_is_heard(visit: Callable[..., Any], modules: str) -> None:
    page = visit(modules + "index.html").page
    found = page.evaluate(PLAYED, [16000, 48000, 0, False])
    inside = slice(100, -100)  # the ends, where the sine is cut, ring
    np.testing.assert_allclose(np.array(found["heard"])[::3][inside], np.array(found["x"])[inside], atol=1e-3)
