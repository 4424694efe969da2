"""What describes a map, as a short sentence."""

from __future__ import annotations

import math

from otoscope.descriptions.facts import Fact
from otoscope.descriptions.maps import Described

NOTHING = "nothing describes it"
DEAD = "dead"
SELDOM = "too few clips drive it to say"


def sentence(one: Described, units: dict[str, str] | None = None) -> str:
    """A description in words, with its score, its interval, what chance does, and what else it may be.

    Parameters
    ----------
    one : Described
    units : dict of str to str, optional
        Of numbers, by the name of the fact.

    Examples
    --------
    >>> import numpy as np
    >>> fact = Fact("speaker = jackson", "speaker", "yes_no", np.zeros(1))
    >>> sentence(Described(fact, True, score=0.97, low=0.95, high=0.99, chance=0.56))
    'speaker = jackson: AUC 0.97 (0.95 to 0.99), by chance up to 0.56'
    """
    if one.fact is None:
        return SELDOM if one.seldom else DEAD
    if not one.described:
        return f"{NOTHING} (best: {one.fact.name}, {_score(one.fact, one.score)}, by chance up to {one.chance:.2f})"
    said = f"{_what(one, (units or {}).get(one.fact.column, ''))}: {_score(one.fact, one.score)}"
    said += f" ({one.low:.2f} to {one.high:.2f}), by chance up to {one.chance:.2f}"
    return said + _beside(one)


def _what(one: Described, unit: str) -> str:
    assert one.fact is not None
    if one.fact.kind == "yes_no":
        return one.fact.name if one.more else f"not {one.fact.name}"
    if one.fact.kind == "values":
        first, _, then = one.where.partition(", ")
        return f"{one.fact.name}, most {first} (AUC {one.value_score:.2f}), then {then}"
    if one.where:
        return f"{one.fact.name} near {one.where}{f' {unit}' if unit not in ('', '1') else ''}"
    return f"{'rises' if one.more else 'falls'} with {one.fact.name}"


def _beside(one: Described) -> str:
    """The second best fact, where it tells something, and whether the first is anything but that."""
    if one.next_fact is None or not one.next_score > one.next_chance:
        return ""
    said = f"; next {one.next_fact.name}, {_score(one.next_fact, one.next_score)}"
    if one.told_apart is None:
        return f"{said}, and hardly any clips differ in the first alone"
    if one.told_apart:
        return said
    assert one.fact is not None
    return f"{said}, and where that is alike {_score(one.fact, one.score_within)}, which chance does too"


def _score(fact: Fact, score: float) -> str:
    name = "AUC" if fact.kind == "yes_no" else "R2"
    return f"{name} {score:.2f}" if math.isfinite(score) else f"{name} unknown"
