"""Draw page.png, the picture that README.md opens with: ``python docs/images/draw_page.py`` (needs Chromium).

The words on it are kept within the file, under "words", by which a test sees that they are still those of the code.

It is what a browser shows of the page that ``otoscope inspect vowel-name`` writes for a synthesised vowel: the first
screen, from the code as it is.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import sync_playwright

from otoscope import Scope
from otoscope.data.vowels import vowel_clip

WINDOW = {"width": 1440, "height": 900}
PICTURE = Path(__file__).with_name("page.png")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main(path: Path = PICTURE) -> None:
    """Draw the picture at a path."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)  # without one, Playwright's own
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        page = Scope("vowel-name").explore(vowel_clip("ah", "women", duration=1.0)).save(Path(folder, "page.html"))
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        shown = browser.new_page(viewport=WINDOW, device_scale_factor=1.5, color_scheme="light")
        shown.goto(page.as_uri())
        shown.evaluate("document.otoscope")  # until it stands
        shown.wait_for_timeout(2000)
        shown.evaluate("document.otoscope.then(page => page.seek(0.4))")
        words = PngInfo()
        words.add_itxt("words", " ".join(shown.locator("#answer").inner_text().split()))
        picture = Image.open(io.BytesIO(shown.screenshot())).convert("RGB")
        browser.close()
    small = picture.quantize(64, dither=Image.Dither.NONE)
    small.save(path, optimize=True, pnginfo=words)


if __name__ == "__main__":
    main()
