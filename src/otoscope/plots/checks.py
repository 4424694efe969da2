"""What pictures need of a result: its dimensions, variables, values and rate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, cast

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.drawing import MOST_COLUMNS, pool_columns

_Result = TypeVar("_Result", xr.DataArray, xr.Dataset)


def samples_of(
    sound: xr.DataArray | np.ndarray, sample_rate: float | None, *, several: bool = False
) -> tuple[np.ndarray, float]:
    """Samples (time,), or (channel, time) where a picture can show `several`, and their rate."""
    if isinstance(sound, xr.DataArray):
        sound = only_dims(sound, *(["input_channel"] if several and "input_channel" in sound.dims else []), "time")
        sample_rate = sound.attrs.get("sample_rate") or sample_rate
        if not sample_rate and "time" in sound.coords and sound.size > 1:
            sample_rate = 1 / float(sound["time"][1] - sound["time"][0])
    samples = finite(sound, "the sound")
    if samples.ndim > 1 + several:
        raise InputError(f"a picture needs sound of one channel, shape (time,); this has {samples.shape}.")
    if not sample_rate:
        raise InputError("the sample rate of the sound is not known: pass sample_rate in Hz.")
    return samples, float(sample_rate)


def rate_of(result: xr.DataArray | xr.Dataset) -> float | None:
    return result.attrs.get("sample_rate")


def finite(values: Any, what: str) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.size == 0:
        raise InputError(f"{what} is empty and cannot be drawn.")
    if not np.isfinite(values).all():
        raise InputError(f"{what} holds values that are not finite and cannot be drawn.")
    return cast(np.ndarray, values)


def one_clip(result: _Result) -> _Result:
    """A batch of one as the clip in it."""
    if "clip" not in result.dims:
        return result
    if result.sizes["clip"] != 1:
        raise InputError(f"a picture shows one clip; the result has {result.sizes['clip']}. Take one: .isel(clip=0).")
    return result.isel(clip=0)


def only_dims(result: xr.DataArray, *dims: str) -> xr.DataArray:
    result = one_clip(result)
    if result.dims != dims:
        raise InputError(f"a picture needs the dimensions {dims}; the result has {tuple(result.dims)}.")
    return result


def having(result: xr.Dataset, names: Iterable[str]) -> xr.Dataset:
    missing = [name for name in names if name not in result]
    if missing:
        known = ", ".join(map(str, result)) or "nothing"
        raise InputError(f"the result has no {', '.join(missing)}; it has {known}.")
    return one_clip(result)


def frequency_by_time(result: xr.DataArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    frame = "frame_" if "frame_time" in result.dims else ""
    result = only_dims(result, f"{frame}frequency", f"{frame}time")
    frequency, time = (np.asarray(result[dim], dtype=float) for dim in result.dims)
    return finite(result, "the result"), frequency, time


def short_time_magnitude(samples: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Short-time spectrum, pooled block by block so that memory does not grow with an hour of audio.

    Of several channels (channel, time) it is the root mean square over them.
    """
    import torch

    if samples.ndim > 1:
        each = [short_time_magnitude(one, rate) for one in samples]
        return np.sqrt(np.mean([np.square(magnitude) for magnitude, _, _ in each], axis=0)), *each[0][1:]

    from otoscope.dsp.spectra import short_time_spectrum

    hop = max(1, round(0.010 * rate))
    block, margin = 3000 * hop, 3 * hop  # the margin keeps the cut between blocks out of every window
    blocks = -(-samples.size // block)
    parts, times = [], []
    for start in range(0, samples.size, block):
        before = min(start, margin)
        piece = torch.as_tensor(samples[start - before : start + block + margin])
        magnitude, frequency, _ = short_time_spectrum(piece, rate)
        frames = magnitude.numpy()[:, before // hop :][:, : block // hop]
        time = (start + hop * np.arange(frames.shape[-1])) / rate
        pooled, time = pool_columns(frames, time, max(8, MOST_COLUMNS // blocks))
        parts.append(pooled)
        times.append(time)
    return np.concatenate(parts, axis=-1), frequency.numpy(), np.concatenate(times)


def over_peak(samples: np.ndarray) -> np.ndarray:
    return cast(np.ndarray, samples / (np.abs(samples).max() or 1.0))
