"""What the tests of pages stand on: a browser that sees what a page says, calls and does."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from browsing import barriers, frame_times, layout_shift, nodes, painted, shoot, too_wide, until

pytestmark = pytest.mark.browser

PAGE = (
    '<!doctype html><html lang="en"><title>A page</title><meta name="viewport" content="width=device-width">'
    '<link rel="icon" href="data:,">{}</html>'
)
LEGIBLE = "<main><h1>Heard</h1><p>A line.</p></main>"


@pytest.fixture
def page(tmp_path: Path) -> Callable[[str], str]:
    """Write a page and give its address."""

    def write(body: str) -> str:
        (tmp_path / "page.html").write_text(PAGE.format(body), encoding="utf-8")
        return (tmp_path / "page.html").as_uri()

    return write


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """The folder, served."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(tmp_path))  # type: ignore[arg-type]

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_quiet_page_passes(visit, page) -> None:
    seen = visit(page(LEGIBLE))
    assert seen.page.title() == "A page" and painted(seen.page) > 0 and nodes(seen.page) < 12
    assert barriers(seen.page, ("minor", "moderate", "serious", "critical")) == []
    assert too_wide(seen.page) == [] and layout_shift(seen.page) == 0
    assert len(frame_times(seen.page, 0.2)) >= 3


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("<script>console.log('here')</script>", "log: here"),
        ("<script>missing()</script>", "missing is not defined"),
        ("<img alt='' src='https://example.org/a.png'>", "example.org"),
        ("<script src='https://example.org/a.js'></script>", "example.org"),
    ],
)
def test_what_a_page_says_or_calls_fails(visit, page, body: str, complaint: str) -> None:
    seen = visit(page(LEGIBLE + body))
    with pytest.raises(AssertionError, match=complaint.replace(".", r"\.")):
        seen.check()
    seen.messages.clear()
    seen.elsewhere.clear()


def test_what_is_excused_is_no_failure(visit, page) -> None:
    visit(page(LEGIBLE + "<script>console.warn('413')</script>")).excuse("413")


def test_a_server_is_home_and_others_are_not(visit, page, site: str) -> None:
    page(LEGIBLE + "<script>fetch('page.html'); fetch('http://localhost:9/').catch(() => 0)</script>")
    seen = visit(f"{site}/page.html")
    until(seen.page, "performance.getEntriesByType('resource').length >= 1")
    seen.page.wait_for_timeout(200)
    assert seen.elsewhere == ["http://localhost:9/"]
    seen.elsewhere.clear()
    seen.excuse("localhost:9|ERR_")


def test_a_microphone_is_there(visit, page, site: str) -> None:
    page(LEGIBLE)
    seen = visit(f"{site}/page.html")
    assert (
        seen.page.evaluate("navigator.mediaDevices.getUserMedia({ audio: true }).then(s => s.getTracks().length)") == 1
    )


def test_barriers_and_overflow_are_found(visit, page) -> None:
    seen = visit(page("<main><h1>H</h1><p style='color:#ccc;width:2000px'>Pale and wide</p><img src='data:,'></main>"))
    found = barriers(seen.page)
    assert any(line.startswith("color-contrast") for line in found)
    assert any(line.startswith("image-alt") for line in found)
    assert too_wide(seen.page)


def test_jumps_are_measured(visit, page) -> None:
    seen = visit(page("<main><h1 id='h'>H</h1><p style='height:300px;background:#888'>Below</p></main>"))
    seen.page.evaluate("document.getElementById('h').style.height = '400px'")
    until(seen.page, "window.shifts > 0.05")


def test_pictures_are_kept(visit, page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("browsing.SHOTS", tmp_path / "kept")
    seen = visit(page(LEGIBLE), width=400, scheme="dark")
    files = shoot(seen.page, "page")
    assert [file.name for file in files] == ["page-400.png", "page-1100.png", "page-1440.png"]
    assert all(file.read_bytes()[:4] == b"\x89PNG" for file in files)
    assert seen.page.viewport_size["width"] == 400
