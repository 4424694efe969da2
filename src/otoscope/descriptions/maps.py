"""What predicts each map: a fact chosen on one half of the clips, scored on the other, and against shuffled facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from otoscope.descriptions.choosing import Choice, places_of, ranks_of
from otoscope.descriptions.facts import FEWEST, Fact, bounds_of, cells_of, facts_of
from otoscope.descriptions.halves import halves, shuffled
from otoscope.descriptions.scoring import Halves, auc_at, scored, within
from otoscope.errors import InputError

Report = Callable[[int, int], None]

SHUFFLES = 99
"""How often facts are shuffled over the clips; the largest score of any map in any of them is what chance does."""

_RISES = 0.7  # of what bins explain, that a straight line has to explain for a map to rise or fall


@dataclass(frozen=True)
class Described:
    """What describes one map.

    Attributes
    ----------
    fact : Fact or None
        What predicts it best, whether or not better than chance; None of a map that never changes, or seldom.
    described : bool
        Whether the score is above what came of shuffled facts in any map, and its interval above no knowledge at all
        (an area of 0.5, R2 of 0).
    seldom : bool
        Whether it is the same in all but a few clips of a half, fewer than a fact needs, though not in all.
    score, low, high : float
        Area under the ROC curve of a yes or no, else R2, on the half on which the fact was not chosen, with its 95 %
        interval.
    chance : float
        The largest such score of shuffled facts.
    explained : float
        R2 of ranks, whatever the kind of the fact: the share of what the map does that the fact tells.
    more : bool
        Whether the map is more active where the answer is yes, or the number is large.
    where : str
        Of numbers that a map neither rises nor falls with: from where to where it is most active. Of values: the one of
        which it is, and the next.
    value_score : float
        Of values: the area under the ROC curve of the one of which the map is most active.
    next_fact : Fact or None
        What predicts it second best, of another fact of the data.
    next_score, next_chance : float
    score_within, next_within : float
        The score among clips that are alike in the other fact, of the first and of the second.
    told_apart : bool or None
        Whether the first still predicts the map among clips that are alike in the second; None without a second, or
        where such clips hardly differ in the first.
    """

    fact: Fact | None
    described: bool = False
    seldom: bool = False
    score: float = np.nan
    low: float = np.nan
    high: float = np.nan
    chance: float = np.nan
    explained: float = np.nan
    more: bool = True
    where: str = ""
    value_score: float = np.nan
    next_fact: Fact | None = None
    next_score: float = np.nan
    next_chance: float = np.nan
    score_within: float = np.nan
    next_within: float = np.nan
    told_apart: bool | None = None


@dataclass(frozen=True)
class Descriptions:
    """What describes the maps, and how that was found out.

    Attributes
    ----------
    maps : sequence of Described
    facts : sequence of Fact
        That were asked about.
    left_out : mapping of str to str
        Facts of the data that were not, and why.
    threshold : float
        The largest deviation from chance of any map with shuffled facts.
    choosing, scoring : int
        Clips of the two halves.
    """

    maps: Sequence[Described]
    facts: Sequence[Fact]
    left_out: Mapping[str, str] = field(default_factory=dict)
    threshold: float = np.nan
    choosing: int = 0
    scoring: int = 0


def describe_maps(
    values: np.ndarray,
    columns: Mapping[str, ArrayLike],
    groups: np.ndarray,
    *,
    measured: Mapping[str, ArrayLike] | None = None,
    shuffles: int = SHUFFLES,
    seed: int = 0,
    progress: Report | None = None,
) -> Descriptions:
    """Find for each map the fact that predicts it best, and say how well on clips that were not used to find it.

    Parameters
    ----------
    values : ndarray, (clip, map)
        What each map does in each clip, finite.
    columns : mapping of str to array_like, (clip,)
        Facts of the clips, as :func:`otoscope.descriptions.facts.facts_of` takes them.
    groups : ndarray of int, (clip,)
        Clips of one group stay in one half and are shuffled together.
    measured : mapping of str to array_like, (clip,), optional
        More facts, in numbers, which are asked about where `columns` has none of the name that says something.
    shuffles : int
        How often facts are shuffled, 1 or more. If nothing is there to describe, some map is described with a
        probability of one in ``shuffles + 1``.
    seed : int
        Of halves and shuffles.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of shuffles.

    Raises
    ------
    InputError
        If the values are not (clip, map) and finite, no fact can be asked about, or there is a single group.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> level = rng.uniform(-60, 0, 400)
    >>> values = np.stack([level + rng.normal(size=400), rng.normal(size=400)], 1)
    >>> found = describe_maps(values, {"level": level}, np.arange(400))
    >>> [one.described for one in found.maps], found.maps[0].fact.name, found.maps[0].score > 0.95
    ([True, False], 'level', True)
    """
    if values.ndim != 2 or not np.isfinite(values).all():
        raise InputError(f"maps are described by finite values (clip, map), not by the shape {values.shape}")
    if shuffles < 1:
        raise InputError(f"shuffles has to be 1 or more, not {shuffles}: without them nothing is known of chance")
    if seed < 0:
        raise InputError(f"seed has to be 0 or more, not {seed}")
    choosing = halves(groups, seed)
    facts, left_out = facts_of(columns, choosing, groups, measured)
    if not facts:
        raise InputError(f"there is no fact to describe maps by: {_said(left_out)}")
    changing = np.minimum(*(_changing(values[half]) for half in (choosing, ~choosing)))
    alive = np.flatnonzero(changing >= FEWEST)
    first, second = (values[half][:, alive] for half in (choosing, ~choosing))
    both = Halves(choosing, groups, ranks_of(first), ranks_of(second), places_of(second, first))
    choice = Choice(facts, [cells_of(fact, choosing)[choosing] for fact in facts])
    threshold = _threshold(choice, both, shuffles, seed, progress) if alive.size else np.nan
    found = _described(choice, both, threshold) if alive.size else {}
    place = {int(one): n for n, one in enumerate(alive)}
    ever = _changing(values) > 0
    maps = [found[place[n]] if n in place else Described(None, seldom=bool(ever[n])) for n in range(len(ever))]
    return Descriptions(maps, facts, left_out, threshold, int(choosing.sum()), int((~choosing).sum()))


def _threshold(choice: Choice, both: Halves, shuffles: int, seed: int, progress: Report | None) -> float:
    """The largest deviation from chance in any map, with facts that were shuffled over the clips of each half."""
    rng = np.random.default_rng([seed, 1])
    halves_of = [np.flatnonzero(half) for half in (both.choosing, ~both.choosing)]
    groups = [_renumbered(both.groups[clips]) for clips in halves_of]
    largest = 0.0
    source = np.empty(len(both.choosing), dtype=int)
    for done in range(shuffles):
        for clips, own in zip(halves_of, groups, strict=True):
            source[clips] = clips[shuffled(own, rng)]
        largest = max(largest, _largest(choice.facts, source, both))
        if progress:
            progress(done + 1, shuffles)
    return largest


def _largest(facts: Sequence[Fact], source: np.ndarray, both: Halves) -> float:
    """The largest deviation from chance of any map, where each clip has the facts of another one."""
    moved = [replace(fact, values=fact.values[source]) for fact in facts]
    cells = [cells_of(fact, both.choosing)[both.choosing] for fact in moved]
    there = [n for n, own in enumerate(cells) if np.unique(own[own >= 0]).size > 1]
    if not there:
        return 0.0
    choice = Choice([moved[n] for n in there], [cells[n] for n in there])
    best = choice.best(choice.explained(both.first))
    found = (scored(choice.facts[n], both, np.flatnonzero(best == n)).z for n in np.unique(best))
    return max(float(np.nan_to_num(z, posinf=0.0, neginf=0.0).max()) for z in found)


def _described(choice: Choice, both: Halves, threshold: float) -> dict[int, Described]:
    explained = choice.explained(both.first)
    best = choice.best(explained)
    second = choice.best(explained, without=best)
    found: dict[int, Described] = {}
    for pair in sorted(set(zip(best.tolist(), second.tolist(), strict=True))):
        maps = np.flatnonzero((best == pair[0]) & (second == pair[1]))
        fact, other = choice.facts[pair[0]], choice.facts[pair[1]] if pair[1] >= 0 else None
        found |= dict(zip(maps.tolist(), _of_pair(fact, other, both, maps, threshold), strict=True))
    return found


def _of_pair(fact: Fact, other: Fact | None, both: Halves, maps: np.ndarray, threshold: float) -> list[Described]:
    scores = scored(fact, both, maps, interval=True)
    where = _where(fact, both, maps)
    of_values = _of_values(fact, where, both, maps)
    least = 0.5 if fact.kind == "yes_no" else 0.0
    one: dict[str, Any] = {"fact": fact, "chance": auc_at(threshold, fact, both.choosing)}
    if other is not None:
        beside = scored(other, both, maps)
        alone, beyond = within(fact, other, both, maps)
        others, _ = within(other, fact, both, maps)
        one |= {"next_fact": other, "next_chance": auc_at(threshold, other, both.choosing)}
    described = []
    for n in range(len(maps)):
        each: dict[str, Any] = one | {
            "described": bool(scores.z[n] > threshold and scores.low[n] > least),
            "score": float(scores.score[n]),
        }
        each |= {"low": float(scores.low[n]), "high": float(scores.high[n])}
        each |= {"more": bool(scores.more[n]), "where": where[n], "explained": float(scores.explained[n])}
        each |= {"value_score": float(of_values[n])}
        if other is not None:
            each |= {"next_score": float(beside.score[n]), "score_within": float(alone[n])}
            each |= {"next_within": float(others[n])}
            each |= {"told_apart": bool(beyond[n] > threshold) if np.isfinite(beyond[n]) else None}
        described.append(Described(**each))
    return described


def _where(fact: Fact, both: Halves, maps: np.ndarray) -> list[str]:
    """Where maps are most active, in words; nothing where they rise or fall all along."""
    if fact.kind == "yes_no":
        return [""] * len(maps)
    learnt = cells_of(fact, both.choosing)[both.choosing]
    used = np.unique(learnt[learnt >= 0])
    means = np.stack([both.first[learnt == cell][:, maps].mean(0) for cell in used])
    if fact.kind == "values":
        return [", ".join(fact.named[used[cell]] for cell in order[-2:][::-1]) for order in means.argsort(0).T]
    weights = np.array([(learnt == cell).sum() for cell in used], dtype=float)
    line = np.arange(len(used)) - np.average(np.arange(len(used)), weights=weights)
    spread = means - np.average(means, axis=0, weights=weights)
    along = (weights * line) @ spread
    share = along**2 / np.maximum((weights @ line**2) * (weights @ spread**2), 1e-30)
    said = []
    for n, straight in enumerate(share):
        low, high = bounds_of(fact, int(used[means[:, n].argmax()]), both.choosing)
        said.append("" if straight >= _RISES else f"{low:.3g} to {high:.3g}")
    return said


def _of_values(fact: Fact, where: list[str], both: Halves, maps: np.ndarray) -> np.ndarray:
    """The area under the ROC curve of the value of which each map is most active; NaN where facts have no names."""
    found = np.full(len(maps), np.nan)
    if fact.kind == "values":
        best = np.array([said.split(", ")[0] for said in where])
        for code, name in enumerate(fact.named):
            having = np.flatnonzero(best == name)
            alone = replace(fact, kind="yes_no", values=np.where(fact.known, fact.values == code, np.nan))
            found[having] = scored(alone, both, maps[having]).score if having.size else np.nan
    return found


def _changing(values: np.ndarray) -> np.ndarray:
    """In how many clips each map is something else than it mostly is, (map,)."""
    return np.array([len(one) - np.unique(one, return_counts=True)[1].max() for one in values.T])


def _renumbered(groups: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.unique(groups, return_inverse=True)[1]
    return found


def said_of(left_out: Mapping[str, str]) -> list[str]:
    """The columns that are left out, those with one reason together.

    Examples
    --------
    >>> said_of({"a": "the same in all clips", "b": "the same as c", "d": "the same in all clips"})
    ['a, d: the same in all clips', 'b: the same as c']
    """
    names: dict[str, list[str]] = {}
    for name, why in left_out.items():
        names.setdefault(why, []).append(name)
    return [f"{', '.join(some)}: {why}" for why, some in names.items()]


def _said(left_out: Mapping[str, str]) -> str:
    return "; ".join(said_of(left_out)) or "the clips have none"
