"""Which sounds of a data set excite each feature map most, and when."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.methods.clips import Clip, batched
from otoscope.probe import Tap
from otoscope.probe.select import activity_of, choose_channels, maps_of
from otoscope.results import axis, sign, variable

SOURCE = "Yadav 2022, section 5.3 and figure A.1"


def top_activations(
    model: nn.Module,
    clips: Iterable[Clip],
    *,
    sample_rate: float,
    layer: str,
    k: int = 5,
    channels: Sequence[int] | None = None,
    batch: int = 16,
    time_axes: Mapping[str, int] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """For every feature map of a layer the clips of a data set that excite it most.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms.
    clips : iterable of Clip
        Of any lengths, read one batch after another: memory does not grow with the data set.
    sample_rate : float
        In Hz.
    layer : str
        The tap, by its name or the end of it.
    k : int
        How many clips a map.
    channels : sequence of int, optional
        Maps; all by default.
    batch : int
        Clips of one length that run together.
    time_axes : mapping of str to int, optional
        Taps whose time axis you know better than the trace, with that axis.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of clips; `total` is 0 where it is not known.

    Returns
    -------
    Dataset, (channel, rank)
        The strongest clip has rank 1; there are no more ranks than clips. `value`, the largest activation of the map
        in the clip; `clip_name`; `clip_index`, its place in `clips`; `peak_time` in s (NaN at taps
        without a time axis). A clip comes up once a map, and of two with the same value the earlier one comes first.
        The attribute `clips` is their number.

    Raises
    ------
    InputError
        If there is no clip, tap or map, if `k` is below 1, or if activations of a clip are not finite.

    Notes
    -----
    The maximally activating inputs of the thesis, whose sonifications are inspected one map after another. The
    largest activation counts as it is, with its sign: look at a tap behind the activation function.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 4, 30), nn.ReLU())
    >>> clips = [Clip(f"{gain} times", gain * torch.ones(1, 1, 400)) for gain in (1, 3, 2)]
    >>> result = top_activations(model, clips, sample_rate=8000, layer="1", k=2)
    >>> result["value"].sizes, result["clip_name"].dims
    (Frozen({'channel': 4, 'rank': 2}), ('channel', 'rank'))
    """
    if k < 1:
        raise InputError(f"k has to be 1 or more, not {k}")
    total = len(clips) if isinstance(clips, Sized) else 0
    best: _Best | None = None
    name, done = layer, 0
    for group, inputs in batched(clips, batch):
        tap, values = maps_of(model, inputs, sample_rate, name, time_axes)
        name = tap.name  # by its full name a pass goes no further than the tap
        if best is None:
            chosen = choose_channels("all" if channels is None else channels, 1, activity_of(values), tap)
            best = _Best.empty(chosen or [], values)
        best = best.with_clips(group, values, tap, done, k)
        done += len(group)
        if progress:
            progress(done, total)
    if best is None:
        raise InputError("there is no clip to look for activations in: give at least one")
    result = best.labelled()
    result.attrs.update(layer=name, sample_rate=sample_rate, clips=done)
    return sign(result, "top_activations", SOURCE, layer=name, k=k, channels=channels)


@dataclass(frozen=True)
class _Best:
    """The strongest clips so far, (channel, rank), and the names of them."""

    channels: list[int]
    value: Tensor
    number: Tensor
    peak_time: Tensor
    names: dict[int, str]

    @classmethod
    def empty(cls, channels: list[int], values: Tensor) -> _Best:
        none = values.new_empty(len(channels), 0)
        return cls(channels, none, none.long(), none.double(), {})

    def with_clips(self, clips: list[Clip], values: Tensor, tap: Tap, first: int, k: int) -> _Best:
        """What is strongest when these clips, of which the first has the number `first`, are there too."""
        value, peak_time = _peaks(values, tap)
        for clip, finite in zip(clips, value.isfinite().all(1).tolist(), strict=True):
            if not finite:
                raise InputError(f"{clip.name} makes activations at {tap.name} that are not finite: leave it out")
        numbers = torch.arange(first, first + len(clips), device=value.device).expand(len(self.channels), -1)
        value = torch.cat([self.value, value[:, self.channels].T], dim=1)
        number = torch.cat([self.number, numbers], dim=1)
        peak_time = torch.cat([self.peak_time, peak_time[:, self.channels].T], dim=1)
        # A stable order, so that the earlier of two equal clips comes first.
        order = value.argsort(dim=1, descending=True, stable=True)[:, :k]
        value, number, peak_time = (one.gather(1, order) for one in (value, number, peak_time))
        names = self.names | {first + i: one.name for i, one in enumerate(clips)}
        kept = set(number.flatten().tolist())
        return _Best(self.channels, value, number, peak_time, {i: name for i, name in names.items() if i in kept})

    def labelled(self) -> xr.Dataset:
        names = np.array([[self.names[i] for i in row] for row in self.number.tolist()])
        dims = ["channel", "rank"]
        return xr.Dataset(
            {
                "value": variable(dims, self.value, "largest activation"),
                "clip_name": variable(dims, names, "clip"),
                "clip_index": variable(dims, self.number, "place of the clip in the data set"),
                "peak_time": variable(dims, self.peak_time, "time of the largest activation", "s"),
            },
            coords={
                "channel": axis("channel", np.asarray(self.channels), "feature map"),
                "rank": axis("rank", np.arange(1, self.value.shape[1] + 1), "rank"),
            },
        )


def _peaks(values: Tensor, tap: Tap) -> tuple[Tensor, Tensor]:
    """The largest activation of each map (clip, channel), and its time in s."""
    if tap.time_axis is None or values.ndim < 3:
        largest = values.flatten(2).amax(-1) if values.ndim > 2 else values
        return largest, torch.full_like(largest, math.nan, dtype=torch.float64)
    along_time = values.flatten(2, -2).amax(2) if values.ndim > 3 else values
    largest, at = along_time.max(-1)
    return largest, tap.times().to(at.device)[at]
