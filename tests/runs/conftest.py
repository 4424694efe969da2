from __future__ import annotations

from pathlib import Path

import pytest

from made_up_runs import write_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run")
