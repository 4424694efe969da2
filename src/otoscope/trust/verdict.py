"""What the numbers of a control and of a test say, in one plain sentence each, by thresholds that are a choice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

Level = Literal["ok", "care", "no", "none"]
"""Nothing speaks against the picture; something does; it is no evidence; nothing can be said."""

ALIKE = 0.95
"""From this correlation on, the map of another class is the same picture."""
RANDOM = 0.7
"""From this mean correlation on, networks with random weights draw much of the same picture."""
ANSWER = "the answer"
"""By what a test is judged, where what is explained is the class that the model answers."""
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


def verdict_of_fall(what: str, fall: float, elsewhere: int, places: int) -> Verdict:
    """What it says that a score falls without a part of the sound, or does not.

    Parameters
    ----------
    what : str
        Of which score.
    fall : float
        By how much it falls without it; NaN where that is not known.
    elsewhere, places : int
        How often it falls by as much or more without another part, of how many.

    Examples
    --------
    >>> verdict_of_fall("the logit of 8", 2.5, 0, 48).sentence
    'taken away, the logit of 8 falls by more than without any of 48 other parts'
    >>> verdict_of_fall("the logit of 8", 2.5, 3, 48).level, verdict_of_fall("the energy", -0.1, 48, 48).sentence
    ('care', 'taken away, the energy does not fall')
    """
    if math.isnan(fall):
        return Verdict("none", f"{what} without it is not known")
    if fall <= 0:
        return Verdict("care", f"taken away, {what} does not fall")
    if not places:
        return Verdict("care", f"taken away, {what} falls; there is no other part as large to compare it with")
    if not elsewhere:
        return Verdict("ok", f"taken away, {what} falls by more than without any of {places} other parts")
    return Verdict(
        "care", f"taken away, {what} falls, but by as much or more without {elsewhere} of {places} other parts"
    )


@dataclass(frozen=True)
class Judged:
    """By what a part that is taken away is judged: by the answer, or by a score that is not the answer's.

    Attributes
    ----------
    by : str
        The score, in words; `ANSWER` where it is the answer.
    instead : str
        What the model answers in place of the class that is explained; empty where it answers that, or nothing.

    Examples
    --------
    >>> judged = Judged("the logit of 8", "the model says 7, not 8")
    >>> judged.told(judged.verdict(0, 2.5, 0, 48)).sentence
    'the model says 7, not 8; taken away, the logit of 8 falls by more than without any of 48 other parts'
    """

    by: str = ANSWER
    instead: str = ""

    def verdict(self, changed: float, fall: float, elsewhere: int, places: int) -> Verdict:
        """Of one test: whether the answer changes, by how much the score falls, how often elsewhere, of how many."""
        if self.by == ANSWER:
            return verdict_of_test(changed, elsewhere, places)
        return verdict_of_fall(self.by, fall, elsewhere, places)

    def told(self, verdict: Verdict) -> Verdict:
        """A verdict behind what the model answers instead."""
        return verdict._replace(sentence=f"{self.instead}; {verdict.sentence}") if self.instead else verdict


def summed_up(verdicts: Mapping[str, Verdict]) -> Verdict:
    """The verdicts on several tests as one: what nothing else does counts for all, and is said first.

    Examples
    --------
    >>> summed_up({"time": verdict_of_test(0, 0, 0), "band": verdict_of_test(1, 0, 24)}).sentence
    'the band: taken away, the answer changes; without each of 24 other parts it stays; the time: taken away, the ...'
    """
    known = {name: one for name, one in verdicts.items() if one.level != "none"}
    if not known:
        return next(iter(verdicts.values()))
    best_first = sorted(known.items(), key=lambda named: named[1].level != "ok")
    level = best_first[0][1].level
    return Verdict(level, "; ".join(f"the {name}: {one.sentence}" for name, one in best_first))
