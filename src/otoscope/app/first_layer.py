"""The first layer on a page: its kernels, their responses, and what they respond to in the sound."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from otoscope.app.numbers import number, numbers
from otoscope.app.packing import Part
from otoscope.app.spectrogram import WINDOW, Grid

_MOST_WEIGHTS = 2**16  # of all kernels together
_MOST_BINS = 257  # of a response
_MOST_CELLS = (128, 160)  # of the Wigner-Ville distribution, over frequency and time
_BITS = 12


def first_entry(results: Mapping[str, Any], grid: Grid, part: Part) -> dict[str, Any] | None:
    """What a page holds of the first layer, its arrays in a part; None where its kernels are not known.

    Parameters
    ----------
    results : mapping of str
        With `filters`; `strs`, `crs` and `wigner` where they are known.
    grid : Grid
        Of the sound.
    part : Part
    """
    filters = results.get("filters")
    if filters is None:
        return None
    weight, order = filters["weight"].values, filters["order"].values
    chosen = _chosen(order, weight.shape[1])
    rank = {int(kernel): place for place, kernel in enumerate(order)}
    magnitude = halved(filters["magnitude"].values, axis=1)
    entry: dict[str, Any] = {
        "layer": json.loads(filters.attrs["arguments"])["layer"],
        "n": chosen.size,
        "lags": weight.shape[1],
        "rate": number(2 * float(filters["frequency"][-1])),
        "n_fft": json.loads(filters.attrs["arguments"])["n_fft"],
        "weight": part.sound(weight[chosen].ravel(), _BITS),
        "order": np.argsort([rank[int(kernel)] for kernel in chosen]).tolist(),
        "centre": numbers(filters["centre_frequency"].values[chosen]),
        "bandwidth": numbers(filters["bandwidth"].values[chosen]),
        "own": numbers(magnitude[chosen].max(1)),
        "cumulative": numbers(halved(filters["cumulative_response"].values)),
    }
    entry["magnitude"] = part.db(magnitude[chosen][entry["order"]], floor=40.0)
    if chosen.size < len(weight):
        entry |= {"numbers": chosen.tolist(), "of": len(weight)}
    if (reads := str(filters.attrs.get("reads", "the waveform"))) != "the waveform":
        entry["reads"] = reads
    if "strs" in results:
        entry |= _strs(results["strs"], grid, part)
    if "crs" in results:
        entry["crs"] = numbers(halved(results["crs"]["crs"].values))
    if "wigner" in results:
        entry |= _wigner(results["wigner"], part)
    return entry


def halved(response: np.ndarray, axis: int = 0) -> np.ndarray:
    """A response with as few frequencies as can be seen, from 0 to half the rate: means over neighbours, halved."""
    response = np.moveaxis(response, axis, 0)
    while len(response) > _MOST_BINS and len(response) % 2:
        smooth = response.copy()
        smooth[1:-1] = (response[:-2] + 2 * response[1:-1] + response[2:]) / 4
        response = smooth[::2]
    return np.moveaxis(response, 0, axis)


def _chosen(order: np.ndarray, lags: int) -> np.ndarray:
    """The numbers of as many kernels as a page holds, evenly along their order."""
    most = max(1, _MOST_WEIGHTS // lags)
    if order.size <= most:
        return np.arange(order.size)
    return np.sort(order[np.linspace(0, order.size - 1, most).round().astype(int)])


def _strs(found: xr.Dataset, grid: Grid, part: Part) -> dict[str, Any]:
    """Response spectra in the frames of the sound, each a mean over a window: short kernels follow every pulse."""
    times = found["time"].values
    step = float(times[1] - times[0]) if times.size > 1 else grid.hop
    inside = max(1, int(np.searchsorted(times, grid.samples / grid.rate)))
    spectra = halved(found["strs"].values[:, :inside].astype(np.float64))
    width = round(WINDOW / step)
    entry: dict[str, Any] = {}
    if width > 2:
        window = np.hanning(width + 2)[1:-1]
        weight = np.convolve(np.ones(inside), window, "same")
        spectra = np.stack([np.convolve(row, window, "same")[:inside] for row in spectra]) / weight[:inside]
        entry = {"strs_mean": WINDOW, "strs_mean_kind": "window"}
    hop = max(grid.hop, step)
    places = np.clip(np.rint((np.arange(0, grid.samples / grid.rate, hop) - times[0]) / step), 0, inside - 1)
    return {"strs": part.db(spectra[:, places.astype(int)], floor=50.0), "strs_hop": hop, **entry}


def _wigner(found: xr.Dataset, part: Part) -> dict[str, Any]:
    energy = found["energy"].values.astype(np.float64)
    times = found["time"].values
    energy = _pooled(_pooled(energy, _MOST_CELLS[0]).T, _MOST_CELLS[1]).T
    kernels = found["kernel"].values
    entry = {
        "energy": part.share(energy),
        "shape": list(energy.shape),
        "peak": number(energy.max()),
        "time": [number(times[0]), number(times[-1])],
        "peak_frequency": numbers(found["peak_frequency"].values),
        "peak_time": numbers(found["peak_time"].values),
    }
    if kernels.size < int(found.attrs.get("kernels_of_the_layer", kernels.size)):
        entry["numbers"] = kernels.tolist()
    width = found["width"].values
    return {"wigner": entry} | ({} if (width == width[0]).all() else {"width": width.tolist()})


def _pooled(values: np.ndarray, most: int) -> np.ndarray:
    """Means over neighbours along the first axis, so that there are no more than `most`."""
    size = -(-len(values) // most)
    starts = np.arange(0, len(values), size)
    counts = np.diff([*starts, len(values)])
    return np.add.reduceat(values, starts, axis=0) / counts[:, None]
