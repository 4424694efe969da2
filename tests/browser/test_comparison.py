"""The report of a comparison in a browser: two models on one sound."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from browsing import Visit, barriers, shoot, too_wide, until
from otoscope.audio import write_audio
from otoscope.data.vowels import vowel_clip

pytestmark = pytest.mark.browser

STATE = "(async () => (await document.otoscope).S.%s)()"


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of what `otoscope compare` writes of two bundled models."""
    folder = tmp_path_factory.mktemp("compared")
    clip = vowel_clip("ah", "women")
    write_audio(folder / "vowel.wav", clip.values, int(clip.attrs["sample_rate"]))
    command = [sys.executable, "-m", "otoscope", "compare", "vowel-name", "vowel-register", folder / "vowel.wav"]
    subprocess.run([*command, "--out", folder / "seen"], check=True, capture_output=True)
    return (folder / "seen" / "report.html").as_uri()


def test_both_models_stand_side_by_side(visit: Callable[..., Visit], compared: str) -> None:
    page = visit(compared).page
    until(page, STATE % "otherRel")
    page.locator("#compare").scroll_into_view_if_needed()
    assert page.locator("#whoA").inner_text().startswith("ah")
    assert page.locator("#whoB").inner_text().startswith(("low", "mid", "high"))
    assert page.locator("#cmpcontrol .trust").count() == 1, "whether they agree more than chance"
    page.get_by_role("radio", name="vowel-register").click()
    assert page.evaluate(STATE % "source") == "other"
    page.click("#play")
    until(page, "parseFloat(document.getElementById('now').textContent) > 0.1")
    page.click("#play")
    page.get_by_label("Model and sound").select_option(index=1)
    until(page, "document.getElementById('eyebrow').textContent.startsWith('vowel-register')")
    assert barriers(page) == []


def test_pictures_of_it_are_kept(visit: Callable[..., Visit], compared: str) -> None:
    page = visit(compared).page
    until(page, STATE % "otherRel")
    shoot(page, "comparison")
    assert too_wide(page) == []
