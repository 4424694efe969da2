"""A page in Chromium, and what is asked of it: what it said, whom it called, how it looks, how fast it is."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHOTS = Path(os.environ.get("OTOSCOPE_SCREENSHOTS") or ROOT / "build" / "screenshots")
"""Where pictures of pages are kept."""
WIDTHS = (400, 1100, 1440)
"""Widths that every page is looked at, in CSS pixels: a telephone, a small and a usual screen."""
HEIGHTS = {400: 850}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",  # the network is off
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--enable-precise-memory-info",
)
SEEN = """
window.shifts = 0;
new PerformanceObserver(list => { for (const e of list.getEntries()) if (!e.hadRecentInput) window.shifts += e.value; })
  .observe({ type: "layout-shift", buffered: true });
"""
FRAMES = """seconds => new Promise(done => {
  const times = [], end = performance.now() + 1000 * seconds;
  let last = 0;
  const step = now => {
    if (last) times.push(now - last);
    last = now;
    if (now < end) requestAnimationFrame(step); else done(times);
  };
  requestAnimationFrame(step);
})"""

WIDE = """() => {
  const edge = document.documentElement.clientWidth, out = [];
  const clipped = el => {
    for (let p = el.parentElement; p && p !== document.documentElement; p = p.parentElement)
      if (getComputedStyle(p).overflowX !== "visible") return true;
    return false;
  };
  for (const el of document.body.querySelectorAll("*")) {
    const r = el.getBoundingClientRect();
    if (r.width && r.right > edge + 1 && !clipped(el)) out.push(`${el.tagName}#${el.id}.${el.className}: ${r.right}`);
  }
  return out;
}"""


def chromium() -> str:
    """The program that is driven; a test that needs one is skipped where there is none.

    ``OTOSCOPE_CHROMIUM`` names another one. What is named there has to be there: nothing is skipped then.
    """
    named = os.environ.get("OTOSCOPE_CHROMIUM")
    if named:
        assert shutil.which(named), f"OTOSCOPE_CHROMIUM names no program: {named}"
        import playwright  # noqa: F401
    found = named or next(filter(None, map(shutil.which, CHROMIUM)), None)
    if not found:
        pytest.skip("needs Chromium: apt install chromium, or let OTOSCOPE_CHROMIUM name it")
    pytest.importorskip("playwright", reason="needs the driver of browsers: pip install playwright")
    return found


class Visit:
    """One page of one user, with all that it said and asked for.

    Parameters
    ----------
    page
        Playwright's.
    home
        What the page may call: the beginning of its own address, as ``http://127.0.0.1:8765/``. A file calls nobody.
    """

    def __init__(self, page: Any, home: str) -> None:
        self.page, self.home = page, home
        self.messages: list[str] = []
        self.elsewhere: list[str] = []
        self.excused: list[str] = []
        page.on("console", lambda message: self.messages.append(_told(message)))
        page.on("pageerror", lambda error: self.messages.append(f"uncaught: {error}"))
        page.on("request", lambda request: self._asked(request.url))

    def _asked(self, url: str) -> None:
        if urlsplit(url).scheme not in ("data", "blob") and not url.startswith(self.home):
            self.elsewhere.append(url)

    def excuse(self, pattern: str) -> None:
        """Expect a message of the browser's own, as that a server has refused."""
        self.excused.append(pattern)

    def check(self) -> None:
        """Nothing was said on the console, and nobody else was called."""
        said = [text for text in self.messages if not any(re.search(one, text) for one in self.excused)]
        assert not said and not self.elsewhere, f"the page said {said} and called {self.elsewhere}"


def _told(message: Any) -> str:
    """A line of the console, and the place that it is from."""
    return f"{message.type}: {message.text} ({message.location.get('url', '')})"


def resized(page: Any, width: int) -> None:
    """The window as wide as that, and the page at rest again."""
    page.set_viewport_size({"width": width, "height": HEIGHTS.get(width, 900)})
    settled(page)


