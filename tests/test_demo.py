from __future__ import annotations

from pathlib import Path

import numpy as np

from otoscope import Scope, load
from otoscope.data.vowels import vowel_clip
from otoscope.demo import GROUP, MODELS, SYMBOL, nearest, run, share
from otoscope.report import peak_frequency


def test_demo_writes_a_report_for_each_model_and_says_what_they_hear(tmp_path: Path) -> None:
    steps = []
    found = run(tmp_path, lambda *step: steps.append(step))
    name, register = found["models"]
    assert [name["model"], register["model"]] == list(MODELS)
    assert all(Path(row["report"]).stat().st_size > 1e5 for row in found["models"])
    assert (name["says"], register["says"]) == ("ah", "mid")  # both are right about the sound
    assert (name["nearest_to"], register["nearest_to"]) == ("F2", "F0")
    assert name["share_at_f1_or_f2"] > 0.5 > name["share_at_f0"]
    assert register["share_at_f0"] > 0.5 > register["share_at_f1_or_f2"]
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
    assert nearest(peak_frequency(spectrum), float(clip.attrs["f0"]), [1000.0, 2000.0]) == "F0"
