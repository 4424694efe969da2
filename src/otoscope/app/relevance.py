"""A relevance on a page: as a signal, in time and frequency, and where it lies."""

from __future__ import annotations

import math
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
from otoscope.trust.focus import Focus
from otoscope.trust.maps import map_of_result

_BITS = 14
_MOST_LOSSES = 400


@dataclass(frozen=True)
class Heard:
    """A recording as the relevances of it are laid upon it.

    Attributes
    ----------
    samples : ndarray, (time,)
    grid : Grid
    repeated : bool
        Whether a model repeats a sound that is too short for it.
    """

    samples: np.ndarray
    grid: Grid
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
        **where(found, heard),
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


def where(found: xr.Dataset, heard: Heard) -> dict[str, Any]:
    """Where half of a relevance is, where most, and how much of the sound is there: as tests of it have it."""
    place = map_of_result(found, heard.samples.size, heard.repeated).place()
    known = {
        "peak_time": place.peak_time,
        "peak_frequency": place.peak_frequency,
        "sound_share_time": place.sound_share_time,
        "sound_share_band": place.sound_share_band,
    }
    return _edges(place.focus) | {name: number(value, 4) for name, value in known.items()}


def _edges(focus: Focus) -> dict[str, Any]:
    edges = {"time": (focus.start, focus.stop), "band": (focus.low, focus.high)}
    return {
        name: None if any(map(math.isnan, ends)) else [number(edge) for edge in ends] for name, ends in edges.items()
    }
