"""A server's page in a browser: sounds that are brought, questions that are asked, and what goes wrong."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from browsing import Visit, barriers, resized, settled, shoot, too_wide, until
from otoscope.models import load
from served import Served

pytestmark = pytest.mark.browser

REFUSED = "the server responded with a status of 4"
"""What a browser itself says of a refusal."""
SAYS = "document.getElementById('says').textContent"
NAME = "document.getElementById('soundname').textContent"
STATE = "(async () => (await document.otoscope).S.%s)()"
TROUBLE = "document.querySelector('.trouble').textContent"
LAYERS = "document.querySelectorAll('#lay tbody tr').length > 5"
IDLE = f"(async () => {{ const {{ S }} = await document.otoscope; return !S.tasks.length && {LAYERS}; }})()"

DROP = """content => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([new Uint8Array(content)], "dropped.wav"));
  const how = { dataTransfer, bubbles: true, cancelable: true };
  for (const type of ["dragenter", "drop"]) document.querySelector(".otoscope").dispatchEvent(new DragEvent(type, how));
}"""
HUGE = """async () => {
  const { S } = await document.otoscope;
  const files = new DataTransfer();
  files.items.add(new File([new Uint8Array(S.limits.upload_bytes + 1)], "huge.wav"));
  const input = document.querySelector("input[type=file]");
  input.files = files.files;
  input.dispatchEvent(new Event("change"));
}"""
ABSENT = """async () => {
  const { S } = await document.otoscope;
  const here = S.run.maps[S.layer].items.map((item) => item.channel);
  return [...Array(64).keys()].find((n) => !here.includes(n));
}"""
"""A map that is not on the page."""
LEVELS = """async () => {
  const { S: { changed: { sound: { pic } } } } = await document.otoscope;
  const most = (low, high) => {
    const rows = [...Array(pic.F).keys()].filter((f) => f * pic.df > low && f * pic.df < high);
    return Math.max(...rows.flatMap((f) => [...pic.q.slice(f * pic.T + 10, (f + 1) * pic.T - 10)]));
  };
  return [most(700, 1500), most(200, 500)];
}"""
"""The most in the band that is filtered out, and below it."""


def state(page: Any, name: str) -> Any:
    return page.evaluate(STATE % name)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Two bundled models; the first with three checkpoints on its way from noise to what it is."""
    folder = tmp_path_factory.mktemp("training")
    weights = load("vowel-name").state_dict()
    torch.manual_seed(0)
    for step, share in enumerate((0.0, 0.5, 1.0)):
        mixed = {name: share * one + (1 - share) * 0.05 * torch.randn_like(one) for name, one in weights.items()}
        torch.save(mixed, folder / f"step={step}.pt")
    server = Served("vowel-name", "vowel-register", "--checkpoints", str(folder))
    assert server.base, server.process.communicate()[1]
    yield server
    server.end()


@pytest.fixture
def opened(visit: Callable[..., Visit], served: Served) -> Callable[..., Visit]:
    """Open the page of the server."""

    def open_(**options: Any) -> Visit:
        seen = visit(served.url, **options)
        seen.page.get_by_role("region", name="Model and sound").wait_for()
        return seen

    return open_


@pytest.fixture
def heard(opened: Callable[..., Visit]) -> Callable[..., Any]:
    """Open the page and choose a vowel that is built in; gives Playwright's page once its first screen stands."""

    def hear(**options: Any) -> Any:
        page = opened(**options).page
        page.get_by_role("button", name="vowel ah of women").click()
        until(page, f"{SAYS} === 'ah'")
        until(page, STATE % "late")
        return page

    return hear


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    """Half a second of a tone at a rate that no model here takes."""
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 300 * np.arange(22050) / 44100), 44100)
    return path


def send(page: Any, path: Path) -> None:
    page.locator("input[type=file]").first.set_input_files(path)


def test_a_page_without_a_sound_says_how_to_bring_one(opened: Callable[..., Visit]) -> None:
    page = opened().page
    text = page.locator("#main .msg").inner_text()
    assert "Drop a sound here" in text and "wav" in text and "60" in text
    assert barriers(page) == [] and not page.locator("#layers").is_visible()


def test_a_sound_that_is_built_in_is_answered_and_then_looked_into(heard: Callable[..., Any]) -> None:
    page = heard()
    assert "Hz" in page.locator("#where").inner_text()
    until(page, LAYERS)  # layers come after the answer, and so does what tells whether it may be believed
    until(page, "document.querySelectorAll('#trust .trust').length >= 2")
    page.click("#play")
    until(page, "parseFloat(document.getElementById('now').textContent) > 0.1")


