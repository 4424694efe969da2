"""The study of descriptions goes from recordings to all of its tables."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from otoscope.data.esc import CATEGORIES

pytest.importorskip("parselmouth")
pytestmark = [pytest.mark.study, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def study() -> ModuleType:
    spec = importlib.util.spec_from_file_location("descriptions_study", ROOT / "studies" / "descriptions.py")
    module = sys.modules["descriptions_study"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_study_writes_its_tables(study: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    for speaker, level in (("george", 0.02), ("jackson", 0.2)):
        for digit in range(10):
            for take in (0, 7, 9):
                write(tmp_path / f"fsdd/recordings/{digit}_{speaker}_{take}.wav", level * rng.standard_normal(4000))
    for number, kind in enumerate(CATEGORIES):
        for take in range(4):
            sound = 10 ** rng.uniform(-3, -1) * rng.standard_normal(8000)
            write(tmp_path / f"esc10/{kind}/{1 + take}-{10 * number + take}-A.ogg", sound)
    monkeypatch.setenv("OTOSCOPE_DATA", str(tmp_path))
    runs, folder = str(tmp_path / "runs"), tmp_path / "tables"
    study.main(["--out", runs, "--tables", str(folder), "--permutations", "1"])
    tables = {path.stem: path.read_text("utf-8").splitlines() for path in folder.iterdir()}
    assert set(tables) == {make.__name__ for make in study.TABLES} | {"tuned", "permuted"}
    assert tables["any_fact"][2].startswith("| FSDD | digit | 903 |") and len(tables["any_fact"]) == 2 + 8
    assert len(tables["shares_fsdd"]) == 2 + 11 and len(tables["tuned"]) == 2 + 16


def write(path: Path, sound: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, 8000)
