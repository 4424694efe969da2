"""How well a fact that was chosen on one half of the clips tells what a map does on the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from otoscope.descriptions.facts import Fact, cells_of

_LEFT = 0.1
"""Of the variance of a fact, what has to be left among clips that are alike in another for it to be judged there."""


@dataclass(frozen=True)
class Halves:
    """Clips in two halves, with the ranks of every map on each.

    Attributes
    ----------
    choosing : ndarray of bool, (clip,)
    groups : ndarray of int, (clip,)
    first, second : ndarray, (clip of the half, map)
        Ranks from 0 to 1 on the half on which facts are chosen, and on that on which they are scored.
    placed : ndarray, as `second`
        Ranks of the second half among the clips of the first.
    """

    choosing: np.ndarray
    groups: np.ndarray
    first: np.ndarray
    second: np.ndarray
    placed: np.ndarray


@dataclass(frozen=True)
class Scores:
    """Scores of some maps by one fact.

    Attributes
    ----------
    score : ndarray, (map,)
        Area under the ROC curve of a yes or no, from 0 to 1; R2 of ranks of numbers and values, up to 1.
    z : ndarray, (map,)
        The same in deviations of what comes of noise, so that scores by different facts compare.
    explained : ndarray, (map,)
        R2 of ranks, whatever the kind of the fact.
    more : ndarray of bool, (map,)
        Whether a map is more active where the answer is yes, or the number is large.
    low, high : ndarray, (map,)
        Of the 95 % interval; NaN where it was not asked for.
    """

    score: np.ndarray
    z: np.ndarray
    explained: np.ndarray
    more: np.ndarray
    low: np.ndarray
    high: np.ndarray


def scored(fact: Fact, halves: Halves, maps: np.ndarray, *, interval: bool = False) -> Scores:
    r"""Score a fact on the half on which it was not chosen.

    Parameters
    ----------
    fact : Fact
    halves : Halves
    maps : ndarray of int
        Places of the maps.
    interval : bool
        Also the 95 % intervals.

    Notes
    -----
    A yes or no is scored by the area under the ROC curve, the probability that of two clips the one that has it drives
    the map more (or less, if that is what the first half says), with the interval of Newcombe (2006, method 5) for as
    many groups of clips. A number or a value predicts the mean rank that its cell has on the first half;
    :math:`R^2 = 1 - \sum (y - \hat y)^2 / \sum (y - \bar y)^2` over the clips of the second. Its interval is
    that of :math:`\ln (1 - R^2)`, the logarithm of a ratio of two sums over groups, from the variance of what each
    group has of them, with Student's t of as many groups less one. Under chance
    :math:`z = (A - 1/2) \sqrt{12 m n / (m + n + 1)}` of m clips with and n without it, and
    :math:`z = \sqrt{\max(R^2, 0) (n - 1)}`.
    """
    cells = cells_of(fact, halves.choosing)
    learnt, seen = cells[halves.choosing], cells[~halves.choosing]
    means = _means(learnt, halves.first[:, maps])
    heard = np.flatnonzero((seen >= 0) & np.isfinite(means).all(1)[seen])
    error = halves.placed[np.ix_(heard, maps)]
    spread = error - error.mean(0)
    error = error - means[seen[heard]]
    with np.errstate(invalid="ignore", divide="ignore"):
        explained = 1 - np.square(error).sum(0) / np.square(spread).sum(0)
    if fact.kind == "yes_no":
        return _yes_or_no(seen, halves, maps, explained, means[1] >= means[0], interval)
    z = np.sqrt(np.maximum(np.nan_to_num(explained), 0) * max(0, heard.size - 1))
    low = high = np.full(len(maps), np.nan)
    if interval:
        low, high = interval_of(error, spread, halves.groups[~halves.choosing][heard])
    return Scores(explained, z, explained, _rises(means, learnt), low, high)


def within(fact: Fact, other: Fact, halves: Halves, maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The score of a fact among clips that are alike in another, and its deviations of chance.

    Of a yes or no, pairs of clips in one cell of the other fact alone are compared. Of a number or a value it is the
    squared correlation of what it predicts with the ranks, both less their means in the cells of the other fact.

    Returns
    -------
    score, z : ndarray, (map,)
        NaN where clips that are alike in the other hardly differ in the fact.
    """
    chosen = cells_of(fact, halves.choosing)
    learnt, seen = chosen[halves.choosing], chosen[~halves.choosing]
    strata = cells_of(other, halves.choosing, fine=True)[~halves.choosing]
    means = _means(learnt, halves.first[:, maps])
    if fact.kind == "yes_no":
        return _among_like(seen, strata, halves.second[:, maps], means[1] >= means[0])
    heard = np.flatnonzero((seen >= 0) & (strata >= 0) & np.isfinite(means).all(1)[seen])
    told = _less_means(means[seen[heard]], strata[heard])
    found = _less_means(halves.placed[np.ix_(heard, maps)], strata[heard])
    free = heard.size - np.unique(strata[heard]).size - 1
    whole = means[seen[heard]] - means[seen[heard]].mean(0)
    enough = np.square(told).sum(0) > _LEFT * np.square(whole).sum(0)
    sizes = np.sqrt(np.square(told).sum(0) * np.square(found).sum(0))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.where(enough & (sizes > 1e-12), (told * found).sum(0) / sizes, np.nan)
    correlation = np.where(correlation < 0, 0.0, correlation)
    return correlation**2, correlation * math.sqrt(max(0, free))


def auc_at(z: float, fact: Fact, choosing: np.ndarray) -> float:
    """The score that is as many deviations above chance, or 1."""
    known = fact.known & ~choosing
    if fact.kind == "yes_no":
        having = int((fact.values[known] == 1).sum())
        return min(1.0, 0.5 + z * _deviation(having, int(known.sum()) - having))
    return min(1.0, z**2 / max(1, int(known.sum()) - 1))


