"""The sound of the most active feature map of each clip, which is another map from clip to clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from otoscope.probe import Rule, Tap
from otoscope.probe.layerwise import ways_back
from otoscope.probe.select import by_clip, check_finite, heard_activity_of, parts_of

Choose = Callable[[Tensor, Tap, int], Tensor]
"""From the activity (clip, channel) at a tap, and the number of the first clip, to a map of each clip (clip,)."""


def sounds_of_most_active(
    model: nn.Module, inputs: Tensor, taps: Sequence[Tap], rule: str | Rule = "deconvnet"
) -> tuple[Tensor, Tensor]:
    """Carry the most active map of every tap and clip back to its waveform, by one forward pass for all.

    Parameters
    ----------
    model : nn.Module
    inputs : Tensor, (clip, ..., time)
    taps : sequence of Tap
        Of this model; of their shapes only the order of the axes counts.
    rule : str or callable
        What activations pass back, see :mod:`otoscope.probe.rules`.

    Returns
    -------
    sounds : Tensor, (clip, tap, time)
        Not scaled; silence where no map is active. Those of several channels follow one another along the last axis.
    channels : Tensor of int, (clip, tap)
        The maps of the largest root mean square, without a mean below zero, which cannot be heard.

    Raises
    ------
    InputError
        If activations are not finite.

    Examples
    --------
    >>> from otoscope.probe import trace
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU())
    >>> clips = torch.randn(3, 1, 400)
    >>> sounds, channels = sounds_of_most_active(model, clips, [trace(model, clips, 8000)["1"]])
    >>> sounds.shape, channels.shape
    (torch.Size([3, 1, 400]), torch.Size([3, 1]))
    """
    return sounds_of_maps_chosen(model, inputs, taps, rule, lambda activity, tap, first: activity.argmax(1))


def sounds_of_maps_chosen(
    model: nn.Module, inputs: Tensor, taps: Sequence[Tap], rule: str | Rule, choose: Choose
) -> tuple[Tensor, Tensor]:
    """The same of maps that are chosen from the activity of all of them."""
    sounds, channels, first = [], [], 0
    for group in parts_of(inputs, taps):
        ways = ways_back(model, group, [tap.name for tap in taps], rule)
        for tap in taps:
            seed, chosen = _only_chosen(ways.values[tap.name], tap, choose, first)
            sounds.append(ways.pull(tap.name, seed).reshape(len(group), -1))
            channels.append(chosen)
        first += len(group)
    return _joined(sounds, len(taps)), _joined(channels, len(taps))


def _only_chosen(value: Tensor, tap: Tap, choose: Choose, first: int) -> tuple[Tensor, Tensor]:
    """The value with zeros in all but one map of each clip, and which map that is."""
    maps, seed = by_clip(value, tap), torch.zeros_like(value)
    check_finite(maps, tap.name)
    chosen = choose(heard_activity_of(maps), tap, first)
    clips = torch.arange(len(maps), device=maps.device)
    by_clip(seed, tap)[clips, chosen] = maps[clips, chosen]
    return seed, chosen


def _joined(parts: list[Tensor], taps: int) -> Tensor:
    """Parts by group and tap as (clip, tap, ...)."""
    return torch.cat([torch.stack(parts[start : start + taps], dim=1) for start in range(0, len(parts), taps)])
