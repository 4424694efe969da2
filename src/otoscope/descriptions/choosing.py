"""How much of what a map does each fact explains, on the half of the clips on which facts are chosen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otoscope.descriptions.facts import Fact

SIMPLER = 0.9
"""The share of what all values of a fact explain that a single one has to explain alone to be named instead."""


def ranks_of(values: np.ndarray) -> np.ndarray:
    """Ranks of each map's clips from 0 to 1, the mean of equal ones, (clip, map).

    Examples
    --------
    >>> ranks_of(np.array([[5.0], [0.0], [0.0], [9.0]])).ravel().tolist()
    [0.625, 0.25, 0.25, 0.875]
    """
    from scipy.stats import rankdata

    ranks: np.ndarray = (rankdata(values, axis=0) - 0.5) / len(values)
    return ranks


def places_of(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Where values lie among others of the same map, from 0 to 1, as those are ranked by :func:`ranks_of`.

    Parameters
    ----------
    values, among : ndarray, (clip, map)

    Examples
    --------
    >>> places_of(np.array([[0.0], [7.0]]), np.array([[5.0], [0.0], [0.0], [9.0]])).ravel().tolist()
    [0.25, 0.75]
    """
    found = np.empty(values.shape)
    for number, own in enumerate(np.sort(among, axis=0).T):
        wanted = values[:, number]
        found[:, number] = (np.searchsorted(own, wanted, "left") + np.searchsorted(own, wanted, "right")) / 2
    return found / len(among)


class Choice:
    """Facts laid out so that all of them are tried on all maps by one product of matrices.

    Parameters
    ----------
    facts : sequence of Fact
    cells : sequence of ndarray of int, (clip,)
        Of each fact, on the half; -1 where it is not known.

    Notes
    -----
    A fact explains of a map the variance of the means of its cells, over the clips of which it is known, as a share of
    the variance of the ranks of all clips. Of it :math:`(k - 1) / (n - 1)` is taken off, what k cells of n clips
    explain of noise. If a map depends on one fact and on another through that alone, the other explains no more:
    variance explained can only be lost on the way. So the largest share names the nearest of the causes asked about.
    """

    def __init__(self, facts: Sequence[Fact], cells: Sequence[np.ndarray]) -> None:
        self.facts = facts
        rows: list[np.ndarray] = []
        self._starts: list[int] = []
        for own in cells:
            self._starts.append(len(rows))
            rows += [own == cell for cell in range(own.max() + 1) if (own == cell).any()]
        self._members = np.array(rows, dtype=np.float32)
        self._counts = self._members.sum(1, dtype=float)[:, None]
        self._known = np.add.reduceat(self._counts, self._starts)
        sizes = np.diff([*self._starts, len(rows)])[:, None]
        self._of_noise = (sizes - 1) / max(1, len(cells[0]) - 1)
        columns = list(dict.fromkeys(fact.column for fact in facts))
        self._column = np.array([columns.index(fact.column) for fact in facts])
        self._whole = np.array([fact.kind == "values" for fact in facts])

    def explained(self, ranks: np.ndarray) -> np.ndarray:
        """The share of the variance of each map that each fact explains, (fact, map).

        Parameters
        ----------
        ranks : ndarray, (clip, map)
        """
        centred = (ranks - ranks.mean(0)).astype(np.float32)
        whole = np.square(centred, dtype=float).sum(0)
        sums = (self._members @ centred).astype(float)
        within = np.add.reduceat(sums**2 / self._counts, self._starts)
        mean = np.add.reduceat(sums, self._starts) ** 2 / self._known
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(whole > 0, (within - mean) / whole, 0.0)
        return share - self._of_noise

    def best(self, explained: np.ndarray, without: np.ndarray | None = None) -> np.ndarray:
        """The fact that explains most of each map, int (map,).

        A single value is named instead of all values of a fact where it explains nine tenths of what they do.

        Parameters
        ----------
        explained : ndarray, (fact, map)
        without : ndarray of int, (map,), optional
            Facts whose column is left out; -1 in the answer where no other is left.
        """
        maps = np.arange(explained.shape[1])
        tried = explained.copy()
        if without is not None:
            tried[self._column[:, None] == self._column[without][None]] = -np.inf
        first = tried.argmax(0)
        most = tried[first, maps]
        single = np.where((self._column[:, None] == self._column[first][None]) & ~self._whole[:, None], tried, -np.inf)
        simple = single.argmax(0)
        enough = single[simple, maps] >= SIMPLER * most
        chosen = np.where(self._whole[first] & enough, simple, first)
        found: np.ndarray = np.where(np.isfinite(most), chosen, -1)
        return found
