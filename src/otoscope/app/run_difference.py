"""How the maps of a run differ from those of another, clip by clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from otoscope.app.run_maps import Maps
from otoscope.app.run_parts import rounded
from otoscope.app.run_tables import table_of
from otoscope.errors import InputError
from otoscope.runs.between import diff, maps_between, unpaired
from otoscope.runs.run import Run
from otoscope.text import writable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Difference:
    """A run less another.

    Attributes
    ----------
    table : DataFrame or None
        A row a map of the first: `difference` of its activity with `p_value`, the `correlation` of both over the clips,
        `first` and `second`, and `other`, the place of the map in the second run (-1 where it has none).
    layers : list of dict
        Of each layer that both have: its name, `maps`, the median `difference` relative to the activity in the first,
        the median `correlation`, and how many maps `died` or `woke`.
    clips : int
        That both have.
    rows : dict or None
        Of evaluations, and of sweeps without maps, the table of the command ``otoscope diff``.
    notes : list of str
        What only one of them has.
    """

    table: pd.DataFrame | None = None
    layers: list[dict[str, Any]] = field(default_factory=list)
    clips: int = 0
    rows: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)


def difference(
    first: Run,
    second: Run,
    maps: Maps | None,
    others: Maps | None,
    progress: Callable[[int, int], None] | None = None,
) -> Difference:
    """Compare two runs as far as they have clips, layers and methods in common; what they have not is a note."""
    if first.kind != second.kind:
        return Difference(notes=[f"one of them is a {first.kind} and the other a {second.kind}"])
    notes = [writable(one) for one in unpaired(first, second)]
    if maps is None or others is None:
        try:
            return Difference(rows=table_of(diff(first, second), "difference"), notes=notes)
        except InputError as error:
            return Difference(notes=[*notes, writable(str(error))])
    names = {layer.name for layer in others.layers}
    common = [layer for layer in maps.layers if layer.name in names]
    if not common:
        return Difference(notes=[*notes, "they have no layer in common: maps are paired by layer and number"])
    return _of_maps(first, second, maps, others, [layer.name for layer in common], notes, progress)


def _of_maps(
    first: Run,
    second: Run,
    maps: Maps,
    others: Maps,
    names: list[str],
    notes: list[str],
    progress: Callable[[int, int], None] | None,
) -> Difference:
    import pandas

    places, place_of = maps.places(), others.places()
    columns = {name: np.full(len(maps.table), np.nan) for name in _COLUMNS}
    columns["other"] = np.array([place_of.get(place, -1) for place in places])
    layers, clips = [], 0
    for number, name in enumerate(names):
        if progress is not None:
            progress(number, len(names))
        try:
            found = maps_between(first, second, name)
        except InputError as error:
            return Difference(notes=[*notes, writable(str(error))])
        at = [places[name, int(channel)] for channel in found["channel"]]
        for column in _COLUMNS:
            columns[column][at] = found[column]
        clips = int(found["clips"].max())
        layers.append(_of_layer(name, found))
    return Difference(pandas.DataFrame(columns), layers, clips, None, notes)


_COLUMNS = ("difference", "p_value", "correlation", "first", "second")


def _of_layer(name: str, found: pd.DataFrame) -> dict[str, Any]:
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.where(found["first"] > 0, found["difference"] / found["first"], np.nan)
    both = (relative, found["correlation"])
    medians = [float(np.nanmedian(one)) if np.isfinite(one).any() else np.nan for one in both]
    change, correlation = rounded(medians)
    died = int(((found["first"] > 0) & (found["second"] == 0)).sum())
    woke = int(((found["first"] == 0) & (found["second"] > 0)).sum())
    content: dict[str, Any] = {"name": writable(name), "maps": len(found), "change": change}
    return content | {"correlation": correlation, "died": died, "woke": woke}
