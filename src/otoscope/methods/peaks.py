"""The sound of the strongest activation of each map, at the cost of its receptive field."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from otoscope.probe import Rule, Tap, vjp
from otoscope.types import Progress


def sound_of_peaks(
    model: nn.Module,
    inputs: Tensor,
    value: Tensor,
    tap: Tap,
    chosen: list[int],
    rule: str | Rule,
    progress: Progress | None = None,
) -> Tensor | None:
    """Carry the strongest activation of each map back, running the model on nothing but what it sees.

    Parameters
    ----------
    model : nn.Module
    inputs : Tensor, (clip, ..., time)
    value : Tensor, (clip, channel, time)
        At the tap.
    tap : Tap
    chosen : list of int
        Maps.
    rule : str or callable
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of maps.

    Returns
    -------
    Tensor, (map, clip, ..., time), or None
        None where an activation depends on more than its receptive field, as the trace or its value shows, or where
        the model does not take clips so short.
    """
    local = (
        tap.clip_axis == 0
        and tap.time_axis == len(tap.shape) - 1 == 2
        and not tap.whole
        and float(tap.hop).is_integer()
    )
    if not local:
        return None
    peaks, at = value[:, chosen].max(-1)
    length = inputs.shape[-1]
    start, width = _crops(tap, at, length)
    maps_of = torch.tensor(chosen, device=value.device)
    sounds = inputs.new_zeros(len(chosen), *inputs.shape)
    done = 0
    for size in width.unique().tolist():
        clips, maps = torch.nonzero(width == size, as_tuple=True)
        for part in torch.arange(len(clips)).split(max(1, length // size)):  # together no longer than a clip
            c, m = clips[part], maps[part]
            places = list(zip(c.tolist(), m.tolist(), start[c, m].tolist(), strict=True))
            crops = torch.stack([inputs[i, ..., s : s + size] for i, _, s in places])
            position = at[c, m] - start[c, m] // int(tap.hop)
            crop_sounds = _pull_one_each(model, crops, tap.name, maps_of[m], position, peaks[c, m], rule)
            if crop_sounds is None:
                return None
            for sound, (i, j, s) in zip(crop_sounds, places, strict=True):
                sounds[j, i, ..., s : s + size] = sound
            done += len(part)
            if progress:
                progress(done // len(inputs), len(chosen))
    return sounds


def _crops(tap: Tap, at: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Where the piece of the clip that each element sees starts, and its width.

    Pieces start at multiples of the hop, so that every stride inside falls on the same samples, and have one width,
    so that they run together, unless the clip ends before.
    """
    field = tap.receptive_field or length
    hop, reach = int(tap.hop), (field - 1) / 2
    first = (tap.centre + at * tap.hop - reach).long().clamp(0, length - 1)
    last = (tap.centre + at * tap.hop + reach).long().clamp(0, length - 1)
    start = first // hop * hop
    stop = torch.maximum((start + field + hop).clamp(max=length), last + 1)
    return start, stop - start


def _pull_one_each(
    model: nn.Module,
    crops: Tensor,
    tap: str,
    channels: Tensor,
    position: Tensor,
    expected: Tensor,
    rule: str | Rule,
) -> Tensor | None:
    """Carry one element of each crop back; None where it is not what it was in the whole clip."""
    try:
        value, pull = vjp(model, crops, tap, rule)
    except (RuntimeError, ValueError, AssertionError):  # the model does not take a clip so short
        return None
    if int(position.max()) >= value.shape[-1]:
        return None
    rows = torch.arange(len(crops), device=value.device)
    found = value[rows, channels, position]
    if not torch.allclose(found, expected, rtol=1e-3, atol=1e-5 * float(expected.abs().max())):
        return None
    seed = torch.zeros_like(value)
    seed[rows, channels, position] = found
    return pull(seed)