def test_a_file_is_sent_resampled_and_said_to_be(opened: Callable[..., Visit], tone: Path) -> None:
    page = opened().page
    send(page, tone)
    until(page, f"{NAME}.startsWith('tone.wav')")
    assert "16,000" in page.evaluate(NAME).replace("\u202f", ",")
    until(page, IDLE)
    assert re.search("44[,\u202f]?100", page.locator("#answer").inner_text()), (
        "what was resampled is said beside the sound"
    )


def test_a_dropped_file_is_sent(opened: Callable[..., Visit], tone: Path) -> None:
    page = opened().page
    page.evaluate(DROP, list(tone.read_bytes()))
    until(page, f"{NAME}.startsWith('dropped.wav')")
    assert not page.locator(".drop").is_visible()


def test_a_recording_is_looked_at(opened: Callable[..., Visit]) -> None:
    page = opened().page
    page.get_by_role("button", name="Record").first.click()
    stop = page.get_by_role("button", name="Stop")
    stop.wait_for()
    until(
        page, "[...document.querySelectorAll('.recording:not([hidden]) .n')].some(n => parseFloat(n.textContent) > 1)"
    )
    stop.click()
    until(page, f"{NAME}.startsWith('recording')")
    assert state(page, "sound.duration") > 1
    assert state(page, "sound.x.reduce((most, v) => Math.max(most, Math.abs(v)), 0)") > 0.01, "it beeps"


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("words.wav", b"this is no sound", "words.wav"),
        ("empty.wav", b"", "empty"),
        ("<img src=x onerror=alert(1)>.wav", b"RIFF", "<img"),
    ],
)
def test_a_file_that_is_no_sound_is_refused_in_words(
    opened: Callable[..., Visit], tmp_path: Path, name: str, content: bytes, word: str
) -> None:
    seen = opened()
    seen.excuse(REFUSED)
    (tmp_path / name).write_bytes(content)
    send(seen.page, tmp_path / name)
    until(seen.page, TROUBLE)
    assert word in seen.page.evaluate(TROUBLE)
    assert seen.page.locator(".trouble img").count() == 0
    seen.page.get_by_role("button", name="Dismiss").click()
    assert not seen.page.locator(".trouble").is_visible()


def test_a_sound_that_is_too_long_is_refused_in_words(opened: Callable[..., Visit], tmp_path: Path) -> None:
    seen = opened()
    seen.excuse(REFUSED)
    soundfile.write(tmp_path / "long.wav", np.zeros(8000 * 70), 8000)
    send(seen.page, tmp_path / "long.wav")
    until(seen.page, TROUBLE)
    assert "long.wav" in seen.page.evaluate(TROUBLE) and "70" in seen.page.evaluate(TROUBLE)


def test_a_file_that_is_too_large_is_not_sent(opened: Callable[..., Visit]) -> None:
    page = opened().page
    page.evaluate(HUGE)
    until(page, TROUBLE)
    assert "huge.wav" in page.evaluate(TROUBLE) and "64" in page.evaluate(TROUBLE)


def test_any_class_one_rather_than_another_and_any_rule(heard: Callable[..., Any]) -> None:
    page = heard()
    label = STATE % "rel?.label"
    page.get_by_label("Class that is explained").select_option("iy")
    until(page, f"{label}.then(label => label === 'iy')")
    page.get_by_label("Class it is compared with").select_option("uw")
    until(page, f"{label}.then(label => label.includes('uw'))")
    page.get_by_role("combobox", name="Rule").select_option("gradient")
    until(page, f"{STATE % 'rel?.rule'}.then(rule => rule === 'gradient')")
    assert page.locator("#says").inner_text() == "ah", "what the model says stays"
    page.get_by_label("Class that is explained").select_option("ah")
    page.get_by_label("Class it is compared with").select_option("")
    until(page, f"{label}.then(label => label === 'ah')")


def test_any_relevance_is_tested_after_it_is_shown(heard: Callable[..., Any]) -> None:
    page = heard()
    page.get_by_label("Class that is explained").select_option("iy")
    until(page, f"{STATE % 'rel?.label'}.then(label => label === 'iy')")
    until(page, STATE % "rel.trust?.length >= 2")
    assert state(page, "rel.label") == "iy" and page.locator("#trust .trust").count() >= 2
    page.get_by_label("Class it is compared with").select_option("uw")
    until(page, f"{STATE % 'rel?.label'}.then(label => label.includes('uw'))")
    until(page, STATE % "rel.trust?.length >= 2")
    assert "uw" in state(page, "rel.label"), "also a difference of classes"


