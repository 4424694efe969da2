"""A sound and its relevance as they are shown: one channel, of the samples of the recording."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope.methods.relevance import in_one_channel


def mono(clip: xr.DataArray) -> np.ndarray:
    """The samples (time,) of a sound; of several channels their mean."""
    values = clip.values.astype(np.float64)
    return np.asarray(values.mean(tuple(axis for axis, dim in enumerate(clip.dims) if dim != "time")))


def mixed(clip: xr.DataArray) -> str | None:
    """What is said of a sound of several channels, of which one signal is shown."""
    count = clip.sizes.get("channel", 1)
    return (
        f"The mean of its {count} channels is shown and heard, and the sum of their relevance." if count > 1 else None
    )


def carried(found: xr.Dataset, samples: int, repeated: bool) -> np.ndarray:
    r"""Of a relevance, the gradient (or the weighted sound) of each sample of a recording, (time,).

    Where a model takes more samples than the recording has, so that it is repeated or filled up by a linear map R, the
    gradient by the recording is :math:`R^T f`: copies add up, and what is filled in counts for nothing.
    """
    found = in_one_channel(found)
    signal = found["gradient" if "gradient" in found else "relevance"].values.astype(np.float64)
    return onto(signal, samples, repeated)


def onto(signal: np.ndarray, samples: int, repeated: bool) -> np.ndarray:
    """A gradient by what a model took, (time,), as that by the so many samples of the recording.

    Examples
    --------
    >>> onto(np.array([1.0, 2.0, 10.0, 20.0, 100.0]), 2, repeated=True)
    array([111.,  22.])
    """
    if repeated and signal.size > samples:
        signal = sized(signal, -(-signal.size // samples) * samples).reshape(-1, samples).sum(0)
    return sized(signal, samples)


def sized(values: np.ndarray, samples: int) -> np.ndarray:
    """Cut to a length along the last axis, or filled up to it with zeros."""
    missing = samples - values.shape[-1]
    return values[..., :samples] if missing <= 0 else np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, missing)])
