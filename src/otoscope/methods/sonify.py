"""What a feature map sounds like: its activations carried back to the waveform."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.methods.peaks import Progress, sound_of_peaks
from otoscope.probe import Pullback, Rule, Tap, locate, rule_name, vjp
from otoscope.probe.select import Channels, activity_of, by_clip, check_finite, choose_channels
from otoscope.results import axis, sign, to_numpy, variable

_SOURCE = "Yadav 2022, section 5.2, algorithm 1"


def sonify(
    model: nn.Module,
    inputs: Tensor,
    *,
    sample_rate: float,
    layer: str,
    channel: Channels = None,
    top: int = 1,
    peak: bool = False,
    rule: str | Rule = "deconvnet",
    memory: int | None = None,
    progress: Progress | None = None,
    time_axes: Mapping[str, int] | None = None,
) -> xr.DataArray:
    r"""Carry the activations of feature maps back to the waveform, where they can be heard.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms.
    inputs : Tensor, (clip, ..., time)
        Waveforms as the model takes them.
    sample_rate : float
        In Hz.
    layer : str
        The tap whose maps are heard; for the published algorithm the last of a block (its pooling, or its
        activation where there is none).
    channel : int, sequence of int, "all" or "layer", optional
        One map, several, every map by itself, or the whole layer at once (the sum over maps). By default the
        `top` most active ones, that is those of largest root mean square over the clips given.
    top : int
        How many of the most active maps.
    peak : bool
        Carry back only the strongest activation of each map, so that only its receptive field is heard.
    rule : {"deconvnet", "guided", "gradient"} or callable
        What activations pass back, see :mod:`otoscope.probe.rules`.
    memory : int, optional
        Bytes that backward passes of many maps at once may take; by default what suits the device.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of maps.
    time_axes : mapping of str to int, optional
        Taps whose time axis you know better than the trace, with that axis.

    Returns
    -------
    DataArray, (clip, channel, time)
        Every sound is scaled to the peak of its clip; that of a silent map is silence. Coordinates:
        `activity` (clip, channel), the root mean square of the map (or of the whole layer), and `peak_time`
        (clip, channel), the time in s of its strongest activation.

    Raises
    ------
    InputError
        If there is no such tap or map, or activations there are not finite.

    Notes
    -----
    Algorithm 1 sets all maps but one to zero and goes back through unpooling with the switches of the
    forward pass, rectification and transposed convolution; autograd under the rule `deconvnet` does the same,
    and goes on through any other operation.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU())
    >>> sounds = sonify(model, torch.randn(1, 1, 4000), sample_rate=8000, layer="1", channel=[2, 5])
    >>> sounds.sizes, sounds.channel.values.tolist()
    (Frozen({'clip': 1, 'channel': 2, 'time': 4000}), [2, 5])
    """
    tap, value = locate(model, inputs, sample_rate, layer, time_axes)
    if tap.channel_axis is None:
        raise InputError(f"{tap.name} has no axis of feature maps: its shape is {tap.shape}")
    groups, found = (inputs,), [value]
    if tap.time_axis == 0:
        # Frames are the batch, so that clips can only be told apart one at a time.
        groups = inputs.split(1)
        located = [locate(model, one, sample_rate, tap.name, time_axes) for one in groups]
        tap, found = located[0][0], [value for _, value in located]
    values = torch.cat([by_clip(one, tap) for one in found])
    if len(values) != len(inputs):
        raise InputError(
            f"{tap.name} does not have the clips on its first axis: the shape of its result is {tap.shape}"
        )
    check_finite(values, tap.name)
    chosen = choose_channels(channel, top, activity_of(values), tap)
    heard = values[:, None] if chosen is None else values[:, chosen]
    parts = []
    for one, value in zip(groups, found, strict=True):
        sound = None
        if peak and chosen is not None:
            sound = sound_of_peaks(model, one, value, tap, chosen, rule, progress)
        if sound is None:
            value = _only_peaks(value, tap) if peak else value
            _, pull = vjp(model, one, tap.name, rule, memory)
            sound = (
                _pull_layer(value, pull, progress) if chosen is None else _pull_maps(value, pull, tap, chosen, progress)
            )
        parts.append(sound)
    sounds = torch.cat(parts, dim=1)
    sounds = scaled(sounds.reshape(*sounds.shape[:2], -1), inputs.reshape(len(inputs), -1))
    labels: list[int] | list[str] = ["layer"] if chosen is None else chosen
    result = xr.DataArray(
        to_numpy(sounds.transpose(0, 1)),
        dims=("clip", "channel", "time"),
        coords={
            "channel": np.asarray(labels),
            "time": axis("time", np.arange(inputs.shape[-1]) / sample_rate, "time", "s"),
            "activity": variable(["clip", "channel"], activity_of(heard), "root mean square of the map"),
            "peak_time": variable(
                ["clip", "channel"], _peak_times(heard, tap), "time of the strongest activation", "s"
            ),
        },
        name="sonification",
        attrs={"long_name": "sonification", "sample_rate": sample_rate, "layer": tap.name, "rule": rule_name(rule)},
    )
    return sign(result, "sonify", _SOURCE, layer=tap.name, channel=channel, top=top, peak=peak, rule=rule)


def _peak_times(values: Tensor, tap: Tap) -> Tensor:
    """(clip, channel), in s"""
    if tap.time_axis is None or values.ndim < 3:
        return torch.full(values.shape[:2], math.nan, dtype=torch.float64)
    along_time = values.flatten(2, -2).amax(2) if values.ndim > 3 else values
    return tap.times()[along_time.argmax(-1).cpu()]


def _pull_layer(value: Tensor, pull: Pullback, progress: Progress | None) -> Tensor:
    """(1, clip, ..., time): all maps at once."""
    sound = pull(value)[None]
    if progress:
        progress(1, 1)
    return sound


def _pull_maps(value: Tensor, pull: Pullback, tap: Tap, chosen: list[int], progress: Progress | None) -> Tensor:
    """(map, clip, ..., time): a backward pass for each handful of maps."""
    assert tap.channel_axis is not None
    parts = []
    for start in range(0, len(chosen), pull.seeds_at_once):
        maps = chosen[start : start + pull.seeds_at_once]
        seeds = value.new_zeros(len(maps), *value.shape)
        into = seeds.movedim(tap.channel_axis + 1, 1)
        into[range(len(maps)), maps] = value.movedim(tap.channel_axis, 0)[maps]
        parts.append(pull(seeds))
        if progress:
            progress(start + len(maps), len(chosen))
    return torch.cat(parts)


def _only_peaks(value: Tensor, tap: Tap) -> Tensor:
    """Zero but for the strongest activation of every map of every clip."""
    clips = by_clip(value, tap)
    flat = clips.reshape(*clips.shape[:2], -1)
    at = flat.argmax(-1, keepdim=True)
    peaks = torch.zeros_like(flat).scatter_(-1, at, flat.gather(-1, at)).reshape(clips.shape)
    # Back into the layout of the tap, by undoing the permutation of its axes.
    order = by_clip(torch.arange(value.numel(), device=value.device).reshape(value.shape), tap).flatten()
    return torch.empty_like(value).flatten().scatter_(0, order, peaks.flatten()).reshape(value.shape)


def scaled(sounds: Tensor, waveforms: Tensor) -> Tensor:
    """Every sound (map, clip, time) to the peak of its clip; silence stays silence."""
    loudest = sounds.abs().amax(-1, keepdim=True)
    return torch.where(loudest > 0, sounds / loudest, 0.0) * waveforms.abs().amax(-1, keepdim=True)
