"""The study of sequences of vowels: what is known of them, and its table."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.study


@pytest.fixture(scope="module")
def study() -> ModuleType:
    spec = importlib.util.spec_from_file_location("study_of_segments", ROOT / "studies" / "segments.py")
    module = sys.modules["study_of_segments"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_sequences_are_what_their_segments_say(study: ModuleType) -> None:
    for one in study.sequences(3):
        assert len({each.label for each in one.segments}) == len(one.segments) == study.COUNT
        sound, rate = one.sound.values, one.sound.attrs["sample_rate"]
        inside = np.zeros(len(sound), bool)
        for each in one.segments:
            first, last = round(each.start * rate), round(each.stop * rate)
            inside[first:last] = True
            assert np.abs(sound[first:last]).max() == pytest.approx(0.5, abs=1e-3)
        assert not sound[~inside].any()


def test_the_vowel_asked_for_gets_the_relevance_and_with_random_weights_it_does_not(
    study: ModuleType, tmp_path: Path
) -> None:
    study.main(["--sequences", "6", "--rules", "gradient_x_input", "--tables", str(tmp_path)])
    lines = (tmp_path / "vowel_sequences.md").read_text("utf-8").splitlines()
    trained, random = (line.strip("| ").split(" | ") for line in lines[2:4])
    assert (trained[:2], random[0]) == (["trained", "gradient_x_input"], "random weights")
    most = [float(one[6].split(" %")[0]) for one in (trained, random)]
    assert most[0] > 75 > 50 > most[1]
    assert lines[-1].startswith("Alone, each vowel is named right")
