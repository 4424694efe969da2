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
    """Of each clip the clip whose facts it gets where those of whole groups change places.

    A group gets the facts of another one, in their order, from any of them on; of a larger one it gets as many as it
    has clips, and those of a smaller one come again and again. So facts that are one for a group stay so, and what
    clips of a group have in common neither becomes more nor less, whatever the sizes of groups are. What comes in every
    group, such as the segments of one label, does not meet itself.

    Examples
    --------
    >>> groups = np.array([0, 0, 0, 1, 1, 2])
    >>> of = shuffled(groups, np.random.default_rng(0))
    >>> groups[of].tolist()  # the facts of group 2 for group 0, and so on
    [2, 2, 2, 0, 0, 1]
    """
    sizes = np.bincount(groups)
    lined_up = np.argsort(groups, kind="stable")
    starts = np.cumsum(sizes) - sizes
    other = rng.permutation(len(sizes))
    begin = rng.integers(np.maximum(sizes[other], 1))
    target = groups[lined_up]
    within = np.arange(len(groups)) - starts[target]
    given = other[target]
    source = np.empty(len(groups), dtype=int)
    source[lined_up] = lined_up[starts[given] + (within + begin[target]) % sizes[given]]
    return source
