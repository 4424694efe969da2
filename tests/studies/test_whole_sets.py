"""The study of whole data sets goes from recordings to all of its tables."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from otoscope.data.esc import CATEGORIES

pytestmark = [pytest.mark.study, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def study() -> ModuleType:
    spec = importlib.util.spec_from_file_location("whole_sets", ROOT / "studies" / "whole_sets.py")
    module = sys.modules["whole_sets"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_study_writes_its_tables(study: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    for speaker in ("george", "jackson"):
        for digit in range(10):
            for take in (0, 9):
                write(tmp_path / f"fsdd/recordings/{digit}_{speaker}_{take}.wav", rng.standard_normal(4000))
    for number, kind in enumerate(CATEGORIES):
        write(tmp_path / f"esc10/{kind}/1-{number}-A.ogg", rng.standard_normal(8000))
    monkeypatch.setenv("OTOSCOPE_DATA", str(tmp_path))
    study.main(["--out", str(tmp_path / "runs"), "--tables", str(tmp_path / "tables"), "--workers", "0"])
    tables = {path.stem: path.read_text("utf-8").splitlines() for path in (tmp_path / "tables").iterdir()}
    assert set(tables) == {make.__name__ for make in study.TABLES}
    assert tables["sizes"][2].startswith("| digit model, FSDD | 40 | 903 |")
    assert len(tables["dead_maps"]) == 2 + 11 + 1
    assert tables["wrong_answers"][0].startswith("| clip | speaker |")
    assert len(tables["wrong_answers"]) > 2  # noise is no digit


def write(path: Path, sound: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * sound, 8000)
