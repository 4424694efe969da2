"""Feature maps of a tap: one layout for all of them, how active they are, and which are meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from torch import Tensor

from otoscope.errors import InputError
from otoscope.probe import Tap

Channels = int | Sequence[int] | Literal["all", "layer"] | None


def by_clip(value: Tensor, tap: Tap) -> Tensor:
    """The value of a tap as (clip, channel, ..., time), time being last where there is any.

    Without an axis of channels there is one channel. Where frames are the batch, the value has to be of one clip.
    """
    value, shift = (value[None], 1) if tap.time_axis == 0 else (value, 0)
    if tap.channel_axis is None:
        return value[:, None]
    axes = [axis for axis in range(value.ndim) if axis not in (0, tap.channel_axis + shift)]
    if tap.time_axis is not None:
        axes.remove(tap.time_axis + shift)
        axes.append(tap.time_axis + shift)
    return value.permute(0, tap.channel_axis + shift, *axes)


def activity_of(values: Tensor) -> Tensor:
    """Root mean square of every map of (clip, channel, ..., time), as (clip, channel)."""
    return values.flatten(2).square().mean(-1).sqrt() if values.ndim > 2 else values.abs()


def check_finite(values: Tensor, name: str) -> None:
    """Raise an InputError where activations at a tap are not finite: their sound would pass for silence."""
    if not values.isfinite().all():
        raise InputError(
            f"the activations at {name} are not finite: do the weights hold NaN, or did the training diverge?"
        )


def choose_channels(channel: Channels, top: int, activity: Tensor, tap: Tap) -> list[int] | None:
    """Numbers of the maps that are meant, None for the whole layer.

    Parameters
    ----------
    channel : int, sequence of int, "all", "layer" or None
        None for the `top` most active over all clips. A map that is named twice is meant once.
    top : int
    activity : Tensor, (clip, channel)
    tap : Tap
    """
    count = activity.shape[1]
    if channel == "layer":
        return None
    if channel == "all":
        return list(range(count))
    if channel is None:
        if top < 1:
            raise InputError(f"top has to be 1 or more, not {top}")
        over_clips = activity.square().sum(0)
        return over_clips.topk(min(top, count)).indices.tolist()
    numbers = [channel] if isinstance(channel, (int, np.integer)) else list(channel)
    for number in numbers:
        if not isinstance(number, (int, np.integer)) or not 0 <= number < count:
            raise InputError(f"unknown map {number!r}: {tap.name} has {count} feature maps, 0 to {count - 1}")
    if not numbers:
        raise InputError("no feature map was asked for: give at least one channel")
    return list(dict.fromkeys(map(int, numbers)))
