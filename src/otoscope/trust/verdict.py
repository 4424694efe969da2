"""What the numbers of a control and of a test say, in one plain sentence each, by thresholds that are a choice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

Level = Literal["ok", "care", "no", "none"]
"""Nothing speaks against the picture; something does; it is no evidence; nothing can be said."""

ALIKE = 0.95
"""From this correlation on, the map of another class is the same picture."""
RANDOM = 0.7
"""From this mean correlation on, networks with random weights draw much of the same picture."""
A_CHOICE = "The thresholds are a choice: they are not yet measured on sounds whose cues are known."


class Verdict(NamedTuple):
    """A sentence, and how bad it is."""

    level: Level
    sentence: str


def verdict_of_control(
    runner_up: float, random: float, other: str, *, alike: float = ALIKE, random_from: float = RANDOM
) -> Verdict:
    """What two correlations of a map say: with the map of another class, and with those of random weights.

    Parameters
    ----------
    runner_up, random : float
        NaN where it is not known.
    other : str
        What the first one is with.
    alike, random_from : float
        Thresholds.

    Examples
    --------
    >>> verdict_of_control(0.999, 0.71, "6").sentence
    'not evidence for this class: the map of 6 is the same; random weights draw much of the same picture'
    >>> verdict_of_control(0.5, 0.2, "6").level
    'ok'
    """
    said, level = [], "ok"
    if runner_up >= alike:
        said.append(f"not evidence for this class: the map of {other} is the same")
        level = "no"
    if random >= random_from:
        said.append("random weights draw much of the same picture")
        level = "no" if level == "no" else "care"
    if said:
        return Verdict(level, "; ".join(said))  # type: ignore[arg-type]
    if math.isnan(runner_up) and math.isnan(random):
        return Verdict("none", "no control could be computed")
    if math.isnan(runner_up) or math.isnan(random):
        with_what = "those of random weights" if math.isnan(runner_up) else f"that of {other}"
        return Verdict("care", f"the map was only compared with {with_what}, from which it differs")
    return Verdict("ok", f"the map differs from that of {other} and from those of random weights")


def verdict_of_test(changed: float, elsewhere: int, places: int) -> Verdict:
    """What it says that the answer changes without a part of the sound, or does not.

    Parameters
    ----------
    changed : float
        Whether the answer changes without it, 1 or 0; NaN where that is not known.
    elsewhere, places : int
        How often it changes without another part, of how many.

    Examples
    --------
    >>> verdict_of_test(1, 0, 48).sentence, verdict_of_test(1, 3, 48).level
    ('taken away, the answer changes; without each of 48 other parts it stays', 'care')
    >>> verdict_of_test(0, 0, 48).sentence
    'taken away, the answer stays, as it does without each of 48 other parts'
    """
    if math.isnan(changed):
        return Verdict("none", "the answer without it is not known")
    if not changed:
        if not places:
            return Verdict("care", "taken away, the answer stays")
        if not elsewhere:
            return Verdict("care", f"taken away, the answer stays, as it does without each of {places} other parts")
        return Verdict("care", f"taken away, the answer stays; it changes without {elsewhere} of {places} other parts")
    if not places:
        return Verdict("care", "taken away, the answer changes; there is no other part as large to compare it with")
    if not elsewhere:
        return Verdict("ok", f"taken away, the answer changes; without each of {places} other parts it stays")
    return Verdict("care", f"taken away, the answer changes, but also without {elsewhere} of {places} other parts")


def summed_up(verdicts: Mapping[str, Verdict]) -> Verdict:
    """The verdicts on several tests as one: what changes the answer, and nothing else does, counts for all.

    Examples
    --------
    >>> summed_up({"time": verdict_of_test(0, 0, 0), "band": verdict_of_test(1, 0, 24)}).sentence
    'the band: taken away, the answer changes; without each of 24 other parts it stays'
    """
    known = {name: one for name, one in verdicts.items() if one.level != "none"}
    if not known:
        return next(iter(verdicts.values()))
    best = {name: one for name, one in known.items() if one.level == "ok"} or known
    level = next(iter(best.values())).level
    return Verdict(level, "; ".join(f"the {name}: {one.sentence}" for name, one in best.items()))
