"""The page's own modules, as far as they need no browser: each NAME.test.mjs here is run by node."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

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
