"""Feature maps on a page: at their own rate, as sounds, and as small pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from otoscope.app.budget import Budget, heard_of
from otoscope.app.calls import call_of
from otoscope.app.found import Found
from otoscope.app.numbers import number
from otoscope.app.packing import Part
from otoscope.app.recording import sized
from otoscope.app.spectrogram import Grid
from otoscope.probe import Tap

_BITS = 11
_THUMB = (24, 48)
_LOWEST = 50.0  # Hz


def map_entries(
    found: Found, grid: Grid, picture: np.ndarray, names: dict[str, str], budget: Budget, share: float = 1.0
) -> dict[str, dict[str, Any]]:
    """What a page holds of each layer that was sonified; of every layer the most active maps first, as there is room.

    Parameters
    ----------
    found : Found
    grid : Grid
        Of the sound.
    picture : ndarray, (frequency, frame)
        Its magnitudes there.
    names : dict of str to str
        The part of each layer.
    budget : Budget
    share : float
        Of its room, up to which maps are added.
    """
    sounds: dict[str, xr.Dataset] = found.results.get("sonify", {})
    assert found.taps is not None or not sounds
    entries: dict[str, dict[str, Any]] = {}
    waiting: dict[str, Iterator[dict[str, Any]]] = {}
    for layer, one in sounds.items():
        assert found.taps is not None
        part, tap = budget.parts[names[layer]], found.taps[layer]
        entries[layer] = _layer(one, tap, names[layer], grid)
        random = found.random_sounds.get(layer)
        waiting[layer] = _items(one, random, found.maps.get(layer), part, grid, picture)
    needs = {layer: _most(grid.samples, found.maps.get(layer)) for layer in waiting}  # of the next map of each
    while waiting:
        for layer in list(waiting):
            before = budget.parts.size
            item = next(waiting[layer], None) if budget.has_room(needs[layer], share) else None
            if item is None:
                del waiting[layer]
                continue
            entries[layer]["items"].append(item)
            if "at" in item["sound"]:
                needs[layer] = budget.parts.size - before
    for layer, entry in entries.items():
        count, here = sounds[layer].sizes["channel"], len(entry["items"])
        entry["complete"] = here == entry["of"]
        entry["left_out"] = entry["of"] - here
        if here < count:
            budget.leave_out(f"{count - here} of the {count} maps of {layer} that were made into sound")
    return {layer: entry for layer, entry in entries.items() if entry["items"]}


def _most(samples: int, maps: np.ndarray | None) -> int:
    """Bytes in base64 that one map would take, were it not deflated."""
    return heard_of(samples) * _BITS // 6 + (0 if maps is None else maps.shape[-1] * 4 // 3)


def _layer(found: xr.Dataset, tap: Tap, part: str, grid: Grid) -> dict[str, Any]:
    timed = tap.time_axis is not None and tap.hop > 0
    call = call_of(found)
    for name in ("channels", "n_maps"):  # the page asks for the map that is copied
        call["arguments"].pop(name, None)
    return {
        "part": part,
        "total": tap.channels,
        "of": tap.channels,
        "items": [],
        "hop": number(tap.hop, 9) if timed else None,
        "centre": number(tap.centre, 9) if timed else None,
        "field": tap.receptive_field,
        "sounds": min(found.sizes["time"], grid.samples),
        "cropped": found.sizes["time"] > grid.samples,
        "call": call,
    }


def _items(
    found: xr.Dataset,
    random: xr.Dataset | None,
    maps: np.ndarray | None,
    part: Part,
    grid: Grid,
    picture: np.ndarray,
) -> Iterator[dict[str, Any]]:
    """Each map of a sonification, packed when it is asked for."""
    for place, channel in enumerate(found["channel"].values.tolist()):
        one = found.isel(channel=place)
        sound = _heard(one, grid)
        item: dict[str, Any] = {
            "channel": int(channel),
            "activity": number(one["activity"].item(), 4),
            "peak_time": number(one["peak_time"].item(), 4),
            "peak_frequency": number(one["peak_frequency"].item(), 4),
            "sound": part.sound(sound[: heard_of(sound.size)], _BITS),
            "r_sound": None,
            "r_twin_sound": None,
            "twin_silent": False,
        }
        if sound.any():
            cells = grid.magnitudes(sized(sound.astype(np.float64), grid.samples))
            item["thumb"] = part.db(_thumb(cells, grid), floor=50.0)
            item["r_sound"] = number(likeness(cells, picture), 3)
            twin = None if random is None else _heard(random.isel(channel=place), grid)
            item["twin_silent"] = twin is not None and not twin.any()
            if twin is not None and twin.any():
                of_twin = grid.magnitudes(sized(twin.astype(np.float64), grid.samples))
                item["r_twin_sound"] = number(likeness(of_twin, picture), 3)
        if maps is not None:
            item["map"] = part.map(maps[place])
        yield item


def _heard(found: xr.Dataset, grid: Grid) -> np.ndarray:
    """The sound of one map, (time,)."""
    sound = found["sonification"]
    return np.asarray((sound.mean("input_channel") if "input_channel" in sound.dims else sound).values[: grid.samples])


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's correlation of two pictures over all their cells; NaN where one of them is even."""
    a, b = one.ravel() - one.mean(), other.ravel() - other.mean()
    norms = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / norms) if norms > 0 else math.nan


def _thumb(cells: np.ndarray, grid: Grid) -> np.ndarray:
    """A picture of 24 rows on the mel scale and 48 columns."""
    rows, columns = _THUMB
    edges = np.linspace(0, cells.shape[1], columns + 1).astype(int)
    power = np.concatenate([np.zeros((len(cells), 1)), np.cumsum(cells**2, axis=1)], axis=1)
    stops = np.maximum(edges[1:], edges[:-1] + 1).clip(max=cells.shape[1])
    starts = np.minimum(edges[:-1], stops - 1)
    column = np.sqrt(np.maximum(power[:, stops] - power[:, starts], 0) / (stops - starts))
    top = grid.rate / 2
    lowest = min(_LOWEST, top / 2)
    mels = np.linspace(np.log1p(lowest / 700), np.log1p(top / 700), rows)
    wanted = 700 * np.expm1(mels)
    return np.stack([np.interp(wanted, grid.frequencies, one) for one in column.T], axis=1)
