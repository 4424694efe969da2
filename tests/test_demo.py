from __future__ import annotations

from pathlib import Path

import numpy as np

from otoscope import Scope, load
from otoscope.data.vowels import vowel_clip
from otoscope.demo import GROUP, MODELS, SYMBOL, nearest, run, share
from otoscope.report import peak_frequency


def test_demo_writes_a_report_for_each_model_and_says_what_they_hear(tmp_path: Path) -> None:
    steps = []
    table, reports = run(tmp_path, lambda *step: steps.append(step))
    assert [report.parent.name for report in reports] == list(MODELS)
    assert all(report.stat().st_size > 1e5 for report in reports)
    cells = [list(column.cells) for column in table.columns]
    assert cells[0] == list(MODELS)
    assert cells[1] == ["ah", "mid"]  # both are right about the sound
    assert "F2" in cells[2][0]
    assert "F0" in cells[2][1]
    assert steps


def test_what_the_models_must_listen_to_differs_by_construction() -> None:
    """On several vowels, not only that of the demo."""
    at_f0, at_formants = {name: [] for name in MODELS}, {name: [] for name in MODELS}
    for symbol, group in ((SYMBOL, GROUP), ("eh", "men"), ("ae", "women"), ("er", "men"), ("uw", "men")):
        clip = vowel_clip(symbol, group)
        f0, formants = float(clip.attrs["f0"]), [float(f) for f in np.ravel(clip.attrs["formants"])[:2]]
        for name in MODELS:
            spectrum = Scope(load(name)).relevance(clip).spectrum
            at_f0[name].append(share(spectrum, [f0], f0))
            at_formants[name].append(share(spectrum, formants, f0))
    name, register = MODELS
    assert np.mean(at_f0[register]) > 4 * np.mean(at_f0[name])
    assert np.mean(at_formants[name]) > 2 * np.mean(at_formants[register])


def test_nearest_and_peak() -> None:
    clip = vowel_clip("iy", "men")
    spectrum = Scope(load(MODELS[1])).relevance(clip).spectrum
    assert nearest(peak_frequency(spectrum), float(clip.attrs["f0"]), [1000.0, 2000.0]) == "nearest to F0"
