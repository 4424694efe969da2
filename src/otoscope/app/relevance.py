"""A relevance on a page: as a signal, in time and frequency, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from otoscope.app.calls import call_of
from otoscope.app.caution import CAUTION, PARTLY_RECOVER_THE_INPUT
from otoscope.app.numbers import number, numbers
from otoscope.app.packing import Part
from otoscope.app.recording import carried, sized
from otoscope.app.sound import divided, outlined
from otoscope.app.spectrogram import Grid
from otoscope.dsp.audible import LOWEST_AUDIBLE

_BITS = 14
_MOST_LOSSES = 400


@dataclass(frozen=True)
class Heard:
    """A recording as the relevances of it are laid upon it.

    Attributes
    ----------
    samples : ndarray, (time,)
    grid : Grid
    power : ndarray, (frequency, frame)
        Of its spectrogram.
    repeated : bool
        Whether a model repeats a sound that is too short for it.
    """

    samples: np.ndarray
    grid: Grid
    power: np.ndarray
    repeated: bool


def relevance_entry(found: xr.Dataset, target: str, label: str, heard: Heard, part: Part) -> dict[str, Any]:
    """What a page holds of a relevance, its arrays in a part.

    Parameters
    ----------
    found : Dataset
        That :func:`otoscope.methods.relevance.relevance` returned.
    target : {"top", "second", "contrast"}
        What was asked, the runner-up, or the difference of both.
    label : str
        The output that is explained.
    heard : Heard
    part : Part
    """
    gradient = carried(found, heard.samples.size, heard.repeated)
    signed = found.attrs["form"] == "product"
    signal = gradient * heard.samples if signed else gradient
    cells = heard.grid.products(heard.samples, gradient) if signed else heard.grid.magnitudes(gradient)
    power = np.maximum(cells, 0) if signed else cells**2
    kind = "logit" if "logit" in found else "score"
    entry: dict[str, Any] = {
        "rule": str(found.attrs["rule"]),
        "form": str(found.attrs["form"]),
        "target": target,
        "label": label,
        "signed": signed,
        kind: number(found[kind].item()),
        "score_kind": str(found.attrs.get("score_kind", "logit")),
        **outlined(signal, heard.grid.rate, part, _BITS),
        "picture": part.signed(cells) if signed else part.db(cells),
        "hop": heard.grid.hop,
        **_where(power, heard),
        "negative": number(_negative(cells), 3) if signed else None,
        "call": call_of(found),
    }
    caution = CAUTION if entry["rule"] in PARTLY_RECOVER_THE_INPUT else None
    more = {"caution": caution, "pieces": found.attrs.get("pieces")}
    entry |= {name: text for name, text in more.items() if text}
    if "segment" in found.dims:
        entry["segments"] = divided(found)
    if (lost := _loss(found, heard)) is not None:
        entry["loss"] = lost
    return entry


def _loss(found: xr.Dataset, heard: Heard) -> dict[str, Any] | None:
    """What the output loses without each window in time, or without each band; None of rules that take nothing out."""
    if "time_relevance" in found:
        loss = sized(found["time_relevance"].values, heard.samples.size)
        step = max(1, -(-loss.size // _MOST_LOSSES))
        return {"over": "time", "hop": number(step / heard.grid.rate), "values": numbers(loss[::step])}
    if "band_relevance" in found:
        edges = [*found["band_low"].values, found["band_high"].values[-1]]
        return {"over": "band", "edges": numbers(edges, 6), "values": numbers(found["band_relevance"].values)}
    return None


def _negative(cells: np.ndarray) -> float:
    total = np.abs(cells).sum()
    return float(-cells[cells < 0].sum() / total) if total else 0.0


def _where(power: np.ndarray, heard: Heard) -> dict[str, Any]:
    """Where half of it is, where most, and how much of the sound is there."""
    grid = heard.grid
    audible = grid.frequencies >= LOWEST_AUDIBLE
    if not audible.any():
        audible[:] = True
    times, frequencies = grid.times, grid.frequencies[audible]
    over_time, over_frequency = power.sum(0), power[audible].sum(1)
    t0, t1 = shortest(over_time)
    f0, f1 = shortest(over_frequency)
    width = grid.frequencies[1]
    of_time, of_frequency = heard.power.sum(0), heard.power[audible].sum(1)
    end, limit = grid.samples / grid.rate, grid.rate / 2
    return {
        "time": [number(max(0.0, times[t0] - grid.hop / 2), 4), number(min(end, times[t1] + grid.hop / 2), 4)],
        "band": [number(max(0.0, frequencies[f0] - width / 2), 4), number(min(limit, frequencies[f1] + width / 2), 4)],
        "peak_time": number(times[over_time.argmax()], 4),
        "peak_frequency": number(frequencies[over_frequency.argmax()], 4),
        "sound_share_time": _share(of_time, t0, t1),
        "sound_share_band": _share(of_frequency, f0, f1),
    }


def _share(values: np.ndarray, first: int, last: int) -> float | None:
    total = values.sum()
    return number(values[first : last + 1].sum() / total, 3) if total > 0 else None


def shortest(weights: np.ndarray, share: float = 0.5) -> tuple[int, int]:
    """The first and the last place of the shortest interval that holds a share of all weights.

    Examples
    --------
    >>> shortest(np.array([1.0, 0.0, 2.0, 3.0, 1.0]))
    (2, 3)
    """
    sums = np.concatenate([[0.0], np.cumsum(weights)])
    wanted = share * sums[-1] * (1 - 1e-12)
    last = np.searchsorted(sums, sums[:-1] + wanted)
    inside = last < sums.size
    starts = np.arange(weights.size)[inside]
    stops = np.maximum(last[inside], starts + 1)
    best = int((stops - starts).argmin())
    return int(starts[best]), int(stops[best]) - 1
