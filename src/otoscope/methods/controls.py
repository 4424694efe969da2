"""What is taken out of a sound in place of its most active map, as loud as that: controls of a residual."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from otoscope.methods.most_active import sounds_of_maps_chosen
from otoscope.probe import Rule, RuleName, Tap

Control = Literal["live_map", "noise", "moved"]

CONTROLS: tuple[Control, ...] = get_args(Control)
"""Another map that is active in the clip; noise with the spectrum of the map's sound; that sound, moved in time."""

_LIVE = 1e-6  # of the most active map


def controls_of(
    model: nn.Module,
    inputs: Tensor,
    taps: Sequence[Tap],
    rule: RuleName | Rule,
    sounds: Tensor,
    channels: Tensor,
    controls: Sequence[Control],
    *,
    samples: Sequence[int] | None = None,
    seed: int = 0,
) -> Tensor:
    """Sounds to take out of clips in place of those of their most active maps, each as loud as that.

    Parameters
    ----------
    model : nn.Module
    inputs : Tensor, (clip, ..., time)
    taps : sequence of Tap
    rule : str or callable
        What activations pass back, see :mod:`otoscope.probe.rules`.
    sounds : Tensor, (clip, tap, time)
        Of the most active maps, as they are taken out.
    channels : Tensor of int, (clip, tap)
        Those maps.
    controls : sequence of {"live_map", "noise", "moved"}
    samples : sequence of int, optional
        How many samples of each clip are its own; what was filled up stays out of noise and of what is moved.
    seed : int
        Of what is drawn, for each clip and tap by itself: it does not depend on the clips beside it.

    Returns
    -------
    Tensor, (control, clip, tap, time)
        Of the root mean square of `sounds`; silence where those are silent, and NaN where there is no other live map,
        or its sound is silent.

    Examples
    --------
    >>> from otoscope.methods.residual import taken_out_of
    >>> from otoscope.probe import trace
    >>> model, clips = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU()), torch.randn(3, 1, 400)
    >>> taps = [trace(model, clips, 8000)["1"]]
    >>> sounds, channels = taken_out_of(model, clips, taps, "deconvnet")
    >>> found = controls_of(model, clips, taps, "deconvnet", sounds, channels, CONTROLS)
    >>> found.shape, bool(torch.allclose(found.square().mean(-1), sounds.square().mean(-1).expand(3, 3, 1)))
    (torch.Size([3, 3, 1, 400]), True)
    """
    if not controls:
        return sounds.new_zeros(0, *sounds.shape)
    own = [inputs.shape[-1]] * len(inputs) if samples is None else samples
    marks = [[_mark(clip, tap, seed) for tap in taps] for clip in inputs]
    found: dict[Control, Tensor] = {}
    for control in controls:
        if control == "live_map":
            found[control] = _of_live_maps(model, inputs, taps, rule, channels, marks)
        elif control == "noise":
            found[control] = _each(sounds, own, lambda one, clip, tap: _with_random_phases(one, marks[clip][tap]))
        else:
            found[control] = _each(sounds, own, lambda one, clip, tap: one.roll(len(one) // 2))
    return torch.stack([_as_loud(found[control], sounds) for control in controls])


def _mark(clip: Tensor, tap: Tap, seed: int) -> list[int]:
    """The seed of what is drawn for a clip and a tap."""
    digest = hashlib.sha256(clip.detach().float().cpu().numpy().tobytes() + tap.name.encode()).digest()
    return [seed, int.from_bytes(digest[:8], "little")]


def _of_live_maps(
    model: nn.Module,
    inputs: Tensor,
    taps: Sequence[Tap],
    rule: RuleName | Rule,
    channels: Tensor,
    marks: Sequence[Sequence[Sequence[int]]],
) -> Tensor:
    """The sound of another live map (clip, tap, time); silence where there is none."""
    numbers = {tap.name: number for number, tap in enumerate(taps)}
    alone = torch.zeros(channels.shape, dtype=torch.bool)

    def drawn(activity: Tensor, tap: Tap, first: int) -> Tensor:
        chosen = []
        for clip, one in enumerate(activity.cpu().numpy(), first):
            live = one > _LIVE * one.max()
            live[int(channels[clip, numbers[tap.name]])] = False
            (others,) = np.nonzero(live)
            alone[clip, numbers[tap.name]] = not len(others)
            rng = np.random.default_rng(marks[clip][numbers[tap.name]])
            chosen.append(int(rng.choice(others)) if len(others) else 0)
        return torch.tensor(chosen, device=activity.device)

    sounds, _ = sounds_of_maps_chosen(model, inputs, taps, rule, drawn)
    return torch.where(alone.to(sounds.device)[..., None], 0.0, sounds)


def _each(sounds: Tensor, own: Sequence[int], change: Callable[[Tensor, int, int], Tensor]) -> Tensor:
    """Sounds (clip, tap, time) of which that part is changed which lies in the clip itself."""
    changed = torch.zeros_like(sounds)
    for clip, samples in enumerate(own):
        for tap in range(sounds.shape[1]):
            changed[clip, tap, :samples] = change(sounds[clip, tap, :samples], clip, tap)
    return changed


def _with_random_phases(sound: Tensor, mark: Sequence[int]) -> Tensor:
    """Noise with the magnitude spectrum of a sound (time,)."""
    spectrum = np.fft.rfft(sound.detach().double().cpu().numpy())
    turns = np.random.default_rng(mark).random(len(spectrum))
    turns[0] = 0.0  # a constant stays one
    if len(sound) % 2 == 0:
        turns[-1] = 0.0
    return torch.from_numpy(np.fft.irfft(spectrum * np.exp(2j * np.pi * turns), len(sound))).to(sound)


def _as_loud(controls: Tensor, sounds: Tensor) -> Tensor:
    """Controls (clip, tap, time) at the root mean square of sounds; NaN where they are silent and those are not."""
    level, wanted = (one.double().square().mean(-1, keepdim=True).sqrt() for one in (controls, sounds))
    scaled = controls * (wanted / level).to(controls)
    return torch.where(wanted > 0, torch.where(level > 0, scaled, torch.nan), 0.0)
