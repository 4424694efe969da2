"""The measures of the sonification study where the answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

from otoscope.models.cnn12 import CNN12
from otoscope.results import save
from otoscope.studies.found import Found
from otoscope.studies.sonification import measures
from otoscope.studies.sonification.features import Pooled, blocks, mean_over_time, of_layers, peak_over_time, up_to
from otoscope.studies.sonification.heard import selectivity
from otoscope.studies.sonification.probes import some_of
from otoscope.studies.store import Kept


def table(rows: list[dict[str, Any]]) -> list[Kept]:
    return [Kept(Path(), "", "", rows)]


@pytest.mark.parametrize("reduce", ["max", "stride"])
def test_clips_of_any_lengths_answer_together_as_they_do_alone(reduce: str) -> None:
    torch.manual_seed(0)
    model = CNN12(width=0.06, reduce=reduce).eval()
    clips = [torch.randn(1, 1, samples) for samples in (5000, 2500, 3333, 2500)]
    found = of_layers(model, clips, {"mean": mean_over_time, "peak": peak_over_time})
    with torch.no_grad():
        for layer in (1, 4, 8, 11):
            part = up_to(model, layer)
            for number, clip in enumerate(clips):
                alone = part(clip)[0]
                torch.testing.assert_close(found["mean"][layer - 1][number], alone.mean(-1), rtol=1e-3, atol=1e-5)
                torch.testing.assert_close(found["peak"][layer - 1][number], alone.amax(-1), rtol=1e-3, atol=1e-5)
            torch.testing.assert_close(Pooled(part)(clips), found["mean"][layer - 1], rtol=1e-3, atol=1e-5)
    assert blocks(model)[-1] == "relu11"


def test_selectivity_is_higher_the_narrower_the_band() -> None:
    rng, frequency = np.random.default_rng(0), np.fft.rfftfreq(8000, 1 / 8000)
    spectrum = np.fft.rfft(rng.standard_normal(8000))
    values = [
        selectivity(np.fft.irfft(np.where(np.abs(frequency - 1500) < width, spectrum, 0))) for width in (50, 300, 1400)
    ]
    assert values[0] > 2 * values[1] > 4 * values[2] > 4
    assert np.isnan(selectivity(np.zeros(400)))
    assert selectivity(7 * np.sin(np.arange(4000))) == pytest.approx(selectivity(np.sin(np.arange(4000))))


def test_few_labels_are_of_every_class_and_the_same_for_a_seed() -> None:
    known = torch.arange(200) % 7
    for share in (0.01, 0.1, 0.5):
        places = some_of(known, share, seed=3)
        counts = known[places].bincount(minlength=7)
        assert counts.min() >= 1 and counts.max() - counts.min() <= 1
        assert torch.equal(places, some_of(known, share, seed=3)) and len(places.unique()) == len(places)
    assert not torch.equal(some_of(known, 0.1, seed=3), some_of(known, 0.1, seed=4))


def test_an_interval_over_runs_and_clips_is_no_narrower_than_either() -> None:
    rng = np.random.default_rng(0)
    values = 1.0 + rng.standard_normal((3, 1)) + 0.1 * rng.standard_normal((3, 20))
    found = measures.over_runs_and_clips(values, "toy")
    runs, clips = measures.mean_of(values.mean(1), ""), measures.mean_of(values.mean(0), "")
    assert found is not None
    assert found.low == min(runs.low, clips.low) and found.high == max(runs.high, clips.high)
    alone = measures.over_runs_and_clips(values[:1], "toy")
    assert alone is not None and np.isnan(alone.low)
    assert measures.over_runs_and_clips(np.full((2, 3), np.nan), "toy") is None


def heard(tmp_path: Path, slopes: dict[str, float], seeds: int = 3) -> Found:
    """Encoders whose coherence falls along a line, each run a little lower."""
    kept = []
    for start, slope in slopes.items():
        for seed in range(seeds):
            line = 0.9 + slope * np.arange(11) - 0.01 * seed
            path = tmp_path / f"{start}{seed}.nc"
            values = np.tile(line, (4, 1)) + 0.001 * np.arange(4)[:, None]
            save(
                xr.Dataset({"coherence": (("clip", "layer"), values)}, {"layer": np.arange(1, 12)}, {"method": "x"}),
                path,
            )
            rows = [
                {"data": "free", "start": start, "seed": seed, "layer": n + 1, "coherence": float(one)}
                for n, one in enumerate(line)
            ]
            kept.append(Kept(path, "", "", rows, {"clips": path}))
    return Found({"heard": kept})


def test_slopes_of_coherence_are_found(tmp_path: Path) -> None:
    found = heard(tmp_path, {"contrastive": -0.02, "supervised": -0.05})
    slope, deep, falls = measures.falls_slowly(found), measures.deep_coherence(found), measures.coherence_falls(found)
    assert slope is not None and slope.value == pytest.approx(0.03)
    assert deep is not None and deep.value == pytest.approx(0.03 * np.mean([7, 8, 9, 10]))
    assert falls is not None and falls.value == -1 and "3 runs" in falls.of


def test_dead_maps_are_traced_back() -> None:
    rows = [
        {
            "data": "free", "start": start, "seed": seed, "step": "0", "layer": layer, "maps": 10,
            "dead": 2, "dead_at_end": 4, "dead_then_and_at_end": 1,
        }
        for start in ("contrastive", "supervised") for seed in range(3) for layer in (1, 2)
    ]  # fmt: skip
    found = measures.died_in_training(Found({"growth": table(rows)}))
    assert found is not None and found.value == 0.75


def test_scores_that_rise_with_each_layer_have_a_rank_correlation_of_one() -> None:
    rows = [
        {
            "data": "free", "start": start, "seed": seed, "task": task, "layer": layer, "share": 1.0,
            "score": layer / 20 + (0.1 if start == "contrastive" and layer < 5 else 0.0),
        }
        for start in ("contrastive", "supervised") for seed in range(3) for layer in range(1, 12)
        for task in ("digits", "speakers")
    ]  # fmt: skip
    found = Found({"probe": table(rows)})
    rises, first = measures.rises_with_layers(found), measures.contrastive_first_layers(found)
    assert rises is not None and 0.9 < rises.value <= 1
    assert first is not None and first.value == pytest.approx(0.1)
    outside, deep = measures.contrastive_outside(found), measures.supervised_in_domain(found)
    assert outside is not None and outside.value == pytest.approx(0.4 / 9)
    assert deep is not None and deep.value == 0


def test_a_gain_is_taken_run_by_run() -> None:
    rows = [
        {
            "data": "free", "task": "digits", "start": start, "mode": "full", "network": "cnn12", "variant": "all",
            "seed": seed, "test_accuracy": 0.5 + 0.1 * seed + (0.05 if start == "contrastive" else 0.0),
        }
        for start in ("none", "contrastive") for seed in range(3)
    ]  # fmt: skip
    found = measures.contrastive_helps(Found({"transfer": table(rows)}))
    assert found is not None and found.value == pytest.approx(0.05) and found.high - found.low < 1e-6
    assert measures.linear_above(Found({"transfer": table(rows)})) is None


def test_the_loss_beyond_noise_is_that_of_the_scores() -> None:
    rows = [
        {
            "data": "free", "mode": mode, "seed": seed, "layer": layer, "baseline": 0.9,
            "score": 0.5 if mode == "full" else 0.3, "score_noise": 0.8,
        }
        for mode in ("full", "linear") for seed in range(2) for layer in (1, 2)
    ]  # fmt: skip
    found = Found({"without": table(rows)})
    beyond, robust = measures.loss_beyond_noise(found), measures.tuned_is_robust(found)
    assert beyond is not None and beyond.value == pytest.approx(-0.4)
    assert robust is not None and robust.value == pytest.approx((0.4 - 0.6) / 0.9)
