"""The study of other architectures: its numbers on rows with known answers, and its plan for the data of the papers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import miniature_sets
from otoscope.studies.beyond.claims import CLAIMS
from otoscope.studies.beyond.measures import PAIRED, SCORES, across, cell
from otoscope.studies.beyond.steps import correlations, dead_and_active, matched, same_f0
from otoscope.studies.beyond.trained import NETWORKS, SEEDS
from otoscope.studies.found import Found
from otoscope.studies.inputs import Folder
from otoscope.studies.listing import find_study
from otoscope.studies.page import write_study
from otoscope.studies.run import plan, run
from otoscope.studies.store import Kept
from otoscope.studies.study import Setting


def found(**tables: list[dict[str, Any]]) -> Found:
    return Found({table: [Kept(Path(), "", "", rows)] for table, rows in tables.items()})


def runs(network: str, **columns: Any) -> list[dict[str, Any]]:
    """Rows of three seeds, both tasks, trained and initial weights; a column may be a function of these."""
    return [
        {
            "data": "free", "network": network, "seed": seed, "task": task, "weights": weights,
            **{name: value(seed, task, weights) if callable(value) else value for name, value in columns.items()},
        }
        for seed in range(3) for task in ("words", "speakers") for weights in ("trained", "initial")
    ]  # fmt: skip


def test_f0_of_other_clips_is_chance() -> None:
    sounds = np.array([100.0, 200.0, 300.0, np.nan])
    pairs = same_f0(sounds, np.array([101.0, np.nan, 297.0, 100.0]))
    assert pairs.sum() == 3  # the last relevance has the F0 of the first sound
    assert matched(pairs, np.isfinite(sounds)) == (pytest.approx(2 / 3), 0.0)
    everywhere = np.full((4, 4), 0.3)
    assert matched(everywhere) == (pytest.approx(0.3), pytest.approx(0.3))


def test_correlations_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((3, 50)), rng.standard_normal((4, 50))
    assert correlations(first, second) == pytest.approx(np.corrcoef(first, second)[:3, 3:])
    assert np.isfinite(correlations(np.ones((1, 5)), np.ones((1, 5)))).all()


def test_a_map_is_dead_where_no_clip_moves_it() -> None:
    moving = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.2]])
    assert dead_and_active(moving) == (pytest.approx(1 / 3), 0.5)
    assert dead_and_active(np.zeros((2, 3))) == (1.0, 0.0)


def test_the_band_by_task_is_words_minus_speakers() -> None:
    rows = runs("strided", layer=0, median_frequency=lambda seed, task, weights: 700 + seed if task == "words" else 600)
    one = cell(found(response=rows), "beyond-1", "strided")
    assert one is not None and one.value == 101 and one.low < 101 < one.high
    assert cell(found(response=rows), "beyond-1", "LEAF") is None


def test_what_training_does_is_trained_minus_initial() -> None:
    def share(seed: int, task: str, weights: str) -> float:
        return 0.1 * seed + (0.5 if weights == "trained" else 0.2)

    rows = runs("SincNet", layer=0, share_500_1500=share, share_100_800=share, low_share=share)
    for number in ("beyond-2", "beyond-3", "beyond-4"):
        one = cell(found(response=rows), number, "SincNet")
        assert one is not None and one.value == pytest.approx(0.3)


def test_coherence_of_kernels_with_depth() -> None:
    rows = []
    for layer, mu in enumerate((None, 0.5, 0.4, 0.2)):
        rows += runs("strided", layer=layer, mu_avg=mu if mu is None else lambda s, t, w, mu=mu: mu * (w == "trained"))
    falls, beyond = (cell(found(response=rows), number, "strided") for number in ("beyond-5", "beyond-6"))
    assert falls is not None and falls.value == pytest.approx(-0.3)
    assert beyond is not None and beyond.value == pytest.approx(-0.3)


def test_the_first_layer_is_set_against_the_median_of_the_others() -> None:
    rows = []
    for layer, change in enumerate((None, 0.01, 0.1, 0.1, 9.0)):
        rows += runs("strided", layer=layer, change=change)
    one = cell(found(response=rows), "beyond-16", "strided")
    assert one is not None and one.value == pytest.approx(-1)


def test_rank_by_depth_and_deaths_need_three_layers() -> None:
    rows = []
    for layer in range(1, 5):
        rows += runs(
            "strided", layer=layer, coherence=1 / layer, dead=lambda s, t, w, n=layer: n / 8 * (w == "trained")
        )
    depth, dead = (cell(found(depth=rows), number, "strided") for number in ("beyond-11", "beyond-12"))
    assert depth is not None and depth.value == pytest.approx(-1)
    assert dead is not None and dead.value == pytest.approx((3 + 4) / 16)
    assert cell(found(depth=[row for row in rows if row["layer"] < 3]), "beyond-11", "strided") is None


def test_the_pair_is_judged_run_by_run_and_for_the_strided_network_alone() -> None:
    rows = []
    for step, share in enumerate((0.1, 0.5), start=1):
        rows += runs("strided", step=step, share=share) + runs("pooled", step=step, share=share / 2)
    one = cell(found(folding=rows), "beyond-15", "strided")
    assert one is not None and one.value == pytest.approx(-0.15) and "6 runs" in one.of
    assert across("beyond-15")(found(folding=rows)) == one
    assert cell(found(folding=rows), "beyond-15", "SincNet") is None
    largest = cell(found(folding=rows), "beyond-14", "strided")
    assert largest is not None and largest.value == 0.5


def test_over_networks_each_counts_once_and_the_control_does_not() -> None:
    rows = [row for number, network in enumerate(NETWORKS) for row in runs(network.name, step=1, share=number / 10)]
    one = across("beyond-14")(found(folding=rows))
    assert one is not None and one.value == pytest.approx(0.25) and one.of.endswith("6 networks")
    assert one.low < 0.25 < one.high


def test_where_one_task_is_not_done_the_other_is_judged_alone() -> None:
    rows = [
        row for network in NETWORKS for row in runs(network.name, step=1, share=lambda s, t, w: 0.2 + (t != "words"))
    ]
    part = [row for row in rows if row["task"] == "words" or row["network"] == "AASIST"]
    for one in (
        across("beyond-14")(found(folding=part, training=part)),
        cell(found(folding=part), "beyond-14", "AASIST"),
    ):
        assert one is not None and one.value == pytest.approx(0.2)
    one = across("beyond-14")(found(folding=part, training=part))
    assert one is not None and one.of == "FSDD, words alone, 6 networks"
    both = across("beyond-14")(found(folding=rows, training=rows))
    assert both is not None and both.value == pytest.approx(0.7) and both.of == "FSDD, 6 networks"


def test_relevances_of_two_tasks_are_compared_with_those_of_two_runs(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    base = {task: rng.random((5, 8)) for task in ("words", "speakers")}
    kept = []
    for task, bands in base.items():
        for seed in range(3):
            shares = xr.DataArray(
                np.stack([bands + 1e-3 * rng.random(bands.shape)]),
                {"weights": ["trained"]},
                ("weights", "clip", "band"),
            )
            path = tmp_path / f"{task}{seed}.nc"
            shares.to_dataset(name="share").assign_attrs(method="relevance").to_netcdf(path, engine="scipy")
            row = {"data": "free", "network": "LEAF", "task": task, "seed": seed, "weights": "trained"}
            kept.append(Kept(path, "", "", [row], {"bands": path}))
    one = cell(Found({"relevance": kept}), "beyond-10", "LEAF")
    between = np.diag(correlations(base["words"], base["speakers"])).mean()
    assert one is not None and one.value == pytest.approx(1 - between, abs=0.02)


def test_every_claim_has_a_score_and_every_network_three_runs() -> None:
    assert {claim.number for claim in CLAIMS} == set(SCORES) and set(PAIRED) <= set(SCORES)
    assert 10 <= len(CLAIMS) <= 16
    steps = find_study("beyond").steps(Setting(data=Folder()))
    trained = [step for step in steps if step.trains]
    assert SEEDS >= 3 and len(trained) == 2 * len(NETWORKS) * SEEDS


TINY = ("data.workers=0", "learn.epochs=1", "learn.warm_up=0", "learn.batch_size=6")


@pytest.mark.study
def test_networks_are_trained_on_the_data_of_the_papers(tmp_path: Path) -> None:
    miniature_sets.speech_commands(tmp_path / "data")
    miniature_sets.librispeech(tmp_path / "data")
    study, setting = find_study("beyond"), Setting(quick=True, seeds=1, changes=TINY, data=Folder(tmp_path / "data"))
    states = {(one.step.labels.get("data"), one.state) for one in plan(study, setting, None)}
    assert ("large", "to compute") in states and ("free", "no data") in states
    done = run(study, setting, tmp_path / "out")
    rows = done.found.rows("training")
    assert len(rows) == 2 * len(NETWORKS) and {row["data"] for row in rows} == {"large"}
    for one in done.judged:
        if one.claim.number not in ("beyond-7", "beyond-9", "beyond-10"):  # noise has no F0; the last needs two runs
            assert one.estimate is not None, one.claim.number
    page = write_study(done, tmp_path / "out").read_text("utf-8")
    assert "data of the papers" in page and "wav2vec 2.0" in page
