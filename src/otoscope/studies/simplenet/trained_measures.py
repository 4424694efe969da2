"""From the rows of the trained networks to the numbers by which the claims about training are judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from otoscope.studies.estimate import Estimate, mean_of
from otoscope.studies.found import Found
from otoscope.studies.simplenet.looked import FRONT
from otoscope.studies.simplenet.trained import EASY, FREE, HARD, LARGE, NETWORKS, SMOOTH

WAVEFORM = NETWORKS[:-1]
"""The networks that learn their filters."""
CNN, RNN, SPECNET = "simplenet-cnn", "simplenet-rnn", "specnet"
_FIRST_LAYERS = 6
_HIGH = 2000.0
Of = tuple[str, str]
"""A task and a network."""


def smooth_pooling_helps(found: Found) -> Estimate | None:
    """Test accuracy of SoundNet with the low-pass minus without, mean of the tasks, run by run."""

    def gain(tested: Callable[[str, str], float], data: str) -> float:
        return float(np.mean([tested(t, SMOOTH) - tested(t, "soundnet") for t in _tasks(data)]))

    return _over_runs(found, gain, ("soundnet", SMOOTH))


def simplenet_changes_more(found: Found) -> Estimate | None:
    """Logarithm of the mean change rate of SimpleNet's filters over that of the layer of SoundNet that changes most."""

    def ratio(rate: Callable[[str, str], float], data: str) -> float:
        return float(np.log(rate(HARD[data], CNN) / rate(HARD[data], "soundnet")))

    return _over_runs(found, ratio, (CNN, "soundnet"), ("hard",), rates_of(found))


def cnn_is_best(found: Found) -> Estimate | None:
    """Test accuracy on the harder task, SimpleNet-CNN minus the best of the others."""

    def lead(tested: Callable[[str, str], float], data: str) -> float:
        return tested(HARD[data], CNN) - max(tested(HARD[data], name) for name in NETWORKS if name != CNN)

    return _over_runs(found, lead, NETWORKS, ("hard",))


def rnn_beats_wavernn(found: Found) -> Estimate | None:
    """Test accuracy on the harder task, SimpleNet-RNN minus WaveRNN."""
    return _lead(found, RNN, "wavernn")


def cnn_beats_rnn(found: Found) -> Estimate | None:
    """Test accuracy on the harder task, SimpleNet-CNN minus SimpleNet-RNN."""
    return _lead(found, CNN, RNN)


def fixed_filters_lose(found: Found) -> Estimate | None:
    """Test accuracy, SpecNet minus SimpleNet-CNN, mean of the tasks."""

    def gap(tested: Callable[[str, str], float], data: str) -> float:
        return float(np.mean([tested(task, SPECNET) - tested(task, CNN) for task in _tasks(data)]))

    return _over_runs(found, gap, (SPECNET, CNN))


def alike_on_the_easy_task(found: Found) -> Estimate | None:
    """Test accuracy on the easier task, best minus worst of the networks on waveforms."""

    def span(tested: Callable[[str, str], float], data: str) -> float:
        return float(np.ptp([tested(EASY[data], name) for name in WAVEFORM]))

    return _over_runs(found, span, WAVEFORM, ("easy",))


def deep_ones_overfit_more(found: Found) -> Estimate | None:
    """Train minus test accuracy on the harder task, SoundNet and WaveRNN minus both SimpleNets."""

    def more(gap: Callable[[str, str], float], data: str) -> float:
        task = HARD[data]
        deep, simple = (np.mean([gap(task, one) for one in pair]) for pair in (("soundnet", "wavernn"), (CNN, RNN)))
        return float(deep - simple)

    return _over_runs(found, more, WAVEFORM, ("hard",), gaps_of(found))


def all_overfit(found: Found) -> Estimate | None:
    """Train minus test accuracy, the smallest of all networks and tasks."""

    def least(gap: Callable[[str, str], float], data: str) -> float:
        return min(gap(task, name) for task in _tasks(data) for name in NETWORKS)

    return _over_runs(found, least, NETWORKS, values=gaps_of(found))


def high_filters_change_more(found: Found) -> Estimate | None:
    """Rank correlation of the change of a filter with the frequency where it began, SimpleNet-CNN, run by run."""
    from scipy.stats import spearmanr

    def order(rows: list[dict[str, Any]]) -> float:
        return float(spearmanr([row["centre"] for row in rows], [row["change"] for row in rows]).statistic)

    return _of_filters(found, order)


def high_filters_get_low_bands(found: Found) -> Estimate | None:
    """Share of the energy below 1 kHz of filters that began above 2 kHz, trained minus at first."""

    def gain(rows: list[dict[str, Any]]) -> float:
        return float(np.mean([row["low_trained"] - row["low_first"] for row in rows if row["centre"] > _HIGH]))

    return _of_filters(found, gain)


def aliasing_and_change(found: Found) -> Estimate | None:
    """Rank correlation over networks of the share that a front-end folds at first with how far training moves it."""
    points = fold_and_change(found)
    if len(points) < len(FRONT):
        return None
    shares, changes = zip(*points.values(), strict=True)
    data = "IEMOCAP" if data_of(found) == LARGE else "FSDD"
    return order_of_few(shares, changes, f"{data}, {len(points)} networks, means of tasks and runs")