def newcombe(area: np.ndarray, having: int, lacking: int, quantile: float = 1.959964) -> tuple[np.ndarray, np.ndarray]:
    r"""The 95 % interval of an area under the ROC curve, which has a width also where it is 1.

    Notes
    -----
    Method 5 of Newcombe (Statistics in Medicine 25, 559-573, 2006): the areas :math:`\theta` with
    :math:`|A - \theta| \le z \sqrt{\theta (1 - \theta) (1 + N (\frac{1 - \theta}{2 - \theta} +
    \frac{\theta}{1 + \theta})) / (m n)}`, :math:`N = (m + n) / 2 - 1`.

    Examples
    --------
    >>> low, high = newcombe(np.array([1.0, 0.8]), 20, 180)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.945, 0.677], [1.0, 0.881])
    """
    half = (having + lacking) / 2 - 1

    def beyond(theta: np.ndarray) -> np.ndarray:
        spread = theta * (1 - theta) * (1 + half * ((1 - theta) / (2 - theta) + theta / (1 + theta)))
        found: np.ndarray = np.abs(area - theta) > quantile * np.sqrt(np.maximum(spread, 0) / (having * lacking))
        return found

    bounds = []
    for end in (0.0, 1.0):
        inside, outside = area.astype(float), np.full(len(area), end)
        for _ in range(40):
            middle = (inside + outside) / 2
            out = beyond(middle)
            inside, outside = np.where(out, inside, middle), np.where(out, middle, outside)
        bounds.append(inside)
    return bounds[0], bounds[1]


def _yes_or_no(
    seen: np.ndarray, halves: Halves, maps: np.ndarray, explained: np.ndarray, more: np.ndarray, interval: bool
) -> Scores:
    yes, no = seen == 1, seen == 0
    having, lacking = int(yes.sum()), int(no.sum())
    values = halves.second[:, maps]
    ranks = (values * len(values) + 0.5) if having + lacking == len(seen) else _ranks(values[yes | no])
    sums = ranks[yes if having + lacking == len(seen) else yes[yes | no]].sum(0)
    area = (sums - having * (having + 1) / 2) / (having * lacking)
    area = np.where(more, area, 1 - area)
    low = high = np.full(len(maps), np.nan)
    if interval:
        groups = halves.groups[~halves.choosing]
        low, high = newcombe(area, *(np.unique(groups[one]).size for one in (yes, no)))
    return Scores(area, (area - 0.5) / _deviation(having, lacking), explained, more, low, high)


def _among_like(
    seen: np.ndarray, strata: np.ndarray, values: np.ndarray, more: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    pairs, above, variance, left = 0, np.zeros(values.shape[1]), 0.0, 0.0
    for cell in range(strata.max() + 1):
        yes, no = (strata == cell) & (seen == 1), (strata == cell) & (seen == 0)
        having, lacking = int(yes.sum()), int(no.sum())
        if not having or not lacking:
            continue
        ranks = _ranks(values[yes | no])
        above += ranks[yes[yes | no]].sum(0) - having * (having + 1) / 2
        pairs += having * lacking
        variance += having * lacking * (having + lacking + 1) / 12
        left += having * lacking / (having + lacking)
    having, lacking = int((seen == 1).sum()), int((seen == 0).sum())
    if left <= _LEFT * having * lacking / (having + lacking):
        return (np.full(values.shape[1], np.nan),) * 2
    area = above / pairs
    area = np.where(more, area, 1 - area)
    return area, (area - 0.5) * pairs / math.sqrt(variance)


def _ranks(values: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    ranks: np.ndarray = rankdata(values, axis=0)
    return ranks


def _means(cells: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Means over the clips of each cell, (cell, map); NaN where a cell is empty."""
    members = np.array([cells == cell for cell in range(max(1, cells.max()) + 1)], dtype=float)
    with np.errstate(invalid="ignore"):
        found: np.ndarray = members @ values / members.sum(1, keepdims=True)
    return found


def _less_means(values: np.ndarray, strata: np.ndarray) -> np.ndarray:
    found: np.ndarray = values - _means(strata, values)[strata]
    return found


def _rises(means: np.ndarray, cells: np.ndarray) -> np.ndarray:
    counts = np.bincount(cells[cells >= 0], minlength=len(means))[:, None]
    place = np.arange(len(means))[:, None] - (counts * np.arange(len(means))[:, None]).sum() / counts.sum()
    found: np.ndarray = (counts * place * np.nan_to_num(means)).sum(0) >= 0
    return found


def _deviation(having: int, lacking: int) -> float:
    return math.sqrt((having + lacking + 1) / (12 * having * lacking)) if having and lacking else math.inf


def interval_of(error: np.ndarray, spread: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % interval of R2 by what each group has of the two sums of squares, on a scale without an end below."""
    from scipy.stats import t

    _, place = np.unique(groups, return_inverse=True)
    count = int(place.max()) + 1 if place.size else 0
    if count < 2:
        return (np.full(error.shape[1], np.nan),) * 2
    members = np.zeros((count, len(place)))
    members[place, np.arange(len(place))] = 1
    wrong, whole = members @ error**2, members @ spread**2
    with np.errstate(invalid="ignore", divide="ignore"):
        left = wrong.sum(0) / whole.sum(0)
        apart = np.where(left > 0, wrong / wrong.sum(0), 0) - whole / whole.sum(0)
        wide = t.ppf(0.975, count - 1) * np.sqrt(count / (count - 1) * np.square(apart).sum(0))
        return 1 - left * np.exp(wide), 1 - left * np.exp(-wide)
