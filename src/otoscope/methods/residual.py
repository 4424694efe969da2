"""A sound without what the most active maps of a model respond to: x - s."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from torch import Tensor, nn

from otoscope.citations import cite
from otoscope.heard import joined_note
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.most_active import sounds_of_most_active
from otoscope.methods.sonify import of_channels, scaled
from otoscope.methods.ways import with_a_way_back
from otoscope.probe import Rule, RuleName, Tap, rule_name
from otoscope.probe.select import find_taps
from otoscope.results import axis, variable
from otoscope.subject import Subject
from otoscope.types import Wave


@method(
    source=cite("sonification", "section 6.2"),
    takes="wave",
    explains=True,
    rows=Rows(("layer",), ("channel", "level"), names=("channel",)),
)
def residual(
    subject: Subject,
    wave: Wave,
    *,
    layer: str | Sequence[str] | None = None,
    rule: RuleName | Rule = "deconvnet",
) -> xr.Dataset:
    r"""A sound without the sonification of the most active map of each layer.

    Parameters
    ----------
    wave : wave, (time,) or (clip, time)
        A sound file, or samples at the rate of the model.
    layer : str or sequence of str, optional
        One or several taps, by their names or the ends of them; by default the ends of all blocks, but for those from
        which the rule finds no way back, which a note names.
    rule : {"deconvnet", "guided", "gradient"} or callable
        What activations pass back, see :mod:`otoscope.probe.rules`.

    Returns
    -------
    Dataset
        `residual` (clip, layer, time); of a silent layer it is the sound itself. `channel` (clip, layer), the map of
        the largest root mean square (without a mean below zero, which cannot be heard), whose sonification was taken
        out; `level` (clip, layer), the root mean square of
        the residual over that of the sound, in dB (NaN for silence). Where the model heard several channels, `residual`
        has the axis `input_channel` before `time`.

    Raises
    ------
    InputError
        If there is no such tap or rule, or activations are not finite.

    Notes
    -----
    :math:`r = x - s` with the sonification s scaled to :math:`\max |x|`, as :func:`otoscope.methods.sonify.sonify` does
    it. The map is chosen for each clip by itself.

    Examples
    --------
    >>> import torch
    >>> scope = Subject(nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU()), sample_rate=8000)
    >>> residual(scope, torch.randn(2, 4000)).residual.sizes
    Frozen({'clip': 2, 'layer': 1, 'time': 4000})
    """
    inputs = subject.inputs(wave)
    taps = find_taps(subject.network, inputs, subject.sample_rate, layer, subject.time_axes)
    left_out: list[str] = []
    if layer is None:
        taps, left_out = with_a_way_back(subject.network, inputs, taps, rule)
    sounds, channels = residuals_of(subject.network, inputs, taps, rule)
    names = [tap.name for tap in taps]
    of, where = of_channels(inputs.shape[1])
    apart = sounds.reshape(*sounds.shape[:2], *inputs.shape[-2 if of else -1 :])
    result = xr.Dataset(
        {
            "residual": variable(["clip", "layer", *of, "time"], apart, "residual sound"),
            "channel": variable(["clip", "layer"], channels, "most active map"),
            "level": variable(["clip", "layer"], _level(sounds, inputs), "level of the residual re the sound", "dB"),
        },
        coords={
            "layer": names,
            "time": axis("time", np.arange(inputs.shape[-1]) / subject.sample_rate, "time", "s"),
            **where,
        },
        attrs={"sample_rate": subject.sample_rate, "rule": rule_name(rule), **joined_note(*left_out)},
    )
    result["residual"].attrs["sample_rate"] = subject.sample_rate  # by which it is played
    return resolved(result, layer=names)


def residuals_of(model: nn.Module, inputs: Tensor, taps: Sequence[Tap], rule: RuleName | Rule) -> tuple[Tensor, Tensor]:
    """The residuals (clip, tap, time) of waveforms, and the maps (clip, tap) that they lack.

    Those of several channels follow one another along the last axis.
    """
    sounds, channels = taken_out_of(model, inputs, taps, rule)
    return inputs.reshape(len(inputs), 1, -1) - sounds, channels


def taken_out_of(model: nn.Module, inputs: Tensor, taps: Sequence[Tap], rule: RuleName | Rule) -> tuple[Tensor, Tensor]:
    """What residuals (clip, tap, time) lack, and the maps (clip, tap) that it is the sound of."""
    sounds, channels = sounds_of_most_active(model, inputs, taps, rule)
    return scaled(sounds, inputs.reshape(len(inputs), 1, -1)), channels


def _level(sounds: Tensor, inputs: Tensor) -> Tensor:
    """(clip, layer), in dB; NaN where the sound is silent, and -inf where nothing is left."""
    power = inputs.reshape(len(inputs), 1, -1).double().square().mean(-1)
    return 10 * (sounds.double().square().mean(-1) / power).log10()
