"""A run in the browser: its page, its parts, and its model where it can be asked."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from otoscope import sweep
from served import Browser, Served


@pytest.fixture(scope="module")
def run(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "tones"
    sweep("vowel-name", tones, methods="activations", out=folder, workers=1)
    return folder


@pytest.fixture(scope="module")
def of_run(run: Path) -> Iterator[Served]:
    server = Served(str(run))
    yield server
    server.end()


def data(page: str, name: str) -> dict[str, object]:
    found = re.search(rf'<script type="application/json" id="{name}"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert found is not None
    content: dict[str, object] = json.loads(found[1])
    return content


def test_the_first_page_is_that_of_the_run(of_run: Served) -> None:
    browser = Browser(of_run)
    page = browser.get("/").text
    manifest = data(page, "manifest")
    assert manifest["kind"] == "run" and "/static/run_main.js" in page and 'href="/live"' in page
    assert browser.get("/static/run_main.js").status_code == 200
    part = browser.get("/api/run/parts/r0-maps.js")
    assert part.status_code == 200 and part.headers["content-type"].startswith("text/javascript")
    for name in ("nothing", "..%2frun.json", "r0-maps.bin"):
        assert browser.get(f"/api/run/parts/{name}.js").status_code == 404


def test_its_model_is_asked_live(of_run: Served) -> None:
    browser = Browser(of_run)
    assert data(browser.get("/live").text, "live")["run"] is True
    state = browser.get("/api/state").json()
    assert [one["name"] for one in state["models"]] == ["vowel-name"] and state["notice"] is None
    assert browser.answered(kind="answer", sound=browser.sound(0.3)["id"])["state"] == "done"


def test_what_a_run_names_is_not_run_as_code(run: Path, tmp_path: Path) -> None:
    """A run may be from anybody; its model is code only where its user names it."""
    folder, mark = tmp_path / "run", tmp_path / "ran"
    shutil.copytree(run, folder)
    (tmp_path / "evil.py").write_text(f"open({str(mark)!r}, 'w')\n")
    info = json.loads((folder / "run.json").read_text())
    info["model"]["given"] = f"{tmp_path}/evil.py:Net"  # by which a run is not told from another
    (folder / "run.json").write_text(json.dumps(info))
    server = Served(str(folder))
    try:
        browser = Browser(server)
        assert browser.get("/").status_code == 200 and 'href="/live"' not in browser.get("/").text
        notice = browser.get("/api/state").json()["notice"]
        assert "is not loaded" in notice and str(tmp_path) not in notice
    finally:
        _, printed, _ = server.end()
    assert not mark.exists()
    assert "--model" in printed, "for whoever started it"
