"""From the rows of the study to a number for each claim and network, and for each claim over networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, product
from typing import Any, TypeAlias

import numpy as np

from otoscope.studies.beyond.steps import INITIAL, TRAINED, correlations
from otoscope.studies.beyond.trained import FREE, LARGE, NETWORKS, POOLED, SPEAKERS, STRIDED, WORDS
from otoscope.studies.estimate import Estimate, mean_of
from otoscope.studies.found import Found

_BOTH = (WORDS, SPEAKERS)


class Runs:
    """The runs of one network on one kind of data.

    Parameters
    ----------
    found : Found
    data : str
        ``free`` or ``large``.
    network : str
    """

    def __init__(self, found: Found, data: str, network: str) -> None:
        self.found, self.data, self.network = found, data, network

    def tasks(self, table: str) -> list[str]:
        """The tasks on which every network was run: both, unless the study is not done."""
        return tasks_run(self.found, self.data, table)

    def seeds(self, table: str, tasks: Sequence[str] | None = None) -> list[int]:
        """Seeds of which there is a run for each of these tasks."""
        wanted = self.tasks(table) if tasks is None else tasks
        each = [set(self.found.distinct(table, "seed", **self._where(task=task))) for task in wanted]
        return sorted(set.intersection(*each)) if each else []

    def values(self, table: str, column: str, **where: Any) -> np.ndarray:
        """A column of the rows of these runs."""
        return self.found.values(table, column, **self._where(**where))

    def one(self, table: str, column: str, **where: Any) -> float:
        """The only value; NaN where there is none."""
        values = self.values(table, column, **where)
        return float(values[0]) if len(values) == 1 else float("nan")

    def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        return self.found.rows(table, **self._where(**where))

    def bands(self, task: str, seed: int) -> np.ndarray:
        """The relevance in bands of trained weights, (clip, band)."""
        wanted = self._where(task=task, seed=seed)
        for kept in self.found.tables.get("relevance", ()):
            if "bands" in kept.results and all(kept.rows[0].get(key) == value for key, value in wanted.items()):
                return np.asarray(kept.result("bands")["share"].sel(weights=TRAINED).values, dtype=float)
        return np.zeros((0, 0))

    def _where(self, **more: Any) -> dict[str, Any]:
        return {"data": self.data, "network": self.network, **more}


Score: TypeAlias = Callable[[Runs], list[float]]
"""One number for each seed; of pairs of runs one for each pair."""


def data_of(found: Found) -> str:
    """The data of the papers, where both tasks were run on it, and FSDD else."""
    on_large = {row["task"] for table in found.tables for row in found.rows(table, data=LARGE)}
    return LARGE if on_large.issuperset(_BOTH) else FREE


def tasks_run(found: Found, data: str, table: str) -> list[str]:
    """The tasks of which a table has rows of each network that it has."""
    networks = found.distinct(table, "network", data=data)
    return [
        task
        for task in _BOTH
        if networks and all(found.rows(table, data=data, network=one, task=task) for one in networks)
    ]


def cell(found: Found, number: str, network: str) -> Estimate | None:
    """What a claim is judged by, of one network alone, over its runs; None where it does not apply.

    Parameters
    ----------
    found : Found
    number : str
        Of the claim.
    network : str

    Returns
    -------
    Estimate or None
    """
    values = np.array(SCORES[number](Runs(found, data_of(found), network)), dtype=float)
    if not np.isfinite(values).any():
        return None
    return mean_of(values, f"{network}, {len(values)} runs")


def across(number: str) -> Callable[[Found], Estimate | None]:
    """The measure of a claim: the mean over networks of what each of them scores, mean of its runs.

    Networks are the sample: the interval says whether a network of another architecture would do the same. Claims of
    the pair that differ in pooling alone are judged over its runs.
    """

    def measured(found: Found) -> Estimate | None:
        if number in PAIRED:
            return cell(found, number, STRIDED)
        each = [cell(found, number, network.name) for network in NETWORKS if not network.control]
        values = [one.value for one in each if one is not None]
        if not values:
            return None
        data = "FSDD" if data_of(found) == FREE else "data of the papers"
        tasks = tasks_run(found, data_of(found), "training")
        alone = f", {tasks[0]} alone" if len(tasks) == 1 else ""
        return mean_of(values, f"{data}{alone}, {len(values)} networks")

    return measured


# -- Scores -----------------------------------------------------------------------------------------------


def _gap_of_tasks(runs: Runs) -> list[float]:
    def value(task: str, seed: int) -> float:
        return runs.one("response", "median_frequency", task=task, seed=seed, layer=0, weights=TRAINED)

    return [value(WORDS, seed) - value(SPEAKERS, seed) for seed in runs.seeds("response", _BOTH)]


def _gain(table: str, column: str, only: Sequence[str] | None = None, **where: Any) -> Score:
    """Trained minus initial weights, mean of the tasks."""

    def score(runs: Runs) -> list[float]:
        tasks = runs.tasks(table) if only is None else only
        return [
            float(
                np.mean([
                    runs.one(table, column, task=task, seed=seed, weights=TRAINED, **where)
                    - runs.one(table, column, task=task, seed=seed, weights=INITIAL, **where)
                    for task in tasks
                ])
            )
            for seed in runs.seeds(table, tasks)
        ]  # fmt: skip

    return score


def _fall(runs: Runs, seed: int, weights: str) -> float:
    """mu_avg of the last convolution minus that of the first, mean of the tasks."""
    found = []
    for task in runs.tasks("response"):
        rows = [row for row in runs.rows("response", task=task, seed=seed, weights=weights) if row["layer"]]
        found.append(rows[-1]["mu_avg"] - rows[0]["mu_avg"])
    return float(np.mean(found))


def _falls(runs: Runs) -> list[float]:
    return [_fall(runs, seed, TRAINED) for seed in runs.seeds("response")]


def _falls_by_training(runs: Runs) -> list[float]:
    return [_fall(runs, seed, TRAINED) - _fall(runs, seed, INITIAL) for seed in runs.seeds("response")]


def _beyond_chance(column: str, chance: str) -> Score:
    def score(runs: Runs) -> list[float]:
        return [
            float(
                np.mean([
                    runs.one("relevance", column, task=task, seed=seed, weights=TRAINED)
                    - runs.one("relevance", chance, task=task, seed=seed, weights=TRAINED)
                    for task in runs.tasks("relevance")
                ])
            )
            for seed in runs.seeds("relevance")
        ]  # fmt: skip

    return score


def _depends_on_task(runs: Runs) -> list[float]:
    """For each pair of seeds: correlation within the tasks minus between them, same clips."""
    seeds = runs.seeds("relevance", _BOTH)
    maps = {(task, seed): runs.bands(task, seed) for task in _BOTH for seed in seeds}
    if any(one.size == 0 for one in maps.values()):
        return []

    def alike(first: tuple[str, int], second: tuple[str, int]) -> float:
        return float(np.diag(correlations(maps[first], maps[second])).mean())

    found = []
    for a, b in combinations(seeds, 2):
        within = np.mean([alike((task, a), (task, b)) for task in _BOTH])
        between = np.mean([alike((WORDS, one), (SPEAKERS, other)) for one, other in ((a, b), (b, a))])
        found.append(float(within - between))
    return found


def _with_depth(runs: Runs) -> list[float]:
    from scipy.stats import spearmanr

    found = []
    for seed in runs.seeds("depth"):
        each = []
        for task in runs.tasks("depth"):
            rows = runs.rows("depth", task=task, seed=seed, weights=TRAINED)
            values = [row["coherence"] for row in rows]
            each.append(spearmanr(range(len(rows)), values)[0] if len(rows) > 2 and len(set(values)) > 1 else np.nan)
        found.append(float(np.mean(each)))
    return found


def _deaths(runs: Runs) -> list[float]:
    def dead(task: str, seed: int, weights: str) -> float:
        shares = runs.values("depth", "dead", task=task, seed=seed, weights=weights)
        return float(shares[len(shares) // 2 :].mean()) if len(shares) > 2 else float("nan")

    return [
        float(np.mean([dead(task, seed, TRAINED) - dead(task, seed, INITIAL) for task in runs.tasks("depth")]))
        for seed in runs.seeds("depth")
    ]


def _pooling_minus_strides(table: str, column: str) -> Score:
    """Of the strided network alone: its twin with max pooling minus itself, mean of layers or steps."""

    def score(runs: Runs) -> list[float]:
        if runs.network != STRIDED:
            return []
        other = Runs(runs.found, runs.data, POOLED)
        seeds = sorted({*runs.seeds(table)} & {*other.seeds(table)})
        return [
            float(
                np.nanmean(other.values(table, column, task=task, seed=seed, weights=TRAINED))
                - np.nanmean(runs.values(table, column, task=task, seed=seed, weights=TRAINED))
            )
            for task, seed in product(runs.tasks(table), seeds)
        ]

    return score


def _largest_fold(runs: Runs) -> list[float]:
    def largest(task: str, seed: int) -> float:
        return float(np.nanmax(runs.values("folding", "share", task=task, seed=seed, weights=TRAINED)))

    return [float(np.mean([largest(task, seed) for task in runs.tasks("folding")])) for seed in runs.seeds("folding")]


def _first_against_others(runs: Runs) -> list[float]:
    found = []
    for seed in runs.seeds("response"):
        each = []
        for task in runs.tasks("response"):
            rows = [row for row in runs.rows("response", task=task, seed=seed, weights=TRAINED) if row["layer"]]
            changes = np.array([row["change"] for row in rows])
            each.append(float(np.log10(changes[0] / np.median(changes[1:]))) if len(changes) > 1 else np.nan)
        found.append(float(np.mean(each)))
    return found


SCORES: dict[str, Score] = {
    "beyond-1": _gap_of_tasks,
    "beyond-2": _gain("response", "share_500_1500", (WORDS,), layer=0),
    "beyond-3": _gain("response", "share_100_800", (SPEAKERS,), layer=0),
    "beyond-4": _gain("response", "low_share", layer=0),
    "beyond-5": _falls,
    "beyond-6": _falls_by_training,
    "beyond-7": _beyond_chance("f0_hits", "f0_chance"),
    "beyond-8": _beyond_chance("envelope", "envelope_chance"),
    "beyond-9": _gain("relevance", "f0_hits"),
    "beyond-10": _depends_on_task,
    "beyond-11": _with_depth,
    "beyond-12": _deaths,
    "beyond-13": _pooling_minus_strides("depth", "coherence"),
    "beyond-14": _largest_fold,
    "beyond-15": _pooling_minus_strides("folding", "share"),
    "beyond-16": _first_against_others,
}
"""By the number of the claim."""
PAIRED = ("beyond-13", "beyond-15")
"""Claims of the strided network and its twin with pooling."""
