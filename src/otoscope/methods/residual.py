"""A sound without what the most active maps of a model respond to: x - s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from torch import Tensor, nn

from otoscope.methods.most_active import sounds_of_most_active
from otoscope.methods.sonify import scaled
from otoscope.probe import Rule, Tap, rule_name
from otoscope.probe.select import find_taps
from otoscope.results import axis, sign, to_numpy, variable

SOURCE = "Yadav 2022, section 6.2"


def residual(
    model: nn.Module,
    inputs: Tensor,
    *,
    sample_rate: float,
    layers: Sequence[str] | None = None,
    rule: str | Rule = "deconvnet",
    time_axes: Mapping[str, int] | None = None,
) -> xr.DataArray:
    r"""A sound without the sonification of the most active map of each layer.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms.
    inputs : Tensor, (clip, ..., time)
        Waveforms as the model takes them.
    sample_rate : float
        In Hz.
    layers : sequence of str, optional
        Taps, by their names or the ends of them; the ends of all blocks by default.
    rule : {"deconvnet", "guided", "gradient"} or callable
        What activations pass back, see :mod:`otoscope.probe.rules`.
    time_axes : mapping of str to int, optional
        Taps whose time axis you know better than the trace, with that axis.

    Returns
    -------
    DataArray, (clip, layer, time)
        Of a silent layer it is the sound itself. The coordinate `channel` (clip, layer) is the map of the largest root
        mean square.

    Raises
    ------
    InputError
        If there is no such tap or rule.

    Notes
    -----
    :math:`r = x - s` with the sonification s scaled to :math:`\max |x|`, as :func:`otoscope.methods.sonify` does it.
    The map is chosen for each clip by itself.

    Examples
    --------
    >>> import torch
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU())
    >>> residual(model, torch.randn(2, 1, 4000), sample_rate=8000).sizes
    Frozen({'clip': 2, 'layer': 1, 'time': 4000})
    """
    taps = find_taps(model, inputs, sample_rate, layers, time_axes)
    sounds, channels = residuals_of(model, inputs, taps, rule)
    result = xr.DataArray(
        to_numpy(sounds),
        dims=("clip", "layer", "time"),
        coords={
            "layer": [tap.name for tap in taps],
            "time": axis("time", np.arange(inputs.shape[-1]) / sample_rate, "time", "s"),
            "channel": variable(["clip", "layer"], channels, "most active map"),
        },
        name="residual",
        attrs={"long_name": "residual sound", "sample_rate": sample_rate, "rule": rule_name(rule)},
    )
    return sign(result, "residual", SOURCE, layers=layers, rule=rule)


def residuals_of(model: nn.Module, inputs: Tensor, taps: Sequence[Tap], rule: str | Rule) -> tuple[Tensor, Tensor]:
    """The residuals (clip, tap, time) of waveforms, and the maps (clip, tap) that they lack."""
    sounds, channels = sounds_of_most_active(model, inputs, taps, rule)
    waveform = inputs.reshape(len(inputs), 1, -1)
    return waveform - scaled(sounds, waveform), channels
