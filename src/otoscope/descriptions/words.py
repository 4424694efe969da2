"""What describes a map, as a short sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping

from otoscope.descriptions.facts import Fact
from otoscope.descriptions.maps import Described

NOTHING = "nothing describes it"
DEAD = "dead"
SELDOM = "too few clips drive it to say"


_MEASURED = {
    "f0": "F0",
    "voiced": "the voiced share",
    "centroid": "the spectral centroid",
    "spread": "the spectral spread",
    "flatness": "spectral flatness",
    "onset": "the strength of the onset",
    "modulation_rate": "the rate of modulation",
    "modulation_depth": "the depth of modulation",
}
_BAND = "band_"


def measured_words(name: str) -> str:
    """A fact that is measured from sounds, in words.

    Examples
    --------
    >>> measured_words("band_1000"), measured_words("onset"), measured_words("level")
    ('the energy share of the octave at 1000 Hz', 'the strength of the onset', 'level')
    """
    if name.startswith(_BAND):
        return f"the energy share of the octave at {name.removeprefix(_BAND)} Hz"
    return _MEASURED.get(name, name)


def sentence(one: Described, units: Mapping[str, str] | None = None) -> str:
    """A description in words, with its score, its interval, what chance does, and what else it may be.

    Parameters
    ----------
    one : Described
    units : mapping of str to str, optional
        Of those facts that are measured from sounds, by their names.

    Examples
    --------
    >>> import numpy as np
    >>> fact = Fact("speaker = jackson", "speaker", "yes_no", np.zeros(1))
    >>> sentence(Described(fact, True, score=0.97, low=0.95, high=0.99, chance=0.56))
    'speaker = jackson: AUC 0.97 (0.95 to 0.99), by chance up to 0.56'
    >>> other = Fact("band_1000", "band_1000", "number", np.zeros(1))
    >>> beside = {"next_fact": other, "next_score": 0.34, "next_chance": 0.02, "told_apart": False}
    >>> found = Described(fact, True, score=0.97, low=0.95, high=0.99, chance=0.56, score_within=0.52, **beside)
    >>> sentence(found, {"band_1000": "dB"}).partition("; ")[2]  # doctest: +NORMALIZE_WHITESPACE
    'also predicted by the energy share of the octave at 1000 Hz (R2 0.34), and among clips alike in that no better
    than chance (AUC 0.52)'
    """
    if one.fact is None:
        return SELDOM if one.seldom else DEAD
    units = units or {}
    if not one.described:
        best = f"{_named(one.fact, units)}, {_score(one.fact, one.score)}"
        return f"{NOTHING} (best: {best}, by chance up to {one.chance:.2f})"
    said = f"{_what(one, units)}: {_score(one.fact, one.score)}"
    said += f" ({one.low:.2f} to {one.high:.2f}), by chance up to {one.chance:.2f}"
    return said + _beside(one, units)


def _named(fact: Fact, units: Mapping[str, str]) -> str:
    return measured_words(fact.column) if fact.column in units else fact.name


def _what(one: Described, units: Mapping[str, str]) -> str:
    assert one.fact is not None
    name, unit = _named(one.fact, units), units.get(one.fact.column, "")
    if one.fact.kind == "yes_no":
        return name if one.more else f"not {name}"
    if one.fact.kind == "values":
        first, _, then = one.where.partition(", ")
        return f"{name}, most {first} (AUC {one.value_score:.2f}), then {then}"
    if one.where:
        return f"{name} near {one.where}{f' {unit}' if unit not in ('', '1') else ''}"
    return f"{'rises' if one.more else 'falls'} with {name}"


def _beside(one: Described, units: Mapping[str, str]) -> str:
    """The second best fact, where it tells something, and whether the first is anything but that."""
    if one.next_fact is None or not one.next_score > one.next_chance:
        return ""
    said = f"; also predicted by {_named(one.next_fact, units)} ({_score(one.next_fact, one.next_score)})"
    if one.told_apart is None:
        return f"{said}, and too few clips alike in that differ in the first to tell which of them it is"
    if one.told_apart:
        return said
    assert one.fact is not None
    within = _score(one.fact, one.score_within)
    return f"{said}, and among clips alike in that no better than chance ({within})"


def _score(fact: Fact, score: float) -> str:
    name = "AUC" if fact.kind == "yes_no" else "R2"
    return f"{name} {score:.2f}" if math.isfinite(score) else f"{name} unknown"
