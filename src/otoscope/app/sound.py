"""The sound of a page: its samples, its outline and its spectrogram."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from otoscope.app.budget import heard_of
from otoscope.app.numbers import number
from otoscope.app.packing import Part
from otoscope.app.recording import mixed, mono
from otoscope.app.spectrogram import Grid

_WITHOUT_OUTLINE = 20.0  # s: of shorter sounds the samples themselves are drawn
_COLUMNS = 4000  # of an outline


def sound_entry(clip: xr.DataArray, part: Part, marks: Mapping[str, float] | None = None) -> dict[str, Any]:
    """What a page holds of a sound, its arrays in a part.

    Parameters
    ----------
    clip : DataArray, (time,) or (channel, time)
        At the rate in its attributes.
    part : Part
    marks : mapping of str to float, optional
        Frequencies in Hz that pictures mark; by default those that a synthesised vowel was made with.

    Returns
    -------
    dict
        Facts, `signal` and `picture`, of long sounds `envelope`, too.
    """
    rate, samples = int(clip.attrs["sample_rate"]), mono(clip)
    grid, attrs = Grid.of(samples.size, rate), clip.attrs
    entry: dict[str, Any] = {
        "name": str(attrs.get("name") or "a sound"),
        "about": None,
        "marks": {name: number(value, 5) for name, value in (marks or _made_with(attrs)).items()} or None,
        "rate": rate,
        "n": samples.size,
        "duration": samples.size / rate,
        "sha256": attrs.get("sha256"),
        "original_rate": attrs.get("original_sample_rate") and int(attrs["original_sample_rate"]),
        "original_channels": attrs.get("original_channels") and int(attrs["original_channels"]),
        "note": str(attrs.get("note") or "").strip(),
        **outlined(samples, rate, part, bits=16),
        "picture": part.db(grid.magnitudes(samples)),
        "hop": grid.hop,
        "bins": grid.frequencies.size,
        "frames": grid.frames,
    }
    if (said := mixed(clip)) is not None:
        entry["mixed"] = said
    return entry


def _made_with(attrs: Mapping[str, Any]) -> dict[str, float]:
    """Pitch and formants of a synthesised vowel."""
    pitch = {"F0": attrs["f0"]} if "f0" in attrs else {}
    return pitch | {f"F{i}": value for i, value in enumerate(np.ravel(attrs.get("formants", []))[:3].tolist(), 1)}


def outlined(samples: np.ndarray, rate: int, part: Part, bits: int) -> dict[str, Any]:
    """`signal`, which is as much of it as can be heard, and of long sounds `envelope` and, if need be, `heard` in s."""
    found: dict[str, Any] = {"signal": part.sound(samples[: heard_of(samples.size)], bits)}
    if samples.size > _WITHOUT_OUTLINE * rate:
        found["envelope"] = part.envelope(samples, -(-samples.size // _COLUMNS))
    if heard_of(samples.size) < samples.size:
        found["heard"] = heard_of(samples.size) / rate
    return found


def segment_entries(found: xr.Dataset) -> list[dict[str, Any]]:
    """Segments in the order of time, of a result that has them."""
    names = (found["segment_name"], found["segment_start"], found["segment_stop"])
    rows = zip(*(one.values.tolist() for one in names), strict=True)
    return [{"start": number(a, 7), "stop": number(b, 7), "label": str(name)} for name, a, b in rows]


def divided(found: xr.Dataset) -> dict[str, Any]:
    """What of a relevance lies in each segment and in all of a label, by the names of its variables."""
    entry: dict[str, Any] = {"form": found.attrs["form"]}
    for kind, dim in (("segment", "segment"), ("label", "segment_label")):
        of = {str(name): one for name, one in found.data_vars.items() if one.dims == (dim,)}
        entry[kind] = {
            name.removeprefix(f"{kind}_"): [number(value) for value in one.values.tolist()]
            for name, one in of.items()
            if name not in ("segment_name", "segment_start", "segment_stop")
        }
    entry["label"]["names"] = [str(name) for name in found["segment_label"].values]
    return entry
