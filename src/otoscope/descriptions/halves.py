"""Clips in two halves: on one a fact is chosen, on the other it is scored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from otoscope.errors import InputError


def groups_of(*keys: Sequence[Any]) -> np.ndarray:
    """Numbers of groups of clips that have to stay together: those that share a value of any of some keys.

    Parameters
    ----------
    *keys : sequence, (clip,)
        Such as recordings and speakers; None where a clip has no such value, and shares none.

    Returns
    -------
    ndarray of int, (clip,)

    Examples
    --------
    >>> groups_of(["a", "a", "b", "c", None], ["x", "y", "y", None, None]).tolist()
    [0, 0, 0, 1, 2]
    """
    parent = list(range(len(keys[0])))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for key in keys:
        first: dict[Any, int] = {}
        for place, value in enumerate(key):
            if value is not None and value == value and value != "":
                parent[root(place)] = root(first.setdefault(value, place))
    roots = [root(place) for place in range(len(parent))]
    number = {one: n for n, one in enumerate(dict.fromkeys(roots))}
    return np.array([number[one] for one in roots], dtype=int)


def halves(groups: np.ndarray, seed: int) -> np.ndarray:
    """Draw the half on which facts are chosen: whole groups, about half of the clips.

    Parameters
    ----------
    groups : ndarray of int, (clip,)
    seed : int

    Returns
    -------
    ndarray of bool, (clip,)

    Raises
    ------
    InputError
        If there is a single group.

    Examples
    --------
    >>> halves(np.array([0, 0, 1, 1, 2, 2, 3, 3]), seed=0).sum()
    np.int64(4)
    """
    sizes = np.bincount(groups)
    if len(sizes) < 2:
        raise InputError("all clips stay together, so that there are no two halves: give other facts to --together")
    order = np.random.default_rng(seed).permutation(len(sizes))
    first = np.zeros(len(sizes), dtype=bool)
    filled, total = 0, len(groups)
    for group in order:
        if filled + sizes[group] / 2 <= total / 2:  # whichever is nearer to a half
            first[group] = True
            filled += int(sizes[group])
    if not first.any() or first.all():  # as where one group is nearly all
        first[:] = False
        first[np.argmax(sizes)] = True
    chosen: np.ndarray = first[groups]
    return chosen


def shuffled(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An order of clips in which groups are shuffled, and the clips of each follow one another from any of them on.

    Where groups are of one size, another one takes the place of each, as facts that have nothing to do with a map
    would lie over its clips; and what comes in every group, such as the segments of one label, does not meet itself.

    Examples
    --------
    >>> order = shuffled(np.array([0, 0, 0, 1, 1, 1]), np.random.default_rng(0))
    >>> sorted(order.tolist()), sorted(order[:3].tolist()) in ([0, 1, 2], [3, 4, 5])
    ([0, 1, 2, 3, 4, 5], True)
    """
    sizes = np.bincount(groups)
    place = rng.permutation(len(sizes))
    lined_up = np.argsort(groups, kind="stable")
    if sizes.max() > 1:
        within = np.arange(len(groups)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        turned = (within + np.repeat(rng.integers(np.maximum(sizes, 1)), sizes)) % np.repeat(sizes, sizes)
        moved = lined_up[np.lexsort((turned, place[groups[lined_up]]))]
    else:
        moved = lined_up[np.argsort(place[groups[lined_up]], kind="stable")]
    order = np.empty(len(groups), dtype=int)
    order[lined_up] = moved
    return order
