"""What a feature map sounds like: its activations carried back to the waveform."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.citations import cite
from otoscope.dsp.audible import loudest_frequency
from otoscope.errors import InputError
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.peaks import sound_of_peaks
from otoscope.probe import Pullback, Rule, RuleName, Tap, locate, rule_name, vjp
from otoscope.probe.select import (
    Channels,
    activity_of,
    by_clip,
    check_finite,
    choose_channels,
    heard_activity_of,
    parts_of,
)
from otoscope.results import axis, to_numpy, variable
from otoscope.subject import Subject
from otoscope.types import Progress, Wave


@method(
    source=cite("sonification", "section 5.2, algorithm 1"),
    takes="wave",
    explains=True,
    rows=Rows(("channel",), ("activity", "peak_time", "peak_frequency")),
    main="sonification",
)
def sonify(
    subject: Subject,
    wave: Wave,
    *,
    layer: str,
    channels: Channels = None,
    n_maps: int = 1,
    peak: bool = False,
    rule: RuleName | Rule = "deconvnet",
    memory: int | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""What feature maps sound like: their activations carried back to the waveform.

    Parameters
    ----------
    wave : wave, (time,) or (clip, time)
        A sound file, or samples at the rate of the model.
    layer : str
        The tap whose maps are heard; for the published algorithm the last of a block (its pooling, or its
        activation where there is none).
    channels : int, sequence of int, "all" or "layer", optional
        One map, several, every map by itself, or the whole layer at once (the sum over maps). By default the
        `n_maps` most active ones, that is those of largest root mean square over the clips given, without a mean below
        zero, which cannot be heard.
    n_maps : int
        How many of the most active maps.
    peak : bool
        Carry back only the strongest activation of each map, so that only its receptive field is heard.
    rule : {"deconvnet", "guided", "gradient"} or callable
        What activations pass back, see :mod:`otoscope.probe.rules`.
    memory : int, optional
        Bytes that backward passes of many maps at once may take; by default what suits the device.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of maps.

    Returns
    -------
    Dataset
        `sonification` (clip, channel, time), scaled to the peak of its clip; that of a silent map is silence. Of each
        (clip, channel) `activity`, the root mean square of the map (or of the whole layer); `peak_time`, the time of
        its strongest activation in s (NaN at taps without a time axis); and `peak_frequency`, the loudest of its
        sound from 50 Hz up, in Hz (NaN for silence). Where the model heard several channels, `sonification` has the
        axis `input_channel` before `time`; they are scaled together, and the strongest has the `peak_frequency`.

    Raises
    ------
    InputError
        If there is no such tap, map or rule, or activations there are not finite.

    Notes
    -----
    Algorithm 1 sets all maps but one to zero and goes back through unpooling with the switches of the
    forward pass, rectification and transposed convolution; autograd under the rule `deconvnet` does the same,
    and goes on through any other operation.

    Examples
    --------
    >>> scope = Subject(torch.nn.Sequential(torch.nn.Conv1d(1, 8, 30, stride=10), torch.nn.ReLU()), sample_rate=8000)
    >>> sounds = sonify(scope, torch.randn(4000), layer="1", channels=[2, 5])
    >>> sounds.sonification.sizes, sounds.channel.values.tolist()
    (Frozen({'channel': 2, 'time': 4000}), [2, 5])
    """
    result = sounds_of_maps(
        subject, subject.inputs(wave), layer=layer, channels=channels, n_maps=n_maps, peak=peak, rule=rule,
        memory=memory, progress=progress,
    )  # fmt: skip
    chosen = result["channel"].values.tolist() if channels is None else channels
    return resolved(result, layer=result.attrs["layer"], channels=chosen)


def sounds_of_maps(
    subject: Subject,
    inputs: Tensor,
    *,
    layer: str,
    channels: Channels = None,
    n_maps: int = 1,
    peak: bool = False,
    rule: RuleName | Rule = "deconvnet",
    memory: int | None = None,
    progress: Progress | None = None,
    time_axes: Mapping[str, int] | None = None,
) -> xr.Dataset:
    """What :func:`sonify` returns, not signed, of inputs (clip, ..., time) as the model takes them.

    `time_axes` are by default those of the subject.
    """
    model, sample_rate = subject.network, subject.sample_rate
    time_axes = subject.time_axes if time_axes is None else time_axes
    tap, value = locate(model, inputs, sample_rate, layer, time_axes)
    if tap.channel_axis is None:
        raise InputError(f"{tap.name} has no axis of feature maps: its shape is {tap.shape}")
    groups, found = parts_of(inputs, [tap]), [value]
    if len(groups) > 1:
        located = [locate(model, one, sample_rate, tap.name, time_axes) for one in groups]
        tap, found = located[0][0], [value for _, value in located]
    values = torch.cat([by_clip(one, tap) for one in found])
    check_finite(values, tap.name)
    chosen = choose_channels(channels, n_maps, heard_activity_of(values), tap)
    maps = values[:, None] if chosen is None else values[:, chosen]
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
    waves = inputs.reshape(len(inputs), -1, inputs.shape[-1])
    sounds = scaled(sounds.reshape(*sounds.shape[:2], -1), waves.flatten(1)).transpose(0, 1)
    samples = to_numpy(sounds.reshape(*sounds.shape[:2], *waves.shape[1:]))
    loudest = np.apply_along_axis(loudest_frequency, -1, _strongest(samples), sample_rate)
    dims = ["clip", "channel"]
    of, where = of_channels(waves.shape[1])
    result = xr.Dataset(
        {
            "sonification": variable([*dims, *of, "time"], samples if of else samples[:, :, 0], "sonification"),
            "activity": variable(dims, activity_of(maps), "root mean square of the map"),
            "peak_time": variable(dims, _peak_times(maps, tap), "time of the strongest activation", "s"),
            "peak_frequency": variable(dims, loudest, "loudest frequency", "Hz"),
        },
        coords={
            "channel": np.asarray(["layer"] if chosen is None else chosen),
            "time": axis("time", np.arange(inputs.shape[-1]) / sample_rate, "time", "s"),
            **where,
        },
        attrs={"sample_rate": sample_rate, "layer": tap.name, "rule": rule_name(rule)},
    )
    result["sonification"].attrs["sample_rate"] = sample_rate  # by which it is played
    return result


def of_channels(count: int) -> tuple[list[str], dict[str, xr.Variable]]:
    """The axis of the channels of a sound and its coordinate; none where there is a single one."""
    if count == 1:
        return [], {}
    return ["input_channel"], {"input_channel": axis("input_channel", np.arange(count), "channel of the sound")}


def _strongest(samples: np.ndarray) -> np.ndarray:
    """Of sounds (clip, map, channel, time), the channel of the most energy (clip, map, time)."""
    place = np.square(samples, dtype=float).sum(-1).argmax(-1)
    strongest: np.ndarray = np.take_along_axis(samples, place[..., None, None], 2)[:, :, 0]
    return strongest


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
    """Every sound (map, clip, values) to the peak of its clip, that of all channels; silence stays silence."""
    loudest = sounds.abs().amax(-1, keepdim=True)
    return torch.where(loudest > 0, sounds / loudest, 0.0) * waveforms.abs().amax(-1, keepdim=True)