def fold_and_change(found: Found) -> dict[str, tuple[float, float]]:
    """Of each network the share that its front-end folds with its first weights, and the change of its layers."""
    data, points = data_of(found), {}
    for name in FRONT:
        shares = [row["share"] for row in found.rows("folded", data=data, network=name, weights="first")]
        changes = [row["change"] for row in found.rows("front_end", data=data, network=name)]
        if shares and changes:
            points[name] = (float(np.mean(shares)), float(np.mean(changes)))
    return points


def order_of_few(x: ArrayLike, y: ArrayLike, of: str) -> Estimate:
    """Spearman's correlation of a few points, with the interval that the orders of so few leave.

    Parameters
    ----------
    x, y : array_like, (point,)
        At most 8.
    of : str
        What was measured.

    Returns
    -------
    Estimate
        The interval is the correlation plus and minus the smallest value that at most 5 % of all orders go beyond in
        size, within -1 and 1: it excludes 0 just where a permutation test does.

    Examples
    --------
    >>> order_of_few([1, 2, 3, 4, 5], [5, 4, 3, 2, 1], "five").interval
    '-1 to -0.1'
    >>> order_of_few([1, 2, 3, 4], [4, 3, 2, 1], "four").interval
    '-1 to 0'
    """
    from scipy.stats import rankdata

    first, second = rankdata(x), rankdata(y)
    value = float(np.corrcoef(first, second)[0, 1])
    orders = np.array(list(permutations(second)))
    centred = (orders - second.mean()) @ (first - first.mean())
    norms = [np.linalg.norm(ranks - ranks.mean()) for ranks in (first, second)]
    sizes = np.round(np.abs(centred) / np.prod(norms), 12)
    reach = min(size for size in np.unique(sizes) if (sizes > size).mean() <= 0.05)
    return Estimate(value, max(value - float(reach), -1.0), min(value + float(reach), 1.0), of)


# -- Runs -------------------------------------------------------------------------------------------------


def data_of(found: Found) -> str:
    """IEMOCAP where it was trained on, and else FSDD."""
    return LARGE if found.rows("training", data=LARGE) else FREE


def tested_of(found: Found) -> dict[Of, dict[str, float]]:
    """Test accuracy by task and network, and by run: a seed, or a fold of IEMOCAP."""
    return _by_run(found.rows("training", data=data_of(found)), "test_accuracy")


def trained_of(found: Found) -> dict[Of, dict[str, float]]:
    """Accuracy on clips of the training part, likewise."""
    return _by_run(found.rows("train_accuracy", data=data_of(found)), "train_accuracy")


def gaps_of(found: Found) -> dict[Of, dict[str, float]]:
    """Train minus test accuracy, likewise."""
    tested, trained = tested_of(found), trained_of(found)
    return {
        key: {run: trained[key][run] - value for run, value in runs.items() if run in trained.get(key, {})}
        for key, runs in tested.items()
    }


def rates_of(found: Found) -> dict[Of, dict[str, float]]:
    """The mean change rate of the layer of a front-end, among its first six, that changes most, likewise."""
    rates: dict[Of, dict[str, float]] = {}
    for row in found.rows("front_end", data=data_of(found)):
        if row["number"] <= _FIRST_LAYERS:
            own = rates.setdefault((row["task"], row["network"]), {})
            own[_run_of(row)] = max(own.get(_run_of(row), 0.0), row["change_rate"])
    return rates


def _by_run(rows: Iterable[dict[str, Any]], column: str) -> dict[Of, dict[str, float]]:
    values: dict[Of, dict[str, float]] = {}
    for row in rows:
        values.setdefault((row["task"], row["network"]), {})[_run_of(row)] = float(row[column])
    return values


def _run_of(row: dict[str, Any]) -> str:
    return str(row["fold"] if row.get("fold") is not None else row["seed"])


def _over_runs(
    found: Found,
    score: Callable[[Callable[[str, str], float], str], float],
    networks: tuple[str, ...],
    which: tuple[str, ...] = ("hard", "easy"),
    values: dict[Of, dict[str, float]] | None = None,
) -> Estimate | None:
    """The mean of a score over the runs of which all networks are there."""
    data = data_of(found)
    values = tested_of(found) if values is None else values
    tasks = [{"hard": HARD, "easy": EASY}[one][data] for one in which]
    runs = sorted(set.intersection(*(set(values.get((task, name), {})) for task in tasks for name in networks)))
    if not runs:
        return None
    scores = [score(lambda task, name, run=run: values[task, name][run], data) for run in runs]  # type: ignore[misc]
    return mean_of(scores, _said(data, tasks, len(runs)))


def _of_filters(found: Found, score: Callable[[list[dict[str, Any]]], float]) -> Estimate | None:
    data = data_of(found)
    rows = found.rows("filters", data=data, task=HARD[data], network=CNN)
    runs = list(dict.fromkeys(_run_of(row) for row in rows))
    if not runs:
        return None
    scores = [score([row for row in rows if _run_of(row) == run]) for run in runs]
    return mean_of(scores, _said(data, [HARD[data]], len(runs)))


def _lead(found: Found, first: str, second: str) -> Estimate | None:
    def lead(tested: Callable[[str, str], float], data: str) -> float:
        return tested(HARD[data], first) - tested(HARD[data], second)

    return _over_runs(found, lead, (first, second), ("hard",))


def _tasks(data: str) -> tuple[str, str]:
    return HARD[data], EASY[data]


def _said(data: str, tasks: list[str], runs: int) -> str:
    named = " and ".join(f"{task}s" for task in tasks)
    return f"IEMOCAP {named}, {runs} folds" if data == LARGE else f"FSDD {named}, {runs} seeds"