def test_any_map_of_any_layer(heard: Callable[..., Any]) -> None:
    page = heard()
    until(page, IDLE)
    page.locator("#lay tbody tr", has_text="conv2").click()
    until(page, "document.querySelectorAll('#grid .cell').length > 3")
    missing = page.evaluate(ABSENT)
    page.get_by_label("Map", exact=True).fill(str(missing))
    page.get_by_label("Map", exact=True).press("Enter")
    until(page, f"{STATE % 'channel'}.then(channel => channel === {missing})")


def test_a_band_is_filtered_out(heard: Callable[..., Any]) -> None:
    page = heard()
    page.get_by_label("From, Hz").fill("600")
    page.get_by_label("To, Hz").fill("1600")
    page.get_by_role("button", name="Filter", exact=True).click()
    outcome = page.locator("#change .say")
    until(page, "document.querySelector('#change .say').textContent.includes('says')")
    assert (
        "With 600 to 1,600\u00a0Hz filtered out the model says" in outcome.inner_text()
        and "instead of ah" in outcome.inner_text()
    )
    assert page.locator(".versus tbody tr").count() >= 4
    page.get_by_role("radio", name="Hear after").click()
    until(page, f"{STATE % 'source'}.then(source => source === 'changed')")
    assert state(page, "playing")
    inside, below = page.evaluate(LEVELS)
    assert inside < 100 < below, "nothing is left in the band, and the rest is"


def test_a_band_is_dragged_along_the_frequency_axis(heard: Callable[..., Any]) -> None:
    page = heard()
    axis = page.locator("#main .pic canvas.ax").first
    box = axis.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 0.4 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 20, box["y"] + 0.6 * box["height"], steps=4)
    page.mouse.up()
    low, high = state(page, "band")
    assert 300 < low < high < 5000
    page.get_by_role("button", name="Filter out").click()
    until(page, "document.querySelector('#change .say').textContent.startsWith('With ')")


def test_a_stretch_is_silenced_and_the_change_forgotten(heard: Callable[..., Any]) -> None:
    page = heard()
    page.evaluate("(async () => (await document.otoscope).region(0.1, 0.3))()")
    assert page.get_by_label("From, s").input_value() == "0.100"
    page.get_by_role("button", name="Silence", exact=True).click()
    until(page, "document.querySelector('#change .say').textContent.startsWith('With 0.100')")
    page.get_by_role("button", name="Forget the change").click()
    assert state(page, "changed") is None and "changed" not in page.evaluate(
        "(async () => Object.keys((await document.otoscope).player.sources))()"
    )


def test_the_pitch_is_moved_and_the_changed_sound_looked_into(heard: Callable[..., Any]) -> None:
    pytest.importorskip("parselmouth")
    page = heard()
    page.get_by_role("button", name="Move", exact=True).click()
    until(page, "document.querySelector('#change .say').textContent.startsWith('With the pitch raised by 50')")
    page.get_by_role("button", name="Look into the changed sound").click()
    until(page, f"{STATE % 'changed'}.then(changed => !changed)")
    assert "vowel ah of women" in page.evaluate(NAME)


def test_numbers_that_make_no_band_are_not_sent(heard: Callable[..., Any]) -> None:
    page = heard()
    page.get_by_label("From, Hz").fill("")
    page.get_by_role("button", name="Filter", exact=True).click()
    page.wait_for_timeout(200)
    assert page.get_by_label("From, Hz").evaluate("input => !input.validity.valid")
    assert state(page, "changed") is None


def test_two_models_side_by_side(heard: Callable[..., Any]) -> None:
    page = heard()
    page.locator("#companion").select_option(label="vowel-register")
    until(page, "!document.getElementById('compare').classList.contains('alone')")
    assert page.locator("#whoB").inner_text().startswith(("low", "mid", "high"))


def test_checkpoints_stand_on_a_slider(heard: Callable[..., Any]) -> None:
    page = heard()
    slider = page.get_by_label("Checkpoint")
    assert slider.get_attribute("aria-valuetext") == "as it is"
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    until(page, f"{STATE % 'checkpoint'}.then(one => one !== null)")
    assert slider.get_attribute("aria-valuetext").startswith("step 0")
    until(page, f"{STATE % 'run.id'}.then(id => id.startsWith('m1-'))")


