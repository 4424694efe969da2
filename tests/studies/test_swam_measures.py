"""The measures of the SWAM study on rows whose answers are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otoscope.studies.found import Found
from otoscope.studies.store import Kept
from otoscope.studies.swam import measures
from otoscope.studies.swam.spoofing import distance_and_chance
from otoscope.studies.swam.trained import FRONT_ENDS

SEEDS = (0, 1, 2)


def found(**tables: Sequence[Mapping[str, Any]]) -> Found:
    return Found({name: [Kept(Path(), "", "", [dict(row) for row in rows])] for name, rows in tables.items()})


def networks(of: Sequence[str] = ("words", "speakers"), weights: Sequence[str] = ("trained", "random")) -> list[Any]:
    return [
        {"data": "free", "task": task, "front_end": front_end, "seed": seed, "weights": one}
        for task in of
        for front_end in FRONT_ENDS
        for seed in SEEDS
        for one in weights
    ]


def test_an_identity_is_a_share_of_layers_without_an_interval() -> None:
    rows = [{"mu": np.cos(np.deg2rad(a)), "beta_min": a, "mu_avg": 0.5, "beta_avg": 70.0} for a in (10.0, 50.0)]
    exact = measures.cosine_error(found(published_geometry=rows))
    assert (exact.value, exact.interval) == (1.0, "") and exact.of.startswith("2 layers, largest difference")
    wrong = measures.cosine_error(found(published_geometry=[*rows, {**rows[0], "mu": 0.9}]))
    assert wrong.value == pytest.approx(2 / 3)
    assert measures.average_is_no_cosine(found(published_geometry=rows)).value == 1.0


def test_entropy_is_compared_with_that_of_random_weights_over_seeds() -> None:
    rows = [{**one, "entropy": 10.0 + (one["weights"] == "random") + 0.1 * one["seed"]} for one in networks()]
    estimate = measures.localised(found(localisation=rows))
    assert estimate is not None and estimate.value == pytest.approx(-1.0) and "3 seeds" in estimate.of


def test_the_lowest_pair_of_speakers_counts() -> None:
    rows = [{**one, "speaker": s, "lowest_correlation": v} for one in networks() for s, v in (("a", 0.9), ("b", 0.7))]
    estimate = measures.alike_for_speakers(found(localisation=rows))
    assert estimate is not None and estimate.value == pytest.approx(0.7)
    alone = [{**one, "speaker": "a", "lowest_correlation": None} for one in networks()]
    assert measures.alike_for_speakers(found(localisation=alone)) is None


def test_networks_that_are_more_even_and_better_correlate() -> None:
    trained = networks(("words",), ("trained",))
    place = {(one["front_end"], one["seed"]): number for number, one in enumerate(trained)}
    training = [{**one, "test_accuracy": 0.5 + 0.01 * place[one["front_end"], one["seed"]]} for one in trained]
    kernels = [{**one, "evenness": place[one["front_end"], one["seed"]] ** 2} for one in trained]
    estimate = measures.evenness_and_accuracy(found(training=training, kernels=kernels))
    assert estimate is not None and estimate.value == pytest.approx(1.0) and "9 networks" in estimate.of
    assert measures.evenness_and_accuracy(found(training=training, kernels=kernels[:2])) is None


def test_bounds_that_are_0_where_the_paper_has_0_are_a_count_without_an_interval() -> None:
    rows = [
        {**one, "layer": layer, "A": 0.15 if (one["front_end"], layer) == ("subsegmental", 1) else 0.0}
        for one in networks(("words",))
        for layer in (1, 2, 3)
    ]
    estimate = measures.bounds_of_words(found(geometry=rows))
    assert estimate is not None and (estimate.value, estimate.interval) == (9.0, "")
    assert estimate.of == "FSDD digits, 3 seeds"


def test_narrow_kernels_are_counted_on_both_sides_of_1_khz() -> None:
    row = {"kernels": 80, "low": 40, "narrow_low": 30, "narrow_high": 10, "product": 1.0}
    estimate = measures.narrow_where_low(found(kernels=[{**one, **row} for one in networks(("words",))]))
    assert estimate is not None and estimate.value == pytest.approx(0.5)


def test_layers_that_are_added_are_compared_with_those_before_them() -> None:
    layers = {"conv1": 0.1, "RSM1.conv1": 0.2, "RSM1.conv2": 0.4, "RSM1.conv3": 0.3, "RSM1.nin": 0.99}
    rows = [
        {
            "data": "free",
            "seed": seed,
            "weights": weights,
            "layer": layer,
            "mu_avg": value if weights == "trained" else 0.2,
        }
        for seed in SEEDS
        for weights in ("trained", "random")
        for layer, value in layers.items()
    ]
    for measure in (measures.skip_holds_back, measures.skip_holds_back_by_training):
        estimate = measure(found(residual=rows))
        assert estimate is not None and estimate.value == pytest.approx(-0.1)
    grows = measures.coherence_grows(found(residual=rows))
    assert grows is not None and grows.value == pytest.approx(0.8)
    assert measures.coherence_grows(found(residual=[])) is None


def test_folds_are_means_of_networks_and_these_of_their_seeds() -> None:
    accuracies = {("ResNet", "trained", 0): 0.6, ("ResNet", "trained", 1): 0.8, ("InceptionNet", "published", 0): 0.9}
    accuracies[("InceptionNet", "random", 0)] = 0.5
    rows = [
        {
            "data": "free",
            "network": n,
            "weights": w,
            "seed": s,
            "group": g,
            "fold": f,
            "accuracy": a - 0.1 * (g == "VC"),
        }
        for (n, w, s), a in accuracies.items()
        for g in ("TTS", "VC")
        for f in (1, 2, 3)
    ]
    told = measures.made_is_told(found(spoofing=rows), group="TTS")
    assert told is not None and told.value == pytest.approx(0.8) and "Griffin-Lim" in told.of
    harder = measures.conversion_is_harder(found(spoofing=rows))
    assert harder is not None and harder.value == pytest.approx(-0.1)
    learned = measures.told_by_training(found(spoofing=rows))
    assert learned is not None and learned.value == pytest.approx(0.3)
    assert measures.made_is_told(found(spoofing=rows), group="TTS_VC") is None


def test_classes_that_do_not_differ_are_within_chance_and_those_that_do_are_beyond() -> None:
    features = np.random.default_rng(0).normal(size=(40, 5))
    made = np.arange(40) % 2 == 0
    distance, chance = distance_and_chance(features, made)
    assert distance < chance
    features[made] += 3.0
    distance, chance = distance_and_chance(features, made)
    assert distance > chance and distance == pytest.approx(3 * 5**0.5, rel=0.3)
