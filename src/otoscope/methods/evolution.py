"""How features come to be: the same maps for the same sounds at the checkpoints of a training."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import xarray as xr
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.methods.peaks import Progress
from otoscope.methods.sonify import sonify
from otoscope.probe import Rule, rule_name
from otoscope.probe.select import Channels
from otoscope.results import axis, sign, variable

_SOURCE = "Yadav 2022, section 5.3.3"
State = Mapping[str, Tensor]
Checkpoint = tuple[int | str, State | Callable[[], State]]


def feature_evolution(
    model: nn.Module,
    inputs: Tensor,
    *,
    sample_rate: float,
    checkpoints: Sequence[Checkpoint],
    layer: str,
    channel: Channels = None,
    top: int = 1,
    rule: str | Rule = "deconvnet",
    time_axes: Mapping[str, int] | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Sonifications of the same maps for the same sounds at every checkpoint of a training.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms. It gets its own weights back, also after an error.
    inputs : Tensor, (clip, ..., time)
        Waveforms as the model takes them.
    sample_rate : float
        In Hz.
    checkpoints : sequence of (label, weights)
        In the order of the training. The label is a number of steps, or a name; the weights are a state dict, or a
        function that reads one, so that only one is held at a time.
    layer : str
        The tap whose maps are heard.
    channel : int, sequence of int, "all" or "layer", optional
        As in :func:`otoscope.methods.sonify`. By default the `top` maps that are most active at the last checkpoint.
    top : int
        How many of the most active maps.
    rule : {"deconvnet", "guided", "gradient"} or callable
        What activations pass back, see :mod:`otoscope.probe.rules`.
    time_axes : mapping of str to int, optional
        Taps whose time axis you know better than the trace, with that axis.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of checkpoints.

    Returns
    -------
    Dataset
        `sonification` (clip, checkpoint, channel, time), each scaled to the peak of its clip; `activity` (clip,
        checkpoint, channel), the root mean square of the map, which tells a dead map from a loud one; `input` (clip,
        time).

    Raises
    ------
    InputError
        If a checkpoint does not fit the model or its activations are not finite, or there is no such tap or map.

    Notes
    -----
    Sounds and maps are held fixed and only the weights go back in training time, so that what changes is the feature.

    Examples
    --------
    >>> import torch
    >>> model = nn.Sequential(nn.Conv1d(1, 4, 30, stride=10), nn.ReLU())
    >>> before = {name: torch.zeros_like(value) for name, value in model.state_dict().items()}
    >>> run = [(0, before), (100, model.state_dict())]
    >>> result = feature_evolution(model, torch.randn(1, 1, 400), sample_rate=8000, checkpoints=run, layer="1")
    >>> result.activity.sizes
    Frozen({'clip': 1, 'checkpoint': 2, 'channel': 1})
    """
    _check(checkpoints)
    asked: dict[str, Any] = {"sample_rate": sample_rate, "layer": layer, "rule": rule, "time_axes": time_axes}

    def sounds_at(checkpoint: Checkpoint, channel: Channels) -> xr.DataArray:
        _load(model, checkpoint)
        try:
            return sonify(model, inputs, channel=channel, top=top, **asked)
        except InputError as error:
            raise InputError(f"{error} (with the weights of checkpoint {checkpoint[0]})") from None

    heard = []
    with _own_weights(model):
        if channel is None:
            channel = sounds_at(checkpoints[-1], None).channel.values.tolist()
        for done, checkpoint in enumerate(checkpoints, 1):
            heard.append(sounds_at(checkpoint, channel))
            if progress:
                progress(done, len(checkpoints))
    first = heard[0]
    result = xr.Dataset(
        {
            "sonification": variable(
                ["clip", "checkpoint", "channel", "time"], np.stack([one.values for one in heard], 1), "sonification"
            ),
            "activity": variable(
                ["clip", "checkpoint", "channel"],
                np.stack([one.activity.values for one in heard], 1),
                "root mean square of the map",
            ),
            "input": variable(["clip", "time"], inputs.reshape(len(inputs), -1), "input"),
        },
        coords={"checkpoint": _labels(checkpoints), "channel": first.channel.values, "time": first.time.variable},
        attrs={"sample_rate": sample_rate, "layer": first.attrs["layer"], "rule": rule_name(rule)},
    )
    result["sonification"].attrs["sample_rate"] = sample_rate  # by which it is played
    return sign(result, "feature_evolution", _SOURCE, layer=first.attrs["layer"], channel=channel, top=top, rule=rule)


def _check(checkpoints: Sequence[Checkpoint]) -> None:
    if not checkpoints:
        raise InputError("no checkpoint was given")
    labels = [str(label) for label, _ in checkpoints]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise InputError(f"two checkpoints are called {twice!r}: give each a label of its own")


def _labels(checkpoints: Sequence[Checkpoint]) -> xr.Variable:
    labels = [label for label, _ in checkpoints]
    if all(isinstance(label, int) for label in labels):
        return axis("checkpoint", labels, "step")
    return axis("checkpoint", [str(label) for label in labels], "checkpoint")


@contextmanager
def _own_weights(model: nn.Module) -> Iterator[None]:
    """Give the model its own weights back in the end."""
    own = copy.deepcopy(model.state_dict())
    try:
        yield
    finally:
        model.load_state_dict(own)


def _load(model: nn.Module, checkpoint: Checkpoint) -> None:
    label, weights = checkpoint
    try:
        model.load_state_dict(weights() if callable(weights) else weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"checkpoint {label} does not fit the model: {reason[:300]}") from None