def settled(page: Any) -> None:
    """Wait until two frames were drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def until(page: Any, expression: str, seconds: float = 60.0) -> Any:
    """Wait until an expression of the page's is true, and give its value.

    The driver's own way to wait evaluates text within the page, which the policy of our pages forbids.
    """
    end = time.monotonic() + seconds
    while not (value := page.evaluate(expression)):
        assert time.monotonic() < end, f"after {seconds} s it is still not true: {expression}"
        page.wait_for_timeout(30)
    return value


def shoot(page: Any, name: str, widths: Sequence[int] = WIDTHS, *, whole: bool = True) -> list[Path]:
    """Keep pictures of the page at several widths.

    Parameters
    ----------
    name
        Of the files, ``NAME-WIDTH.png``.
    whole
        From top to bottom, not the window alone.

    Returns
    -------
    list of Path
        The files, one a width.
    """
    before, files = page.viewport_size, []
    page.evaluate("window.scrollTo(0, 0)")
    SHOTS.mkdir(parents=True, exist_ok=True)
    for width in widths:
        resized(page, width)
        files.append(SHOTS / f"{name}-{width}.png")
        if whole:  # a window as high as the page: what is drawn when it is seen is seen
            page.set_viewport_size({"width": width, "height": page.evaluate("document.documentElement.scrollHeight")})
            settled(page)
        page.screenshot(path=str(files[-1]))
    page.set_viewport_size(before)
    settled(page)
    return files


def too_wide(page: Any) -> list[str]:
    """What reaches beyond the right edge of the window, but for what scrolls by itself."""
    found: list[str] = page.evaluate(WIDE)
    return found


def barriers(page: Any, impact: Sequence[str] = ("serious", "critical"), within: str | None = None) -> list[str]:
    """What keeps people out, as axe finds it: one line for each, with the first places.

    Parameters
    ----------
    impact
        How bad it has to be to be told.
    within
        A selector: the part that is looked at, instead of the page.
    """
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page, context=within).response["violations"]
    return [
        f"{one['id']} ({one['impact']}, {len(one['nodes'])}): {one['help']}: "
        + "; ".join(node["html"][:160] for node in one["nodes"][:3])
        for one in found
        if one["impact"] in impact
    ]


def painted(page: Any) -> float:
    """Milliseconds until the first content was painted."""
    return float(until(page, "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"))


def marked(page: Any, name: str) -> float:
    """Milliseconds until the page made a mark by ``performance.mark(name)``."""
    times = page.evaluate("name => performance.getEntriesByName(name).map(e => e.startTime)", name)
    assert times, f"the page made no mark {name!r}"
    return float(times[0])


def frame_times(page: Any, seconds: float = 2.0) -> list[float]:
    """Milliseconds from each frame to the next, for as long as that."""
    times: list[float] = page.evaluate(FRAMES, seconds)
    return times


def layout_shift(page: Any) -> float:
    """By how much things jumped since the page was opened, as browsers measure it."""
    return float(page.evaluate("window.shifts"))


def nodes(page: Any) -> int:
    """Elements in the document."""
    return int(page.evaluate("document.getElementsByTagName('*').length"))


def heap(page: Any) -> float:
    """Megabytes that the scripts of the page hold, after a collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    return float(metrics["JSHeapUsedSize"]) / 1e6


@contextmanager
def visiting(
    browser: Any,
    url: str,
    *,
    width: int = 1440,
    scheme: Literal["light", "dark"] = "light",
    calm: bool = False,
    touch: bool = False,
    home: str | None = None,
) -> Iterator[Visit]:
    """A page that is open for a while; when it is closed, it has said nothing and called nobody.

    Parameters
    ----------
    browser
        Playwright's.
    url
        Its address; of a file, ``path.as_uri()``.
    width
        Of the window, in CSS pixels.
    scheme
        What the user prefers.
    calm
        The user wants little motion.
    touch
        A finger, not a mouse.
    home
        The beginning of what the page may call, where that is more than its own server or folder.

    Yields
    ------
    Visit
        The page, loaded.
    """
    parts = urlsplit(url)
    own = home or (f"{parts.scheme}://{parts.netloc}/" if parts.netloc else url.split("#")[0].rpartition("/")[0] + "/")
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHTS.get(width, 900)},
        color_scheme=scheme,
        reduced_motion="reduce" if calm else "no-preference",
        has_touch=touch,
        accept_downloads=True,
        permissions=["microphone"] if parts.netloc else [],
        offline=not parts.netloc,
    )
    try:
        context.add_init_script(SEEN)
        page = context.new_page()
        page.set_default_timeout(60_000)
        visit = Visit(page, own)
        page.goto(url)
        yield visit
        visit.check()
    finally:
        context.close()
