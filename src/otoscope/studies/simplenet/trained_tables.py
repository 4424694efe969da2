"""Table 1 with ours beside the published one, the search of rates, and the network with and without anti-aliasing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otoscope.studies.found import Found
from otoscope.studies.simplenet.trained import EASY, HARD, NETWORKS, SMOOTH
from otoscope.studies.simplenet.trained_measures import data_of, fold_and_change, tested_of, trained_of

PUBLISHED = {
    "emotion": ("48.7 (95.0)", "48.0 (83.8)", "49.2 (73.8)", "52.9 (80.0)", "42.3 (66.3)"),
    "gender": ("88.6 (99.4)", "88.8 (98.8)", "88.7 (96.3)", "88.6 (98.1)", "63.9 (78.1)"),
}
"""Table 1, in percent, in the order of the networks."""

Table = tuple[Sequence[str], Sequence[Sequence[object]]]


def table_1(found: Found) -> Table:
    """Test accuracy of each network in percent, mean and deviation over runs, with train accuracy in brackets."""
    data = data_of(found)
    tested, trained = tested_of(found), trained_of(found)
    rows: list[list[object]] = [[f"{task}, published", *cells] for task, cells in PUBLISHED.items()]
    for task in (HARD[data], EASY[data]):
        cells = []
        for name in NETWORKS:
            runs, seen = tested.get((task, name), {}), trained.get((task, name), {})
            inside = f" ({100 * np.mean(list(seen.values())):.1f})" if seen else ""
            cells.append(_spread(list(runs.values())) + inside)
        rows.append([f"{task}, ours", *cells])
    return ["", *NETWORKS], rows


def rates(found: Found) -> Table:
    """The loss on the validation part at each rate; the lowest decides."""
    data = data_of(found)
    tried = sorted(found.distinct("search", "rate", data=data), key=float)
    rows: list[list[object]] = []
    for name in NETWORKS:
        losses = [found.values("search", "validation_loss", data=data, network=name, rate=rate) for rate in tried]
        rows.append([name, *(f"{one.mean():.3f}" if len(one) else "" for one in losses)])
    return ["network", *tried], rows


def anti_aliased(found: Found) -> Table:
    """SoundNet with and without the low-pass of its poolings: accuracy, what it folds, how far its layers move."""
    data, tested, points = data_of(found), tested_of(found), fold_and_change(found)
    rows: list[list[object]] = []
    for name in ("soundnet", SMOOTH, "wavernn", "simplenet-rnn", "simplenet-cnn"):
        accuracies = [_spread(list(tested.get((task, name), {}).values())) for task in (HARD[data], EASY[data])]
        share, change = points.get(name, (float("nan"), float("nan")))
        after = [r["share"] for r in found.rows("folded", data=data, network=name, weights="trained")]
        later = f"{100 * np.mean(after):.1f}" if after else ""
        rows.append([name, *accuracies, _percent(share), later, "" if np.isnan(change) else f"{change:.2f}"])
    heads = (f"{HARD[data]}, %", f"{EASY[data]}, %", "folded at first, %", "folded when trained, %", "change over norm")
    return ["network", *heads], rows


def told_apart(found: Found) -> Table:
    """What each step moves from one half of the frequencies into the other, run on each half of its input alone."""
    from otoscope.dsp.statistics import mean_interval

    said = {"relu": "ReLU", "maximum": "maximum of two", "decimation": "dropping every other sample"}
    rows: list[list[object]] = []
    for name, words in said.items():
        cells = []
        for output in ("1,1", "1,2"):
            for column in ("up", "down"):
                values = found.values("band_split", column, output=output, operation=name)
                mean, low, high = (100 * float(one) for one in mean_interval(values))
                cells.append(f"{mean:.1f} ({low:.1f} to {high:.1f})")
        rows.append([words, *cells])
    places = ("upwards", "downwards")
    return ["share of the energy, %", *(f"Output ({out}), {way}" for out in ("1,1", "1,2") for way in places)], rows


def _spread(values: list[float]) -> str:
    if not values:
        return ""
    mean = f"{100 * np.mean(values):.1f}"
    return f"{mean} ± {100 * np.std(values, ddof=1):.1f}" if len(values) > 1 else mean


def _percent(share: float) -> str:
    return "" if np.isnan(share) else f"{100 * share:.1f}"
