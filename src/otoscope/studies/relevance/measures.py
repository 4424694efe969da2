"""From the rows of the study to the numbers by which its claims are judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from otoscope.dsp.similarity import rank_correlation
from otoscope.studies.estimate import Estimate, mean_of, mean_over_runs_and_clips
from otoscope.studies.found import Found
from otoscope.studies.relevance.measured import SOUND
from otoscope.studies.relevance.trained import DIGITS, FREE, LARGE, PHONES, RANDOM, SHUFFLED, SPEAKERS, TRAINED

MEASURES = ("F0", "F1", "F2")
Score = Callable[[Mapping[str, Any]], float]
"""From a row to a number; NaN where it says nothing."""


def spectrum_error(found: Found) -> Estimate:
    """How far the spectral relevance is from the derivative by bins of the DFT, at the worst of each clip."""
    return mean_of(found.values("spectrum", "error"), f"{len(found.rows('spectrum'))} vowels, vowel-name")


# -- Systems ----------------------------------------------------------------------------------------------


def phone_errors(found: Found) -> Estimate | None:
    """Phone error rate on the test set of TIMIT."""
    return _of_training(found, PHONES, "test_phone_error_rate")


def speakers_right(found: Found) -> Estimate | None:
    """Accuracy on the held-out sentences of the speakers of TIMIT."""
    return _of_training(found, SPEAKERS, "validation_accuracy")


def _of_training(found: Found, system: str, column: str) -> Estimate | None:
    values = [
        row[column] for row in found.rows("training", data=LARGE, system=system, weights=TRAINED) if column in row
    ]
    return mean_of(values, f"TIMIT, {_count(len(values), 'run')}") if values else None


# -- Signals ----------------------------------------------------------------------------------------------


def unlike_in_time(found: Found) -> Estimate | None:
    """The largest cross-correlation of relevance and sound within 5 ms, in the speaker system."""
    return _measured(found, "signals", SPEAKERS, _column("correlation"))


def same_period(found: Found) -> Estimate | None:
    """Voiced segments whose relevance has the period of the sound, less that of others, in the speaker system."""
    return _measured(found, "signals", SPEAKERS, _above_chance("same_period"))


def same_f0_of_phones(found: Found) -> Estimate | None:
    """Frames of one F0 in sound and relevance, less those of other vowels, in the phone system."""
    table = "signals" if found.rows("signals", system=PHONES) else "vowels"
    return _measured(found, table, PHONES, _above_chance("same_f0"))


def same_f0_of_speakers(found: Found) -> Estimate | None:
    """The same in the speaker system, less those of other clips."""
    return _measured(found, "signals", SPEAKERS, _above_chance("same_f0"))


def harmonics(found: Found) -> Estimate | None:
    """Coherence of sound and relevance at the harmonics, less that between them."""
    return _measured(found, "vowels", PHONES, _column("harmonic_contrast"))


def envelopes(found: Found) -> Estimate | None:
    """Correlation of the LP spectra of sound and relevance, less that of other vowels."""
    return _measured(found, "vowels", PHONES, _above_chance("envelope"))


# -- Table 2 ----------------------------------------------------------------------------------------------


def right(found: Found, measure: str, group: str) -> Estimate | None:
    """Vowels whose F0, F1 or F2 is right in the relevance signal, less chance."""
    return _measured(found, "vowels", PHONES, _above_chance(measure), group=group)


def as_right_as_sounds(found: Found) -> Estimate | None:
    """Right values in the relevance signals, less those in the sounds."""
    sounds = {row["sound"]: _right(row) for row in found.rows("vowels", weights=SOUND)}
    if not sounds:
        return None
    return _measured(found, "vowels", PHONES, lambda row: _right(row) - sounds.get(row["sound"], np.nan))


def learned(found: Found) -> Estimate | None:
    """Right values, trained network less that of random weights."""
    return _between(found, "vowels", (PHONES, TRAINED), (PHONES, RANDOM), _right)


def learned_from_labels(found: Found) -> Estimate | None:
    """Right values, trained network less that trained on shuffled labels."""
    return _between(found, "vowels", (PHONES, TRAINED), (PHONES, SHUFFLED), _right)


def first_layer(found: Found) -> Estimate | None:
    """Vowels whose F0 is found in the response of the first layer, less those in whose relevance it is."""
    return _measured(found, "vowels", PHONES, lambda row: _value(row, "first_layer_f0") - _value(row, "F0"))


# -- Bands ------------------------------------------------------------------------------------------------


def low_peak(found: Found) -> Estimate | None:
    """Relevance of the speaker system per Hz below 1 kHz over that from 1 to 2 kHz, in dB."""
    return _measured(found, "signals", SPEAKERS, _column("low_over_mid"), unit="dB")


def mid_band(found: Found) -> Estimate | None:
    """What relevance adds from 2 to 3.5 kHz, in dB, speaker less phone system."""
    return _systems_apart(found, "signals", "gain_2000_3500", unit="dB")


def high_band(found: Found) -> Estimate | None:
    """The same from 3.5 kHz up, to 5 kHz or as far as there is sound."""
    data = _data_of(found, "signals", SPEAKERS)
    return _systems_apart(found, "signals", "gain_3500_5000" if data == LARGE else "gain_3500_4000", unit="dB")


def bands_of_speakers(found: Found) -> Estimate | None:
    """Rank correlation over bands of the F-ratio and the emphasis of the relevance over that of the sound."""
    data = _data_of(found, "bands", SPEAKERS)
    values = [one for one in follows_f_ratio(found, data, SPEAKERS, TRAINED) if np.isfinite(one)]
    return mean_of(values, f"{_said(data, SPEAKERS)}, {_count(len(values), 'run')}") if values else None


def follows_f_ratio(found: Found, data: str, system: str, weights: str) -> list[float]:
    """Of each run of a system the rank correlation over bands of the F-ratio and what relevance adds to the sound."""
    where = {"data": data, "system": system, "weights": weights}
    values = []
    for seed in found.distinct("bands", "seed", **where):
        f_ratio, relevance, sound = (
            found.values("bands", column, seed=seed, **where) for column in ("f_ratio", "emphasis", "input_emphasis")
        )
        values.append(rank_correlation(f_ratio, relevance / sound))
    return values


def systems_differ(found: Found) -> Estimate | None:
    """Correlation of the relevance spectra of two systems, less that of two runs of one, over sounds."""
    data = LARGE if found.rows("compared", data=LARGE) else FREE
    gaps = [_value(row, "between") - _value(row, "within") for row in found.rows("compared", data=data)]
    gaps = [gap for gap in gaps if np.isfinite(gap)]
    said = "TIMIT" if data == LARGE else "FSDD, digits and speakers"
    return mean_of(gaps, f"{said}, {_count(len(gaps), 'sound')}") if gaps else None


# -- Listening --------------------------------------------------------------------------------------------


def intelligible(found: Found) -> Estimate | None:
    """Digits that a recogniser hears in the relevance of the phone network, less those with random weights."""
    return _between(found, "heard", (DIGITS, TRAINED), (DIGITS, RANDOM), _column("heard"))


def less_intelligible(found: Found) -> Estimate | None:
    """Accuracy of a recogniser and STOI, speaker less phone network: the one that speaks less for it."""
    both = [
        _between(found, table, (SPEAKERS, TRAINED), (DIGITS, TRAINED), _column(column), said=said)
        for table, column, said in (("heard", "heard", "accuracy"), ("stoi", "stoi", "STOI"))
    ]
    known = [one for one in both if one is not None]
    if len(known) < len(both):
        return None
    return max(known, key=lambda one: one.value if np.isnan(one.high) else one.high)


# -- Parts of measures ------------------------------------------------------------------------------------


def table_of(found: Found, table: str, score: Score, **where: Any) -> np.ndarray:
    """What a score gives for the rows of a network, (run, sound)."""
    rows = found.rows(table, **where)
    names = list(dict.fromkeys(_name(row) for row in rows))
    seeds = sorted({row["seed"] for row in rows})
    values = np.full((len(seeds), len(names)), np.nan)
    places = {name: place for place, name in enumerate(names)}
    for row in rows:
        values[seeds.index(row["seed"]), places[_name(row)]] = score(row)
    return values


def _name(row: Mapping[str, Any]) -> str:
    return str(row.get("sound", row.get("first")))


def _measured(found: Found, table: str, system: str, score: Score, unit: str = "", **where: Any) -> Estimate | None:
    """The mean of a score of the trained networks of a system, over runs and sounds."""
    data = _data_of(found, table, system)
    values = table_of(found, table, score, data=data, system=system, weights=TRAINED, **where)
    return _estimate(values, _said(data, system), unit)


def _between(
    found: Found, table: str, first: tuple[str, str], second: tuple[str, str], score: Score, unit: str = "",
    said: str = "",
) -> Estimate | None:  # fmt: skip
    """The mean of a score of networks of one system and weights, less that of others, on the same sounds."""
    data = _data_of(found, table, first[0])
    other = _phones_on(data) if second[0] == DIGITS else second[0]
    one = table_of(found, table, score, data=data, system=first[0], weights=first[1])
    two = table_of(found, table, score, data=data, system=other, weights=second[1])
    runs = min(len(one), len(two))
    if not runs or one.shape[1] != two.shape[1]:
        return None
    text = ", ".join(filter(None, (said, _said(data, first[0]))))
    return _estimate(one[:runs] - two[:runs], text, unit)


def _systems_apart(found: Found, table: str, column: str, unit: str) -> Estimate | None:
    return _between(found, table, (SPEAKERS, TRAINED), (DIGITS, TRAINED), _column(column), unit)


def _estimate(values: np.ndarray, said: str, unit: str) -> Estimate | None:
    if not np.isfinite(values).any():
        return None
    sounds = int(np.isfinite(values).any(0).sum())
    return mean_over_runs_and_clips(values, f"{said}, {_count(len(values), 'run')}, {_count(sounds, 'sound')}", unit)


def _data_of(found: Found, table: str, system: str) -> str:
    """The data of the paper where a system was looked at on it, and else the free one."""
    return LARGE if found.rows(table, data=LARGE, system=system) else FREE


def _phones_on(data: str) -> str:
    """The system of phones on the sounds of the speaker system: FSDD has digits for them."""
    return PHONES if data == LARGE else DIGITS


def _said(data: str, system: str) -> str:
    if data == LARGE:
        return f"TIMIT {system}"
    return "synthesised vowels" if system == PHONES else f"FSDD {system}"


def _count(number: int, of: str) -> str:
    return f"{number} {of}" if number == 1 else f"{number} {of}s"


def _column(name: str) -> Score:
    return partial(_value, column=name)


def _above_chance(name: str) -> Score:
    return lambda row: _value(row, name) - _value(row, f"{name}_chance")


def _value(row: Mapping[str, Any], column: str) -> float:
    value = row.get(column)
    return float("nan") if value is None else float(value)


def _right(row: Mapping[str, Any]) -> float:
    """The share of F0, F1 and F2 that is right."""
    return float(np.mean([_value(row, measure) for measure in MEASURES]))


def mean_and_deviation(values: Sequence[float] | np.ndarray) -> str:
    """Over runs, for a table."""
    runs = np.asarray(values, dtype=float)
    runs = runs[np.isfinite(runs)]
    if not len(runs):
        return ""
    return f"{runs.mean():.2f}" if len(runs) < 2 else f"{runs.mean():.2f} ± {runs.std(ddof=1):.2f}"