def test_the_other_model_is_asked_about_the_same_sound(heard: Callable[..., Any]) -> None:
    page = heard()
    page.get_by_label("Model", exact=True).select_option(label="vowel-register")
    until(page, "document.getElementById('eyebrow').textContent.startsWith('vowel-register')")
    assert page.locator("#says").inner_text() in ("low", "mid", "high")


def test_what_is_under_way_can_be_cancelled(heard: Callable[..., Any]) -> None:
    page = heard()
    until(page, IDLE)
    page.get_by_role("combobox", name="Rule").select_option("occlusion")
    page.locator("#main .msg").get_by_role("button", name="Cancel").click(timeout=10_000)
    until(page, f"{STATE % 'tasks.length'}.then(n => n === 0)")
    assert page.locator("#main .msg").is_hidden() and not page.locator(".trouble").is_visible()
    assert state(page, "rule") == "guided"
    assert page.get_by_role("combobox", name="Rule").input_value() == "guided"


def test_the_page_comes_back_with_its_sound(heard: Callable[..., Any]) -> None:
    page = heard()
    until(page, "location.hash.includes('run=m1')")
    page.get_by_role("link", name="Change").click()
    assert "run=m1" in page.url and page.locator("#change").is_visible()
    page.reload()
    until(page, f"{SAYS} === 'ah'")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(heard: Callable[..., Any], scheme: str) -> None:
    page = heard(scheme=scheme)
    until(page, IDLE)
    page.get_by_role("button", name="Filter", exact=True).click()
    until(page, "document.querySelector('#change .say').textContent.startsWith('With ')")
    assert barriers(page) == []
    resized(page, 400)
    assert barriers(page) == []


@pytest.mark.parametrize("width", [400, 900, 1100, 1920])
def test_it_fits_into_the_window(heard: Callable[..., Any], width: int) -> None:
    page = heard(width=width, touch=width == 400)
    page.get_by_role("button", name="Filter", exact=True).click()
    until(page, "document.querySelector('#change .say').textContent.startsWith('With ')")
    resized(page, width)
    assert too_wide(page) == []


def test_pictures_of_it_are_kept(opened: Callable[..., Visit], heard: Callable[..., Any]) -> None:
    shoot(opened().page, "live-empty", whole=False)
    for scheme in ("light", "dark"):
        page = heard(scheme=scheme)
        until(page, IDLE)
        page.get_by_role("button", name="Filter", exact=True).click()
        until(page, "document.querySelector('#change .say').textContent.startsWith('With ')")
        settled(page)
        shoot(page, f"live-{scheme}")


@pytest.mark.kill
def test_a_worker_that_is_killed_is_spoken_of(visit: Callable[..., Visit]) -> None:
    server = Served("vowel-name")
    try:
        seen = visit(server.url)
        page = seen.page
        page.get_by_role("button", name="vowel ah of women").click()
        until(page, f"{SAYS} === 'ah'")
        until(page, IDLE)
        page.get_by_role("combobox", name="Rule").select_option("occlusion")
        page.locator("#main .msg").get_by_role("button", name="Cancel").wait_for()
        for child in server.children()[::-1]:
            os.kill(child, signal.SIGKILL)
        until(page, "document.querySelector('.word').textContent || document.querySelector('.trouble').textContent")
        until(page, f"{STATE % 'rel?.rule'}.then(rule => rule === 'occlusion')")
    finally:
        server.end()


@pytest.mark.kill
def test_a_server_that_is_gone_is_told_and_the_page_stays(visit: Callable[..., Visit]) -> None:
    server = Served("vowel-name")
    seen = visit(server.url)
    seen.excuse("ERR_CONNECTION_REFUSED|ERR_INCOMPLETE|ERR_EMPTY|ERR_CONNECTION_RESET")
    page = seen.page
    page.get_by_role("button", name="vowel ah of women").click()
    until(page, f"{SAYS} === 'ah'")
    until(page, IDLE)
    server.end()
    page.get_by_role("combobox", name="Rule").select_option("deconvnet")
    until(page, TROUBLE)
    assert "does not answer" in page.evaluate(TROUBLE) or "was ended" in page.evaluate(TROUBLE)
    page.click("#play")
    until(page, "parseFloat(document.getElementById('now').textContent) > 0.05")
