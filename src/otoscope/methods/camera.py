"""Grad-CAM: where in time the maps of a layer speak for an output (Selvaraju et al. 2017)."""

from __future__ import annotations

import math

import torch
import xarray as xr
from torch import Tensor

from otoscope.errors import InputError
from otoscope.methods.slide import joined, parts_along, pieces_of
from otoscope.probe import Tap, trace
from otoscope.probe.between import Between, between
from otoscope.probe.trace import Trace
from otoscope.results import variable
from otoscope.subject import Subject


class Camera:
    """What a model answers, and at every sample how much the maps of a layer there speak for an output.

    Parameters
    ----------
    subject : Subject
    inputs : Tensor, (clip, ..., time)
        As the model takes them.
    layer : str, optional
        A tap; the last convolution with a time axis by default.

    Attributes
    ----------
    found : Answer

    Raises
    ------
    InputError
        If there is no such tap, or it has no axis of time or of feature maps.

    Notes
    -----
    With maps :math:`A_k` of a layer and the output y,

    .. math:: \\operatorname{ReLU}\\Big(\\sum_k a_k A_k(t)\\Big), \\qquad
              a_k = \\operatorname{mean}_t\\big(\\partial y / \\partial A_k(t)\\big)

    at the centre of what each element sees of the sound, and straight lines between. Where maps have an axis of
    frequency beside time, the mean is over both, and the sum over frequency is taken.

    Examples
    --------
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv1d(1, 2, 30), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    >>> camera = Camera(Subject(model, sample_rate=8000), torch.randn(1, 1, 100))
    >>> camera.taken(torch.tensor([[1.0, 0.0]]))[1].sizes
    Frozen({'clip': 1, 'time': 100})
    """

    def __init__(self, subject: Subject, inputs: Tensor, layer: str | None = None) -> None:
        network, self._inputs = subject.network, inputs
        self._pieces = pieces_of(network, inputs)
        parts = inputs.split(1) if self._pieces is None else parts_along(network, self._pieces, inputs)
        self._parts = [one for part in parts for one in part.split(1)]
        taps = trace(network, self._parts[0], subject.sample_rate, subject.time_axes)
        self.tap = last_convolution(taps) if layer is None else taps[layer]
        if self.tap.channel_axis is None or self.tap.time_axis is None or not math.isfinite(self.tap.hop):
            raise InputError(
                f"{self.tap.name} has no feature maps along time, which Grad-CAM looks at: give another layer, such as "
                "a convolution"
            )
        self._ways: list[Between] = [between(network, one, self.tap.name) for one in self._parts]
        self.found = joined([way.answer for way in self._ways], self._pieces)

    def taken(self, seed: Tensor) -> tuple[Tensor, xr.Dataset]:
        """The sound weighted by what speaks for an output, and `time_relevance` (clip, time)."""
        seeds = (seed if self._pieces is None else self._pieces.spread(seed)).split(1)
        maps = torch.cat([self._map(way, one) for way, one in zip(self._ways, seeds, strict=True)])[:, None]
        found = (maps if self._pieces is None else self._pieces.join(maps))[:, 0].to(self._inputs)
        shown = {"time_relevance": variable(["clip", "time"], found, "how much the maps there speak for the output")}
        weights = found.reshape(len(found), *[1] * (self._inputs.ndim - 2), -1)
        return weights * self._inputs, xr.Dataset(shown)

    def _map(self, way: Between, seed: Tensor) -> Tensor:
        """(1, time)"""
        maps, slope = way.value, way.pull(seed)
        if maps.is_complex():
            raise InputError(
                f"the feature maps of {self.tap.name} are complex: choose the layer that takes their magnitude"
            )
        channel, time = self.tap.channel_axis, self.tap.time_axis
        assert channel is not None and time is not None
        over = [axis for axis in range(maps.ndim) if axis != channel % maps.ndim]
        weighted = (slope.mean(over, keepdim=True) * maps).sum(channel, keepdim=True).relu()
        strength = weighted.movedim(time, -1).flatten(0, -2).sum(0)
        return placed(strength, self.tap, self._parts[0].shape[-1])[None]


def last_convolution(taps: Trace) -> Tap:
    """The last convolution with an axis of time and one of feature maps; of none, the last such tap."""
    fit = [
        tap
        for tap in taps.values()
        if tap.time_axis is not None and tap.channel_axis is not None and math.isfinite(tap.hop)
    ]
    if not fit:
        raise InputError("no layer has feature maps along time, which Grad-CAM looks at: choose another rule")
    return next((tap for tap in reversed(fit) if tap.kind == "convolution"), fit[-1])


def placed(values: Tensor, tap: Tap, samples: int) -> Tensor:
    """Values of a tap (time,) at every sample: each at the centre of what it sees, straight lines between.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from otoscope.probe import trace
    >>> tap = next(iter(trace(torch.nn.Conv1d(1, 1, 3, stride=2), torch.zeros(1, 1, 7), 8000).values()))
    >>> placed(torch.tensor([0.0, 2.0, 4.0]), tap, 7)
    tensor([0., 0., 1., 2., 3., 4., 4.])
    """
    place = (torch.arange(samples, device=values.device, dtype=torch.float64) - tap.centre) / tap.hop
    place = place.clamp(0, len(values) - 1)
    low = place.floor().long().clamp(max=max(0, len(values) - 2))
    return torch.lerp(values[low], values[(low + 1).clamp(max=len(values) - 1)], (place - low).to(values))
