"""The folder of a comparison: its arrays, and a page on which the models stand beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal
import torch
from torch import Tensor, nn

from otoscope import Scope, compare, write_audio
from otoscope.methods.targets import Question
from otoscope.report import write_comparison
from otoscope.report.likeness import Asked, likeness
from page_decoder import manifest_of

pytestmark = pytest.mark.usefixtures("blank_pictures")


def small(seed: int, name: str = "small") -> Scope:
    torch.manual_seed(seed)
    blocks = [nn.Conv1d(1, 4, 20, stride=5), nn.ReLU(), nn.Conv1d(4, 5, 5), nn.ReLU()]
    model = nn.Sequential(*blocks, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(5, 3))
    nn.init.uniform_(model[-1].weight)
    return Scope(model, 8000, name=name, classes=["a", "b", "c"])


def written(scopes: list[Scope], wave: Tensor, folder: Path, **options: Any) -> tuple[dict[str, Any], dict[str, str]]:
    result = compare(scopes, wave, marks={"F1": 440.0}, **options)
    _, missing = write_comparison(folder, scopes, wave, result, **options)
    return manifest_of(folder / "report.html"), missing


def test_its_page_has_the_models_and_what_their_pairs_have_in_common(clip: Tensor, tmp_path: Path) -> None:
    scopes = [small(0), small(1), small(2, "other")]
    result = compare(scopes, clip)
    page, missing = written(scopes, clip, tmp_path)
    assert [run["model"] for run in page["runs"]] == ["small 1", "small 2", "other"] and not missing
    assert len(page["sounds"]) == 1 and page["sounds"]["sound-0"]["marks"] == {"F1": 440}
    assert [(pair["a"], pair["b"]) for pair in page["pairs"]] == [("m1", "m2"), ("m1", "m3"), ("m2", "m3")]
    for pair, (i, j) in zip(page["pairs"], [(0, 1), (0, 2), (1, 2)], strict=True):
        for name, of in (
            ("spectrum_cosine", "spectrum_cosine"),
            ("overlap", "band_overlap"),
            ("crs_cosine", "crs_cosine"),
        ):
            assert pair[name] == pytest.approx(float(result[of][i, j]), abs=1e-4)
    for run in page["runs"]:
        assert run["relevance"] and run["first"] and run["maps"] and run["taps"]
    assert {path.name for path in tmp_path.iterdir()} >= {"compare.nc", "compare.png", "report.html"}


def test_the_likeness_of_maps_is_their_correlation(clip: Tensor) -> None:
    scopes = [small(0), small(1), small(0)]
    found = likeness([Asked(one, one.clip(clip), Question(1)) for one in scopes], "gradient", draws=2)
    waves = [one.relevance(clip, target=1, rule="gradient").relevance.values.astype(float) for one in scopes]
    length, step, window = 200, 20, scipy.signal.get_window("hann", 200)
    padded = [np.pad(wave, length) for wave in waves]
    starts = range(length // 2, length // 2 + waves[0].size + step, step)
    maps = [np.abs([np.fft.rfft(one[i : i + length] * window) for i in starts]) for one in padded]
    assert found[0, 1]["r"] == pytest.approx(np.corrcoef(maps[0].ravel(), maps[1].ravel())[0, 1], abs=2e-3)
    assert found[0, 2]["r"] == pytest.approx(1)
    assert len(found[0, 2]["random"]) == 2 and max(found[0, 2]["random"]) < 0.9999  # other weights, not the same ones


def test_models_of_different_rates_are_compared_where_both_hear(clip: Tensor, tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", clip.numpy(), 8000)
    slow, fast = small(0), Scope(small(1).model, 16_000, classes=["a", "b", "c"])
    asked = [Asked(one, one.clip(tmp_path / "a.wav"), Question(0)) for one in (slow, fast)]
    forth, back = likeness(asked, "guided", draws=1)[0, 1], likeness(asked[::-1], "guided", draws=1)[0, 1]
    assert forth["r"] == pytest.approx(back["r"]) and -1 < forth["r"] < 1 and len(forth["random"]) == 1


def test_what_fails_for_one_model_is_named(clip: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def struck(*args: Any, **options: Any) -> None:
        raise ZeroDivisionError("no")

    monkeypatch.setattr("otoscope.report.gather.wigner", struck)
    page, missing = written([small(0), small(1)], clip, tmp_path, rule="gradient")
    reason = "it failed (ZeroDivisionError: no)"
    assert missing == {"small 1: wigner": reason, "small 2: wigner": reason}
    assert {"what": "wigner", "why": reason} in page["runs"][1]["missing"]
    assert [one["rule"] for one in page["runs"][0]["relevance"]][:1] == ["gradient"]
