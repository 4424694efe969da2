"""A shorter stretch of sound on which the downsampling steps of a model do what they do on the whole."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from otoscope.probe import Tap
from otoscope.probe.decimation import watch_steps
from otoscope.subject import Subject
from otoscope.trial import REFUSALS

_WHOLE_VALUES = 8  # of the result of each step, that see the sound alone
_ROUNDING = 1e-4


def stretch_of(subject: Subject, inputs: Tensor, steps: Sequence[Tap], least: int) -> Tensor:
    """As much of a clip as its downsampling steps need, where the model up to the last of them takes that.

    Many a model takes sounds of one length because of what comes behind its convolutions. Its steps see pieces of
    the sound, and can be watched on a shorter one, in a fraction of the time.

    Parameters
    ----------
    subject : Subject
    inputs : Tensor, (1, channel, time)
        Of the length that the model takes.
    steps : sequence of Tap
        Of that clip.
    least : int
        Samples that the stretch has at least.

    Returns
    -------
    Tensor, (1, channel, time)
        The first samples of the clip, so many that each step returns eight values or more that see no edge. The whole
        clip where that is as long, where a step depends on more than a piece of it, and where the model takes no
        shorter sound, or does something else with it: two passes with noise find out.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Conv1d(1, 2, 5, stride=4), torch.nn.Flatten(), torch.nn.Linear(3998, 2))
    >>> model.input_length = 8000
    >>> subject, clip = Subject(model, sample_rate=8000), torch.zeros(1, 1, 8000)
    >>> steps = [tap for tap in subject.taps().values() if tap.name == "0"]
    >>> stretch_of(subject, clip, steps, 100).shape
    torch.Size([1, 1, 100])
    """
    needed = max(least, *map(_needed, steps))
    if needed > inputs.shape[-1] - 1 or not _same_steps(subject, inputs, steps, math.ceil(needed)):
        return inputs
    return inputs[..., : math.ceil(needed)]


def _needed(tap: Tap) -> float:
    """Samples in which a tap has its values that see no edge; infinitely many where each depends on the clip."""
    if tap.receptive_field is None or tap.whole:
        return math.inf
    return tap.receptive_field + tap.uneven + _WHOLE_VALUES * tap.hop


def _same_steps(subject: Subject, inputs: Tensor, steps: Sequence[Tap], samples: int) -> bool:
    """Whether each step returns of the first samples what it returns of all, as far as it sees no more than those."""
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal(tuple(inputs.shape)) / 10).to(inputs)
    seen: list[dict[str, tuple[int, Tensor]]] = []
    for clip in (noise, noise[..., :samples]):
        values: dict[str, tuple[int, Tensor]] = {}

        def keep(tap: Tap, before: Tensor, after: Tensor, values: dict[str, tuple[int, Tensor]] = values) -> None:
            assert tap.time_axis is not None
            count = after.shape[tap.time_axis]
            values[tap.name] = count, after.narrow(tap.time_axis, 0, min(count, _inside(tap, samples))).clone()

        try:
            watch_steps(subject.network, clip, steps, keep)
        except REFUSALS:
            return False
        seen.append(values)
    whole, part = seen
    return whole.keys() == part.keys() and all(
        abs(whole[tap.name][0] - part[tap.name][0] - (inputs.shape[-1] - samples) / tap.hop) < 2
        and _alike(whole[tap.name][1], part[tap.name][1], tap)
        for tap in steps
    )


def _inside(tap: Tap, samples: int) -> int:
    """How many values of a tap see nothing behind the first samples."""
    assert tap.receptive_field is not None
    last = samples - tap.centre - tap.uneven - (tap.receptive_field + 1) / 2
    return max(0, math.floor(last / tap.hop) + 1)


def _alike(one: Tensor, other: Tensor, tap: Tap) -> bool:
    """Whether values are the same but for rounding, as to what of them moves in time."""
    if one.shape != other.shape or not one.numel():
        return False
    assert tap.time_axis is not None
    moving = (one - one.mean(tap.time_axis, keepdim=True)).abs().max()
    rounding = 16 * torch.finfo(one.dtype).eps * one.abs().max()
    return bool((one - other).abs().max() <= _ROUNDING * moving + rounding)
