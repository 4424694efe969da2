"""Pairs of models on a page: how alike what they hear is."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import xarray as xr

from otoscope.app.calls import call_of
from otoscope.app.found import Found
from otoscope.app.numbers import number
from otoscope.app.opened import opened_together
from otoscope.trust.pair_words import pair_block

_MEASURES = {
    "spectrum_cosine": "spectrum_cosine",
    "overlap": "band_overlap",
    "rank_correlation": "band_rank_correlation",
    "crs_cosine": "crs_cosine",
}


def pair_entries(
    result: xr.Dataset, founds: Mapping[str, Found], likeness: Mapping[tuple[int, int], Mapping[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """What a page holds of each pair.

    Parameters
    ----------
    result : Dataset
        What :func:`otoscope.compare` returned.
    founds : mapping of str to Found
        Its models, by the identifiers that they have on the page.
    likeness : mapping of (int, int), optional
        Of pairs by the numbers of their models, `r`, `random` (one number for each pair of random networks), `rule` and
        `notes`.
    """
    entries, names, models = [], list(founds), list(founds.values())
    for i, j in itertools.combinations(range(len(names)), 2):
        entry: dict[str, Any] = {"a": names[i], "b": names[j], "call": call_of(result)}
        entry["opened"] = opened_together([models[i], models[j]])
        entry |= {name: _of_pair(result, of, i, j) for name, of in _MEASURES.items()}
        if "relevance_peak" in result:
            entry["peak"] = [number(result["relevance_peak"].values[k], 4) for k in (i, j)]
        if likeness is not None and (i, j) in likeness:
            entry |= _of_maps(likeness[i, j])
        entries.append(entry)
    return entries


def _of_pair(result: xr.Dataset, name: str, i: int, j: int) -> float | None:
    return number(result[name].values[i, j], 4) if name in result else None


def _of_maps(found: Mapping[str, Any]) -> dict[str, Any]:
    """The likeness of two maps, and what it says beside that of random networks, by the rule of the maps."""
    entry: dict[str, Any] = {"rule": str(found["rule"]), "r": number(found["r"], 4)}
    entry["trust"] = pair_block(found["r"], found["random"], found["rule"])
    if found.get("notes"):
        entry["note"] = "; ".join(found["notes"])
    return entry
