"""The maps of a model at their own rate: which of them are silent, and those that are shown."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.probe import Tap, Trace
from otoscope.probe.read import visit_taps
from otoscope.probe.select import by_clip
from otoscope.results import to_numpy
from otoscope.subject import Subject


def activity(
    subject: Subject, clip: xr.DataArray, taps: Trace, sounds: Mapping[str, xr.Dataset]
) -> tuple[dict[str, int], dict[str, np.ndarray]]:
    """Look at every map of one pass.

    Parameters
    ----------
    subject : Subject
    clip : DataArray
        One sound.
    taps : Trace
    sounds : mapping of str to Dataset
        Sonifications by layer: of these layers the values of the maps are kept.

    Returns
    -------
    dict of str to int
        Of taps with a time axis and an axis of maps, how many maps are zero throughout.
    dict of str to ndarray, (map, time)
        Of the layers that were sonified and have a time axis, in the order of the sonification; along further axes the
        largest value. They end with the sound.
    """
    named = {tap.name: tap for tap in taps.values() if tap.channel_axis is not None and tap.time_axis is not None}

    def look(name: str, value: Tensor) -> tuple[int, np.ndarray | None]:
        tap = named[name]
        maps = by_clip(value, tap)[0]
        silent = int((maps.flatten(1).abs().amax(1) == 0).sum())
        return silent, _values(maps, sounds[name], tap, clip.sizes["time"]) if name in sounds else None

    found = visit_taps(subject.network, subject.inputs(clip), named, look)
    return (
        {name: silent for name, (silent, _) in found.items()},
        {name: values for name, (_, values) in found.items() if values is not None},
    )


def _values(maps: Tensor, sounds: xr.Dataset, tap: Tap, samples: int) -> np.ndarray | None:
    channels = sounds["channel"].values
    if channels.dtype.kind not in "iu":  # the layer as a whole
        return None
    along_time = maps[torch.as_tensor(channels.astype(int))]
    along_time = along_time.flatten(1, -2).amax(1) if along_time.ndim > 2 else along_time
    frames = math.ceil(samples / tap.hop) if tap.hop > 0 else along_time.shape[-1]
    return to_numpy(along_time[..., :frames])
