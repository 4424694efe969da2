"""Which sounds of a data set excite each feature map most, and when; and pieces of them, to be heard."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.citations import cite
from otoscope.errors import InputError
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.sonify import of_channels, sounds_of_maps
from otoscope.probe import Rule, RuleName, Tap, rule_name
from otoscope.probe.select import activity_of, check_real, choose_channels, maps_of
from otoscope.results import axis, to_numpy, variable
from otoscope.sounds import Clip, Sounds, batched, sounds_of, usual_taps
from otoscope.subject import Subject
from otoscope.types import Data, Progress

_MAPS = 3  # as many as figure A.1 shows of each layer


@method(
    source=cite("sonification", "section 5.3 and figure A.1"),
    takes="data",
    rows=Rows(("channel", "rank"), ("clip_name", "clip_index", "peak_time", "activation"), names=("clip_index",)),
    main="activation",
)
def top_activations(
    subject: Subject,
    data: Data,
    *,
    layer: str,
    k: int = 5,
    channels: int | Sequence[int] | Literal["all"] | None = None,
    n_maps: int | None = None,
    sounds: bool = False,
    duration: float | None = 1.0,
    peak: bool = False,
    rule: RuleName | Rule = "deconvnet",
    batch_size: int = 16,
    progress: Progress | None = None,
) -> xr.Dataset:
    """The sounds of a data set that excite each feature map of a layer most; with `sounds` they can be heard.

    Parameters
    ----------
    data : folder, data set or waves
        Sounds of any lengths, read one batch after another: memory does not grow with the data set.
    layer : str
        The tap, by its name or the end of it.
    k : int
        How many clips a map.
    channels : int, sequence of int or "all", optional
        Maps; by default the `n_maps` with the strongest activations, the strongest first.
    n_maps : int, optional
        How many maps; by default all of them in their order, and three with `sounds`.
    sounds : bool
        Add pieces of the top clips and of their sonifications. Those clips are read a second time.
    duration : float, optional
        Length of the pieces in s, with the peak in the middle where the clip goes on so far; none for whole clips.
    peak : bool
        Carry back only the strongest activation, rather than the whole map.
    rule : {"deconvnet", "guided", "gradient"} or callable
        What activations pass back in the sonification, see :mod:`otoscope.probe.rules`.
    batch_size : int
        Clips of one length that run together.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of clips; `total` is 0 where it is not known.

    Returns
    -------
    Dataset, (channel, rank)
        The strongest clip has rank 1; there are no more ranks than clips. `activation`, the largest of the map in the
        clip; `clip_name`; `clip_index`, its place in `data`; `peak_time` in s (NaN at taps without a time axis). A clip
        comes up once a map, and of two with the same value the earlier one comes first. The attribute `clips` is
        their number. With `sounds` also `input` and `sonification` (channel, rank, time), a piece of the clip and of
        its sonification, which is scaled to the peak of the clip, and `start`, where in the clip they begin in s.
        Pieces of clips that are shorter end in zeros. Where the model heard several channels, both have the axis
        `input_channel` before `time`.

    Raises
    ------
    InputError
        If there is no clip, tap or map, if `k` is below 1 or `duration` shorter than two samples, if activations of a
        clip are not finite, or if `data` cannot be read a second time for `sounds`.

    Notes
    -----
    The maximally activating inputs of the thesis, whose sonifications are inspected one map after another. The
    largest activation counts as it is, with its sign: look at a tap behind the activation function.

    Examples
    --------
    >>> scope = Subject(torch.nn.Sequential(torch.nn.Conv1d(1, 4, 30), torch.nn.ReLU()), sample_rate=8000)
    >>> clips = [gain * torch.ones(400) for gain in (1, 3, 2)]
    >>> top_activations(scope, clips, layer="1", k=2).activation.sizes
    Frozen({'channel': 4, 'rank': 2})
    >>> top_activations(scope, clips, layer="1", k=2, channels=[3, 0], sounds=True, duration=0.02).sonification.sizes
    Frozen({'channel': 2, 'rank': 2, 'time': 160})
    """
    if k < 1:
        raise InputError(f"k has to be 1 or more, not {k}")
    if n_maps is not None and n_maps < 1:
        raise InputError(f"n_maps has to be 1 or more, not {n_maps}")
    if duration is not None and not 2 <= duration * subject.sample_rate < math.inf:
        raise InputError(f"duration has to be a length in s of two samples or more, not {duration}")
    clips = sounds_of(subject, data)
    if sounds and clips.once:
        raise InputError("with sounds the top clips are read a second time: give a list, a folder or a data set")
    _, time_axes = usual_taps(subject)
    best: _Best | None = None
    name, done = layer, 0
    for group, inputs in batched(clips, batch_size):
        tap, values = maps_of(subject.network, inputs, subject.sample_rate, name, time_axes)
        name = tap.name  # by its full name a pass goes no further than the tap
        if best is None:
            chosen = choose_channels("all" if channels is None else channels, 1, activity_of(values), tap)
            best = _Best.empty(chosen or [], values)
        best = best.with_clips(group, values, tap, done, k)
        done += len(group)
        if progress:
            progress(done, len(clips))
    if best is None:
        raise InputError("there is no clip to look for activations in: give at least one")
    result = best.labelled()
    n_maps = _MAPS if sounds and n_maps is None else n_maps
    if channels is None and n_maps is not None:
        result = result.isel(channel=np.argsort(-result["activation"].values[:, 0], kind="stable")[:n_maps])
        channels = result["channel"].values.tolist()
    if sounds:
        sonified = partial(sounds_of_maps, subject, layer=name, peak=peak, rule=rule, time_axes=time_axes)
        result = result.merge(_sounds(clips, result, sonified, duration, progress))
        result.attrs["rule"] = rule_name(rule)
    result.attrs.update(layer=name, sample_rate=subject.sample_rate, clips=done)
    n_maps = result.sizes["channel"]
    return resolved(result, layer=name, channels="all" if channels is None else channels, n_maps=n_maps)


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
                "activation": variable(dims, self.value, "largest activation"),
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
    check_real(values, tap.name)
    if tap.time_axis is None or values.ndim < 3:
        largest = values.flatten(2).amax(-1) if values.ndim > 2 else values
        return largest, torch.full_like(largest, math.nan, dtype=torch.float64)
    along_time = values.flatten(2, -2).amax(2) if values.ndim > 3 else values
    largest, at = along_time.max(-1)
    return largest, tap.times().to(at.device)[at]


# -- Sounds -----------------------------------------------------------------------------------------------


_Piece = tuple[np.ndarray, np.ndarray, float]  # of the clip and of its sonification, and where in s it begins


def _sounds(
    clips: Sounds,
    top: xr.Dataset,
    sonified: Callable[..., xr.Dataset],
    duration: float | None,
    progress: Progress | None,
) -> xr.Dataset:
    """Pieces of the clips that excite some maps, and of their sonifications."""
    sample_rate, wanted = clips.subject.sample_rate, _wanted_maps(top)
    pieces: dict[tuple[int, int], _Piece] = {}
    for done, (index, clip) in enumerate(clips.again(wanted), start=1):
        maps = wanted[index]
        heard = sonified(clip.inputs, channels=list(maps))["sonification"].values[0]
        samples = to_numpy(clip.inputs[0] if clip.inputs.shape[1] > 1 else clip.inputs[0, 0])
        for sound, (channel, peak_time) in zip(heard, maps.items(), strict=True):
            first, length = around(peak_time, samples.shape[-1], sample_rate, duration)
            cut = slice(first, first + length)
            pieces[channel, index] = samples[..., cut].copy(), sound[..., cut].copy(), first / sample_rate
        if progress:
            progress(done, len(wanted))
    return _labelled(top, pieces, sample_rate)


def _wanted_maps(chosen: xr.Dataset) -> dict[int, dict[int, float]]:
    """By the number of a clip, the maps that it excites, and when: each clip is run but once."""
    wanted: dict[int, dict[int, float]] = {}
    for channel in chosen["channel"].values.tolist():
        rows = chosen.sel(channel=channel)
        for index, peak_time in zip(rows["clip_index"].values.tolist(), rows["peak_time"].values.tolist(), strict=True):
            wanted.setdefault(index, {})[channel] = peak_time
    return wanted


def around(peak_time: float, size: int, sample_rate: float, duration: float | None) -> tuple[int, int]:
    """First sample and length of a piece with the peak in the middle, or as near to it as the clip allows."""
    length = size if duration is None else min(size, max(1, round(duration * sample_rate)))
    middle = 0 if math.isnan(peak_time) else round(peak_time * sample_rate)
    return min(max(0, middle - length // 2), size - length), length


def _labelled(chosen: xr.Dataset, pieces: dict[tuple[int, int], _Piece], sample_rate: float) -> xr.Dataset:
    indices = chosen["clip_index"].values
    longest = max(piece.shape[-1] for piece, *_ in pieces.values())
    # Beside sounds of several channels, one of a single channel is in each of them, as the model gets it.
    of, where = of_channels(max(len(np.atleast_2d(piece)) for piece, *_ in pieces.values()))
    sounds = np.zeros((2, *indices.shape, *(one.size for one in where.values()), longest), dtype=np.float32)
    starts = np.zeros(indices.shape)
    for row, channel in enumerate(chosen["channel"].values.tolist()):
        for rank, index in enumerate(indices[row].tolist()):
            sample, sound, starts[row, rank] = pieces[channel, index]
            sounds[0, row, rank, ..., : sample.shape[-1]] = sample
            sounds[1, row, rank, ..., : sound.shape[-1]] = sound
    dims = ["channel", "rank", *of, "time"]
    parts: dict[str, Any] = {
        "input": variable(dims, sounds[0], "piece of the clip"),
        "sonification": variable(dims, sounds[1], "its sonification"),
        "start": variable(dims[:2], starts, "where the piece begins in the clip", "s"),
    }
    for name in ("input", "sonification"):
        parts[name].attrs["sample_rate"] = sample_rate
    return xr.Dataset(parts, {"time": axis("time", np.arange(longest) / sample_rate, "time", "s"), **where})
