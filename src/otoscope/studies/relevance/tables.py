"""The tables of the study."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otoscope.studies.found import Found
from otoscope.studies.relevance.measured import SOUND
from otoscope.studies.relevance.measures import MEASURES, follows_f_ratio, mean_and_deviation
from otoscope.studies.relevance.trained import DIGITS, FREE, LARGE, PHONES, RANDOM, SHUFFLED, SPEAKERS, TRAINED

Table = tuple[Sequence[str], Sequence[Sequence[object]]]

VOWELS = ("ah", "eh", "iy", "oa", "uw")
PUBLISHED = {
    ("F0", "women"): (93, 91, 91, 94, 92),
    ("F0", "men"): (92, 90, 89, 93, 90),
    ("F1", "women"): (90, 92, 93, 91, 93),
    ("F1", "men"): (88, 92, 92, 89, 93),
    ("F2", "women"): (94, 94, 94, 95, 94),
    ("F2", "men"): (94, 93, 94, 94, 93),
}
"""Table 2, in percent."""

_ROWS = ((SOUND, "the sounds"), (TRAINED, "trained"), (SHUFFLED, "shuffled labels"), (RANDOM, "random weights"))
_DATA = {(FREE, PHONES): "synthesised vowels", (FREE, DIGITS): "FSDD", (FREE, SPEAKERS): "FSDD"}


def systems(found: Found) -> Table:
    """How good the networks are."""
    rows = []
    for data, system in _systems(found, "training"):
        for weights in (TRAINED, SHUFFLED):
            where = {"data": data, "system": system, "weights": weights}
            trained = found.rows("training", **where)
            named = [row for row in found.rows("vowels", **where) if "named" in row]
            seeds = list(dict.fromkeys(row["seed"] for row in named))
            accuracy = [row["test_accuracy"] for row in trained if row.get("test_accuracy") is not None]
            accuracy = accuracy or [row["validation_accuracy"] for row in trained if "validation_accuracy" in row]
            errors = [row["test_phone_error_rate"] for row in trained if "test_phone_error_rate" in row]
            vowels = [float(np.mean([row["named"] for row in named if row["seed"] == seed])) for seed in seeds]
            rows.append(
                [system, _place(data, system), weights, len(trained)]
                + [_percent(values) for values in (accuracy, errors, vowels)]
            )
    return ["system", "data", "labels", "runs", "accuracy (%)", "phone errors (%)", "vowels named (%)"], rows


def table_2(found: Found) -> Table:
    """Table 2 with what it lacks: chance, the sounds, random weights, shuffled labels, and all twelve vowels."""
    rows: list[list[object]] = []
    data = LARGE if found.rows("vowels", data=LARGE) else FREE
    for measure in MEASURES:
        for group in ("women", "men"):
            rows.append([measure, group, "published", *PUBLISHED[measure, group], "", ""])
            for weights, said in _ROWS:
                where = {"weights": weights, "group": group, "data": FREE if weights == SOUND else data}
                cells = [_share(found, measure, vowel=vowel, **where) for vowel in VOWELS]
                every = [_share(found, column, **where) for column in (measure, f"{measure}_chance")]
                rows.append([measure, group, said, *cells, *every])
    return ["", "", "", *(f"/{vowel}/" for vowel in VOWELS), "all twelve", "by chance"], rows


def likeness(found: Found) -> Table:
    """In what sounds and relevance signals are alike, in trained and other networks."""
    columns = (
        ("signals", "correlation", "waveforms"),
        ("signals", "same_period", "same period"),
        ("vowels", "harmonic_contrast", "harmonics"),
        ("vowels", "envelope", "envelopes"),
    )
    rows = []
    for data, system in dict.fromkeys([*_systems(found, "vowels"), *_systems(found, "signals")]):
        for weights in (TRAINED, SHUFFLED, RANDOM):
            where = {"data": data, "system": system, "weights": weights}
            table = "signals" if found.rows("signals", **where) else "vowels"
            row: list[object] = [system, _place(data, system), weights]
            row += [_over_runs(found, table, name, **where) for name in ("same_f0", "same_f0_chance")]
            row += [_over_runs(found, source, name, **where) for source, name, _ in columns]
            rows.append(row)
    return ["system", "data", "weights", "same F0", "by chance", *(said for *_, said in columns)], rows


def listening(found: Found) -> Table:
    """What a recogniser hears in relevance signals, and their STOI."""
    rows = []
    for system in (PHONES, DIGITS, SPEAKERS):
        for weights, said in _ROWS:
            where = {"data": FREE, "system": system, "weights": weights}
            if found.rows("heard", **where):
                each = [
                    _over_runs(found, table, name, **where) for table, name in (("heard", "heard"), ("stoi", "stoi"))
                ]
                rows.append([system, said, *each])
    return ["system", "signal", "heard", "STOI"], rows


def bands(found: Found) -> Table:
    """Where in frequency relevance lies, in dB, and how it follows the F-ratio of speakers."""
    rows = []
    for data, system in _systems(found, "bands"):
        for weights in (TRAINED, SHUFFLED, RANDOM):
            where = {"data": data, "system": system, "weights": weights}
            high = "gain_3500_5000" if data == LARGE else "gain_3500_4000"
            row: list[object] = [system, _place(data, system), weights]
            row += [_over_runs(found, "signals", name, **where) for name in ("low_over_mid", "gain_2000_3500", high)]
            rows.append([*row, mean_and_deviation(follows_f_ratio(found, data, system, weights))])
    heads = ["below 1 kHz over 1 to 2", "2 to 3.5 kHz", "3.5 kHz and up", "with F-ratio"]
    return ["system", "data", "weights", *heads], rows


def _systems(found: Found, table: str) -> list[tuple[str, str]]:
    """Data and system, of all networks in a table."""
    rows = [row for row in found.rows(table) if row.get("weights") != SOUND]
    return list(dict.fromkeys((row["data"], row["system"]) for row in rows))


def _place(data: str, system: str) -> str:
    return _DATA.get((data, system), "TIMIT")


def _over_runs(found: Found, table: str, column: str, **where: str) -> str:
    """Mean and deviation over runs of the mean over sounds; of the sounds themselves the one mean."""
    rows = found.rows(table, **where)
    if not any(column in row for row in rows):
        return ""
    seeds = dict.fromkeys(row.get("seed") for row in rows)
    means = [_mean([row.get(column) for row in rows if row.get("seed") == seed]) for seed in seeds]
    return mean_and_deviation(means)


def _mean(values: Sequence[float | None]) -> float:
    known = [float(value) for value in values if value is not None and np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _share(found: Found, column: str, **where: str) -> str:
    mean = _mean([row.get(column) for row in found.rows("vowels", **where)])
    return "" if np.isnan(mean) else f"{100 * mean:.0f}"


def _percent(values: Sequence[float]) -> str:
    if not len(values):
        return ""
    scaled = 100 * np.asarray(values, dtype=float)
    return f"{scaled.mean():.1f}" if len(scaled) < 2 else f"{scaled.mean():.1f} ± {scaled.std(ddof=1):.1f}"
