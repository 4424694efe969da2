"""Aliasing: which energy of a sound a model folds when it drops samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.citations import cite
from otoscope.dsp.aliasing import Energies, band_energies
from otoscope.errors import InputError
from otoscope.methods.catalogue import Rows, method
from otoscope.probe import Tap, trace
from otoscope.probe.decimation import downsampling_steps, time_stride, watch_steps
from otoscope.probe.select import by_clip
from otoscope.results import axis, variable
from otoscope.subject import Subject
from otoscope.types import Wave


@method(
    source=cite("simplenet", "section 2.2.3 and Fig. 3"),
    takes="wave",
    rows=Rows(("step",), ("op", "stride", "rate_before", "nyquist", "share", "share_with_mean", "skipped")),
    main="share",
)
def aliasing(subject: Subject, wave: Wave) -> xr.Dataset:
    r"""Share of energy that each downsampling step folds into the frequencies that it keeps.

    Parameters
    ----------
    wave : wave, (time,) or (clip, time)
        A sound file, or samples at the rate of the model.

    Returns
    -------
    Dataset
        `share` (clip, step), 0 to 1, of the energy without the mean; `share_with_mean` (clip, step), of all of it;
        `channel_share` (clip, step, channel), the first for each channel, NaN where a step has fewer. Coordinates of a
        step: `op`, `stride`, `rate_before`, `rate_after` and `nyquist` (the new limit), in Hz. What is silent has
        no share: NaN. `skipped` names the taps that shorten a sound in another way.

    Raises
    ------
    InputError
        If no convolution or pooling of the model has a stride along time.

    Notes
    -----
    With y the result that the step would have at stride 1 and s its stride,

    .. math:: \mathrm{share} = \frac{\sum_{f > r / 2 s} |Y(f)|^2}{\sum_{f > 0} |Y(f)|^2}

    where r is the rate before the step, and the sums go over all channels. Max pooling is seen so as the largest value
    of every window at stride 1, then decimated. The step returns every s-th value, in which all of this energy lies
    below the new limit. The mean is left out because it is never folded: rectified maps have
    a large one, next to which everything else looks small. Slices with a step (``x[..., ::2]``) are not seen.

    Examples
    --------
    Of white noise, what keeps one sample of four folds three quarters:

    >>> subject = Subject(torch.nn.Conv1d(1, 1, 1, stride=4), sample_rate=16_000)
    >>> result = aliasing(subject, torch.randn(16_000))
    >>> abs(float(result.share[0]) - 0.75) < 0.03, float(result.nyquist[0])
    (True, 2000.0)
    """
    inputs = subject.inputs(wave)
    steps, skipped = steps_of(subject, inputs)
    shares, with_means = np.full((2, len(inputs), len(steps)), np.nan)
    channels = np.full((len(inputs), len(steps), max(tap.channels for tap in steps)), np.nan)
    place = {tap.name: i for i, tap in enumerate(steps)}
    for clip, one in enumerate(torch.split(inputs, 1)):

        def look(tap: Tap, before: Tensor, after: Tensor, clip: int = clip) -> None:
            energies = energies_of(tap, before)
            step, sums = place[tap.name], Energies(*(energy.sum() for energy in energies))
            shares[clip, step] = share_of(sums)
            with_means[clip, step] = sums.above / sum(sums)
            channels[clip, step, : tap.channels] = share_of(energies)

        watch_steps(subject.network, one, steps, look)
    return xr.Dataset(
        {
            "share": variable(["clip", "step"], shares, "share of energy above the new limit"),
            "share_with_mean": variable(["clip", "step"], with_means, "share of energy, the mean included"),
            "channel_share": variable(["clip", "step", "channel"], channels, "share of energy of each channel"),
            "skipped": skipped_steps(skipped),
        },
        coords=step_coordinates(steps) | {"channel": axis("channel", np.arange(channels.shape[-1]), "channel")},
    )


def steps_of(subject: Subject, inputs: Tensor) -> tuple[list[Tap], dict[str, str]]:
    """The downsampling steps of a model, and why other taps that shorten a sound are none; at least one step."""
    steps, skipped = downsampling_steps(trace(subject.network, inputs, subject.sample_rate, subject.time_axes))
    if not steps:
        beside = f" ({skipped_steps(skipped).values})" if skipped else ""
        raise InputError(
            f"no convolution or pooling of this model has a stride along time{beside}, so there is nothing to fold: "
            "look at a model with strided layers"
        )
    return steps, skipped


def skipped_steps(skipped: Mapping[str, str]) -> xr.Variable:
    """The taps that shorten a sound in another way, in words."""
    text = "; ".join(f"{name}: {reason}" for name, reason in skipped.items()) or "nothing"
    return variable([], text, "taps that shorten the sound in another way")


def energies_of(tap: Tap, before: Tensor) -> Energies:
    """Of every channel of one clip, on either side of the new limit."""
    rows = real_maps(by_clip(before, tap)).transpose(0, 1).flatten(1, -2)  # (channel, all else, time)
    return Energies(*(energy.double().sum(-1).cpu() for energy in band_energies(rows, 0.5 / time_stride(tap))))


def real_maps(maps: Tensor) -> Tensor:
    """(clip, channel, ..., time) of a precision that has a Fourier transform, complex maps as two maps of each."""
    if maps.is_complex():
        maps = torch.stack([maps.real, maps.imag], 2)
    return maps.to(torch.promote_types(maps.dtype, torch.float32))


def share_of(energies: Energies) -> np.ndarray:
    """Of the energy without the mean; NaN where nothing but rounding moves about the mean."""
    moving = energies.below + energies.above
    return torch.where(moving > 1e-12 * energies.mean, energies.above / moving, math.nan).numpy()


def step_coordinates(steps: Sequence[Tap]) -> dict[str, xr.Variable]:
    strides = np.array([time_stride(tap) for tap in steps])
    rates = np.array([tap.rate for tap in steps])
    return {
        "step": axis("step", [tap.name for tap in steps], "tap that downsamples"),
        "op": axis("step", [tap.op for tap in steps], "operation"),
        "stride": axis("step", strides, "stride along time"),
        "rate_before": axis("step", rates * strides, "rate before the step", "Hz"),
        "rate_after": axis("step", rates, "rate after the step", "Hz"),
        "nyquist": axis("step", rates / 2, "half the rate after the step", "Hz"),
    }
