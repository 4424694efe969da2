"""What a method looks at: layers, taps, and feature maps of a tap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.probe.blocks import block_ends
from otoscope.probe.trace import Layer, Tap, locate, trace

Channels = int | Sequence[int] | Literal["all", "layer"] | None


def find_layer(layers: Sequence[Layer], name: str) -> Layer:
    """The layer of a trace with this name, with this end of a name, or with a convolution of this name.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30), nn.ReLU(), nn.Conv1d(8, 4, 3))
    >>> layers = trace(model, torch.zeros(1, 1, 400), sample_rate=8000).layers
    >>> find_layer(layers, "2").taps[0].channels
    4
    """
    for layer in layers:
        if name in (layer.name, *(tap.name for tap in layer.taps)) or layer.name.endswith(f".{name}"):
            return layer
    raise InputError(f"no layer is named {name!r}; the layers are {', '.join(layer.name for layer in layers)}")


def find_taps(
    model: nn.Module,
    inputs: Tensor,
    sample_rate: float,
    layer: str | Sequence[str] | None = None,
    time_axes: Mapping[str, int] | None = None,
) -> list[Tap]:
    """Taps with feature maps.

    Parameters
    ----------
    model, inputs, sample_rate, time_axes
        As in :func:`otoscope.probe.trace`.
    layer : str or sequence of str, optional
        One or several taps, by their names or the ends of them; the ends of all blocks by default, see
        :func:`otoscope.probe.blocks.block_ends`.

    Returns
    -------
    list of Tap
        In the order given, each once.

    Raises
    ------
    InputError
        If there is no such tap, or it has no axis of feature maps.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30), nn.ReLU(), nn.Conv1d(8, 4, 3), nn.ReLU())
    >>> clip = torch.zeros(1, 1, 400)
    >>> [tap.name for tap in find_taps(model, clip, 8000)], [tap.name for tap in find_taps(model, clip, 8000, "0")]
    (['1', '3'], ['0'])
    """
    taps = trace(model, inputs, sample_rate, time_axes)
    if layer is None:
        names = block_ends(taps)
    else:
        names = list(dict.fromkeys(map(taps.resolve, [layer] if isinstance(layer, str) else layer)))
    if not names:
        why = "no tap of the model has feature maps in time" if layer is None else "no layer was given"
        raise InputError(f"{why}: name one or more taps")
    for name in names:
        if taps[name].channel_axis is None:
            raise InputError(f"{name} has no axis of feature maps: its shape is {taps[name].shape}")
    return [taps[name] for name in names]


def maps_of(
    model: nn.Module, inputs: Tensor, sample_rate: float, layer: str, time_axes: Mapping[str, int] | None = None
) -> tuple[Tap, Tensor]:
    """A tap and its feature maps for each clip.

    Parameters
    ----------
    model, inputs, sample_rate, time_axes
        As in :func:`otoscope.probe.trace`, but for all clips.
    layer : str
        The tap, by its name or the end of it.

    Returns
    -------
    tap : Tap
    maps : Tensor, (clip, channel, ..., time)
        Without the last axis at taps that have no time axis.

    Raises
    ------
    InputError
        If there is no such tap.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU())
    >>> tap, maps = maps_of(model, torch.zeros(3, 1, 400), sample_rate=8000, layer="1")
    >>> tap.name, maps.shape
    ('1', torch.Size([3, 8, 38]))
    """
    tap, value = locate(model, inputs, sample_rate, layer, time_axes)
    if tap.clip_axis is None and len(inputs) > 1:
        located = [locate(model, one, sample_rate, tap.name, time_axes) for one in inputs.split(1)]
        return located[0][0], torch.cat([by_clip(value, tap) for tap, value in located])
    return tap, by_clip(value, tap)


def parts_of(inputs: Tensor, taps: Sequence[Tap]) -> tuple[Tensor, ...]:
    """Clips as they can be run to be looked at: one by one where a tap has no axis for them, else all together."""
    return inputs.split(1) if any(tap.clip_axis is None for tap in taps) else (inputs,)


def by_clip(value: Tensor, tap: Tap) -> Tensor:
    """The value of a tap with its axes as (clip, channel, ..., time).

    Parameters
    ----------
    value : Tensor
        With the axes of the tap. Where that has no axis of clips, it has to be of one clip.
    tap : Tap

    Returns
    -------
    Tensor, (clip, channel, ..., time)
        A view. There is one channel where the tap has no axis of channels, and no last axis where it has none of time.

    Examples
    --------
    >>> class Transposed(nn.Conv1d):
    ...     def forward(self, waveform):
    ...         return super().forward(waveform).transpose(1, 2).relu()
    >>> model, clip = Transposed(1, 8, 30), torch.zeros(1, 1, 400)
    >>> tap, value = locate(model, clip, 8000, "relu")
    >>> value.shape, by_clip(value, tap).shape
    (torch.Size([1, 371, 8]), torch.Size([1, 8, 371]))
    """
    value, shift = (value[None], 1) if tap.clip_axis is None else (value, 0)
    clip = tap.clip_axis or 0
    channel, time = ([] if axis is None else [axis + shift] for axis in (tap.channel_axis, tap.time_axis))
    others = [axis for axis in range(value.ndim) if axis not in (clip, *channel, *time)]
    maps = value.permute(clip, *channel, *others, *time)
    return maps if channel else maps[:, None]


def activity_of(maps: Tensor) -> Tensor:
    """Root mean square of every map of (clip, channel, ..., time), as (clip, channel).

    Examples
    --------
    >>> activity_of(torch.tensor([[[3.0, -3.0], [0.0, 0.0]]])).tolist()
    [[3.0, 0.0]]
    """
    maps = maps.abs() if maps.is_complex() or maps.ndim == 2 else maps
    return maps.flatten(2).square().mean(-1).sqrt() if maps.ndim > 2 else maps


def heard_activity_of(maps: Tensor) -> Tensor:
    """Of every map of (clip, channel, ..., time) the root mean square of what can be heard of it, as (clip, channel).

    A mean below zero is taken off first: as a constant it carries no sound back, however large it is, such as that of a
    map that nothing drives after batch normalisation. Of maps that are nowhere negative it is :func:`activity_of`.

    Examples
    --------
    >>> heard_activity_of(torch.tensor([[[3.0, 1.0], [-9.0, -9.0], [-9.0, -7.0]]])).tolist()
    [[2.2360..., 0.0, 1.0]]
    """
    if maps.is_complex() or maps.ndim == 2:
        return activity_of(maps)
    flat = maps.flatten(2)
    return activity_of(flat - flat.mean(-1, keepdim=True).clamp(max=0))


def check_finite(values: Tensor, name: str) -> None:
    """Raise an InputError where activations at a tap are not finite: their sonification would look like silence."""
    check_real(values, name)
    if not values.isfinite().all():
        raise InputError(
            f"the activations at {name} are not finite: check the weights for NaN, and that the training converged"
        )


def check_real(values: Tensor, name: str) -> None:
    """Raise an InputError where feature maps are complex numbers, of which none is the largest."""
    if values.is_complex():
        raise InputError(f"the feature maps of {name} are complex: choose the layer that takes their magnitude")


def choose_channels(channels: Channels, n_maps: int, activity: Tensor, tap: Tap) -> list[int] | None:
    """Numbers of feature maps of a tap.

    Parameters
    ----------
    channels : int, sequence of int, "all", "layer" or None
        None for the `n_maps` most active over all clips. A map that is given twice is taken once.
    n_maps : int
    activity : Tensor, (clip, channel)
        From :func:`activity_of` or :func:`heard_activity_of`.
    tap : Tap
        For messages.

    Returns
    -------
    list of int or None
        None for "layer", the sum over maps.

    Raises
    ------
    InputError
        If there is no such map, or `n_maps` is below 1.

    Examples
    --------
    >>> tap = trace(nn.Conv1d(1, 3, 5), torch.zeros(1, 1, 100), sample_rate=8000)["conv1d"]
    >>> activity = torch.tensor([[1.0, 3.0, 2.0]])
    >>> choose_channels(None, 2, activity, tap), choose_channels([2, 0], 1, activity, tap)
    ([1, 2], [2, 0])
    """
    count = activity.shape[1]
    if channels == "layer":
        return None
    if channels == "all":
        return list(range(count))
    if channels is None:
        if n_maps < 1:
            raise InputError(f"n_maps has to be 1 or more, not {n_maps}")
        over_clips = activity.square().sum(0)
        most_active: list[int] = over_clips.topk(min(n_maps, count)).indices.tolist()
        return most_active
    numbers = [channels] if isinstance(channels, (int, np.integer)) else list(channels)
    for number in numbers:
        if not isinstance(number, (int, np.integer)) or not 0 <= number < count:
            raise InputError(f"unknown map {number!r}: {tap.name} has {count} feature maps, 0 to {count - 1}")
    if not numbers:
        raise InputError("no feature map was given: give at least one channel")
    return list(dict.fromkeys(map(int, numbers)))
