"""The maps of a sweep: what each does over all clips, in which of them, and for which values of their facts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from otoscope.app.run_facts import Facts, Names
from otoscope.runs import questions
from otoscope.runs.layers import in_order
from otoscope.runs.run import Run

if TYPE_CHECKING:
    import pandas as pd

QUANTILES = 21
"""How many quantiles over the clips a map has, from the smallest to the largest."""


FEWEST = 8
"""Clips that drive a map of which it is said to what it answers."""


@dataclass(frozen=True)
class Layer:
    """A layer of a sweep: its name, the place of its first map among all, and the numbers of its maps."""

    name: str
    first: int
    channels: np.ndarray


class Maps:
    """The maps of a sweep of ``activations``, layer by layer; activity is the RMS of a map in a clip.

    Parameters
    ----------
    run : Run
    facts : Facts
        Of its clips.
    top : int
        How many clips each map has that drive it most.

    Raises
    ------
    InputError
        If the run holds no activations.
    """

    def __init__(self, run: Run, facts: Facts, *, top: int) -> None:
        self._run, self._facts, self._top_count = run, facts, top
        self.tops = lru_cache(maxsize=64)(self._tops)

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a map: layer, channel, activity (its mean over clips), largest_rms, active (share of clips), dead."""
        where, values = questions.maps_of(self._run, None, None)
        means = self._run.sql(
            f"SELECT layer, channel, avg(value) AS activity FROM rows WHERE {where} AND variable = 'rms' "
            "GROUP BY layer, channel",
            values,
        )
        found = questions.dead(self._run).merge(means, on=["layer", "channel"])
        order = sorted(range(len(found)), key=lambda row: (in_order(found["layer"][row]), found["channel"][row]))
        return found.iloc[order].reset_index(drop=True)

    @cached_property
    def layers(self) -> list[Layer]:
        found, first = [], 0
        for name, group in self.table.groupby("layer", sort=False):
            found.append(Layer(str(name), first, group["channel"].to_numpy()))
            first += len(group)
        return found

    def places(self) -> dict[tuple[str, int], int]:
        """The place of each layer and channel among all maps."""
        return {
            (layer.name, int(channel)): layer.first + number
            for layer in self.layers
            for number, channel in enumerate(layer.channels)
        }

    @cached_property
    def divided(self) -> dict[str, np.ndarray]:
        """The mean activity of each map (map, value) for each value of every fact that divides the clips."""
        return {fact.name: self._means(fact) for fact in self._facts.by_name if fact.divides}

    def quantiles(self, layer: Layer, channels: np.ndarray) -> np.ndarray:
        """Quantiles of the activity of some maps of a layer over the clips (map, quantile)."""
        steps = ", ".join(f"{step / (QUANTILES - 1):.6f}" for step in range(QUANTILES))
        found = self._run.sql(
            f"SELECT channel, quantile_cont(value, [{steps}]) AS q FROM rows WHERE method = 'activations' AND "
            "variable = 'rms' AND layer = ? AND channel BETWEEN ? AND ? AND value IS NOT NULL GROUP BY channel",
            [layer.name, int(channels.min()), int(channels.max())],
        ).set_index("channel")["q"]
        none = np.full(QUANTILES, np.nan)
        return np.stack([np.asarray(found[channel]) if channel in found.index else none for channel in channels])

    def _tops(self, layer: str) -> pd.DataFrame:
        """The clips that drive each map of a layer most: channel, rank, value, peak_time, clip."""
        found = questions.top(self._run, layer=layer, k=self._top_count)
        return found[["channel", "rank", "value", "peak_time", "clip"]]

    def _means(self, fact: Names) -> np.ndarray:
        import pandas

        codes = pandas.Series(fact.codes, index=self._facts.clips)
        means = np.full((len(self.table), len(fact.values)), np.nan)
        for layer in self.layers:
            found = self._run.sql(
                "SELECT channel, clip, value FROM rows WHERE method = 'activations' AND variable = 'rms' AND layer = ? "
                "AND value IS NOT NULL",
                [layer.name],
            )
            code = codes.reindex(found["clip"]).to_numpy()
            place = np.searchsorted(layer.channels, found["channel"].to_numpy())
            known = code >= 0
            at = place[known] * len(fact.values) + code[known].astype(int)
            size = len(layer.channels) * len(fact.values)
            sums = np.bincount(at, found["value"].to_numpy()[known], size)
            with np.errstate(invalid="ignore"):
                mean = sums / np.bincount(at, minlength=size)
            means[layer.first : layer.first + len(layer.channels)] = mean.reshape(len(layer.channels), -1)
        return means


def selectivity(means: np.ndarray, clips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far each map answers to one value of a fact alone, and to which.

    Parameters
    ----------
    means : ndarray (map, value)
        Mean activity, which is not negative, of each map for each value; NaN of a value that no clip has.
    clips : ndarray (map,)
        In how many clips each map is active.

    Returns
    -------
    index : ndarray (map,)
        From 0, where the activity is the same for all values, to 1, where it is 0 for all but one; NaN of a map that
        fewer than :data:`FEWEST` clips drive, which always answers to few values.
    preferred : ndarray of int (map,)
        The value with the largest mean; -1 where the index is NaN.

    Notes
    -----
    The class selectivity index of Morcos et al., "On the importance of single directions for generalization" (2018):
    (m - r) / (m + r), where m is the largest mean and r the mean of the means of the other values.

    Examples
    --------
    >>> selectivity(np.array([[3.0, 1.0, 1.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.1]]), np.array([24, 8, 1]))
    (array([0.5, 1. , nan]), array([ 0,  1, -1]))
    """
    filled = np.where(np.isnan(means), -np.inf, means)
    preferred = filled.argmax(1)
    most = np.take_along_axis(filled, preferred[:, None], 1)[:, 0]
    count = np.isfinite(filled).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = (np.where(np.isfinite(filled), filled, 0.0).sum(1) - most) / (count - 1)
        index = (most - rest) / (most + rest)
    known = np.isfinite(index) & (clips >= FEWEST)
    return np.where(known, index, np.nan), np.where(known, preferred, -1)


def drives(maps: Maps, clips: np.ndarray) -> dict[str, Any]:
    """Of each clip the maps that it drives most.

    Returns
    -------
    dict
        `first` (clip + 1,), where the maps of each clip begin, and of each `map` its place among all, and its `rank`
        among the clips of the map; those of a clip with the lowest ranks first.
    """
    places = maps.places()
    rows: list[np.ndarray] = []
    for layer in maps.layers:
        top = maps.tops(layer.name)
        place = np.array([places[layer.name, channel] for channel in top["channel"]], dtype=int)
        rows.append(np.stack([top["clip"].to_numpy(), top["rank"].to_numpy(), place]))
    found = np.concatenate(rows, axis=1) if rows else np.zeros((3, 0), int)
    found = found[:, np.lexsort(found[::-1])]
    first = np.searchsorted(found[0], clips)
    return {"first": np.append(first, found.shape[1]), "map": found[2], "rank": found[1]}
