"""The page's own modules, as far as they need no browser: each NAME.test.mjs here is run by node."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from otoscope.app import export

HERE = Path(__file__).parent


@pytest.mark.skipif(shutil.which("node") is None, reason="runs the page's own code: install node 20 or later")
@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.test.mjs")))
def test_modules_in_node(name: str) -> None:
    ran = subprocess.run(
        ["node", "--experimental-default-type=module", "--test", HERE / name],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_text_from_outside_is_set_by_one_module_alone() -> None:
    """So that no name goes into the page with characters that are not seen, see `visible` of numbers.js."""
    raw = re.compile(
        r"\.(?:textContent|title|ariaLabel|placeholder) = |setAttribute\(\"(?:title|label|aria-label|aria-valuetext)"
    )
    modules = (Path(export.__file__).parent / "static").glob("*.js")
    of_page = [path for path in modules if path.name != "dom.js"]
    found = [
        f"{path.name}: {line}"
        for path in of_page
        for line in path.read_text(encoding="utf-8").splitlines()
        if raw.search(line) and "visible(" not in line
    ]
    assert found == []


def test_the_page_reads_every_kind_of_number_that_is_written() -> None:
    app = Path(export.__file__).parent
    written = {
        kind for path in app.glob("run*.py") for kind in re.findall(r'numbers\(.*"([a-z]\d)"\)', path.read_text())
    }
    (read,) = re.findall(r"const ARRAYS = \{(.*)\};", (app / "static" / "run_data.js").read_text())
    assert written <= set(re.findall(r"(\w\d):", read)), "an array of another kind cannot be opened"
