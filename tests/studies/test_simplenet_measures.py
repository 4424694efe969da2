"""From rows whose answer is known to the numbers by which the claims of the study of SimpleNet are judged."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from otoscope.studies.found import Found
from otoscope.studies.simplenet import measures, trained_measures
from otoscope.studies.simplenet.looked import low_share
from otoscope.studies.simplenet.trained import NETWORKS, SMOOTH
from otoscope.studies.simplenet.trained_tables import table_1
from otoscope.studies.store import Kept

TESTED = {"soundnet": 0.6, "wavernn": 0.5, "simplenet-rnn": 0.7, "simplenet-cnn": 0.8, "specnet": 0.4, SMOOTH: 0.65}


def found(**tables: list[dict[str, Any]]) -> Found:
    return Found({name: [Kept(Path(), "", "", rows)] for name, rows in tables.items()})


def runs(column: str, offset: float = 0.0, seeds: int = 3) -> list[dict[str, Any]]:
    """Of each network and task an accuracy that differs by seed alike for all."""
    return [
        {"data": "free", "task": task, "network": name, "seed": seed, column: value + offset + 0.01 * seed}
        for name, value in TESTED.items()
        for task in ("digit", "speaker")
        for seed in range(seeds)
    ]


def test_networks_are_compared_run_by_run() -> None:
    rows = found(training=runs("test_accuracy"), train_accuracy=runs("train_accuracy", 0.1))
    for measure, value in (
        (trained_measures.smooth_pooling_helps, 0.05),
        (trained_measures.cnn_is_best, 0.1),
        (trained_measures.rnn_beats_wavernn, 0.2),
        (trained_measures.cnn_beats_rnn, 0.1),
        (trained_measures.fixed_filters_lose, -0.4),
        (trained_measures.alike_on_the_easy_task, 0.3),
        (trained_measures.all_overfit, 0.1),
        (trained_measures.deep_ones_overfit_more, 0.0),
    ):
        estimate = measure(rows)
        assert estimate is not None
        assert (estimate.value, estimate.high - estimate.low) == (pytest.approx(value), pytest.approx(0, abs=1e-9))
        assert "3 seeds" in estimate.of
    cells = table_1(rows)[1][2]
    assert cells[0] == "digit, ours" and cells[4] == "81.0 ± 1.0 (91.0)"


def test_a_run_counts_only_where_all_of_its_networks_are_there() -> None:
    rows = runs("test_accuracy")
    first = [row for row in rows if row["seed"] == 0 or row["network"] != "specnet"]
    one = trained_measures.cnn_is_best(found(training=first))
    assert one is not None and "1 seeds" in one.of and np.isnan(one.low)
    assert trained_measures.cnn_is_best(found(training=[r for r in rows if r["network"] != "specnet"])) is None


def test_the_layer_that_changes_most_stands_for_soundnet() -> None:
    common = {"data": "free", "task": "digit", "seed": 0}
    rows = [{**common, "network": "simplenet-cnn", "number": 1, "change_rate": 0.4}]
    rows += [
        {**common, "network": "soundnet", "number": number, "change_rate": rate}
        for number, rate in ((1, 0.1), (2, 0.2), (7, 9.0))
    ]
    estimate = trained_measures.simplenet_changes_more(found(front_end=rows))
    assert estimate is not None and estimate.value == pytest.approx(np.log(2))


def test_filters_are_ordered_and_their_low_bands_counted_run_by_run() -> None:
    rows = [
        {"data": "free", "task": "digit", "network": "simplenet-cnn", "seed": seed, "filter": n, "centre": 500.0 * n,
         "change": float(n), "low_first": 0.0, "low_trained": 0.1 * (n > 4) + 0.01 * seed}
        for seed in (0, 1) for n in range(1, 8)
    ]  # fmt: skip
    change, gain = (
        measure(found(filters=rows))
        for measure in (trained_measures.high_filters_change_more, trained_measures.high_filters_get_low_bands)
    )
    assert change is not None and change.value == pytest.approx(1)
    assert gain is not None and gain.value == pytest.approx(0.105)


def test_the_interval_of_few_points_excludes_0_where_a_permutation_test_does() -> None:
    x = np.arange(5.0)
    values = [float(spearmanr(x, order).statistic) for order in permutations(x)]
    for order in ([4.0, 3, 2, 1, 0], [4.0, 3, 2, 0, 1], [3.0, 4, 1, 2, 0], [0.0, 1, 2, 4, 3]):
        estimate = trained_measures.order_of_few(x, order, "five")
        assert estimate.value == pytest.approx(float(spearmanr(x, order).statistic))
        p = np.mean([abs(value) >= abs(estimate.value) - 1e-9 for value in values])
        assert (estimate.low > 0 or estimate.high < 0) == (p <= 0.05)


def test_aliasing_is_set_beside_the_change_of_all_networks_or_not_at_all() -> None:
    folded = [
        {"data": "free", "task": "digit", "network": name, "seed": 0, "weights": "first", "share": share}
        for name, share in zip((*NETWORKS[:-1], SMOOTH), (0.5, 0.4, 0.1, 0.2, 0.3), strict=True)
    ]
    moved = [{"network": row["network"], "data": "free", "change": 1 - row["share"]} for row in folded]
    estimate = trained_measures.aliasing_and_change(found(folded=folded, front_end=moved))
    assert estimate is not None and estimate.value == pytest.approx(-1) and estimate.high < 0
    assert trained_measures.aliasing_and_change(found(folded=folded[1:], front_end=moved)) is None


def test_growth_is_the_doublings_by_pooling() -> None:
    rows = [
        {"model": "wavernn", "pooling": n, "channel": channel, "bands": 3.0 * 2**n}
        for n in range(1, 9)
        for channel in (0, 1)
    ]
    assert measures.grows(found(growth=rows)).value == pytest.approx(1)


def test_the_decimation_is_set_against_relu_and_maximum() -> None:
    rows = [
        {"clip": clip, "output": output, "operation": name, "moved": value}
        for clip in "ab"
        for output in ("1,1", "1,2")
        for name, value in (("relu", 0.2), ("maximum", 0.1), ("decimation", 0.5))
    ]
    split = found(band_split=rows)
    assert measures.decimation_moves_more_than_relu(split).value == pytest.approx(0.3)
    assert measures.decimation_moves_more_than_maximum(split).value == pytest.approx(0.4)


def test_a_share_below_a_frequency() -> None:
    time = torch.arange(800) / 8000
    both = torch.sin(2 * torch.pi * 500 * time) + 3**0.5 * torch.sin(2 * torch.pi * 3000 * time)
    assert float(low_share(both[None], 8000.0)) == pytest.approx(0.25, abs=0.01)
