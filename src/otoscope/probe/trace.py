"""One forward pass through any module: every convolution, activation and pooling named and placed in time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import torch
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.probe.growth import grown
from otoscope.probe.inject import Injection
from otoscope.probe.listen import TapReached, evaluating, intercepting
from otoscope.probe.locks import lock_of
from otoscope.probe.memory import Memory
from otoscope.probe.recorder import Recorder
from otoscope.probe.tap import Layer, Tap, Trace, resolve_tap

__all__ = ["Layer", "Tap", "Trace", "locate", "resolve_tap", "trace"]

_traces: Memory[Trace] = Memory()


def trace(
    model: nn.Module,
    inputs: Tensor,
    sample_rate: float,
    time_axes: Mapping[str, int] | None = None,
) -> Trace:
    """Run a model and record what it does to time.

    It is run twice, the second time on a longer clip, whose shapes have to agree with what is recorded; an operation
    of which nothing is known is measured by further passes. The trace of a model is kept, and returned again for
    inputs of the same shape as long as its weights are the same.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms; it is run in evaluation mode and left as it was.
    inputs : Tensor, (batch, ..., time)
        What the model takes; the first clip of the batch is used.
    sample_rate : float
        Of `inputs`, in Hz.
    time_axes : mapping of str to int, optional
        Time axes of taps, by name, where the trace gets them wrong.

    Returns
    -------
    Trace
        The taps by name, in call order.

    Raises
    ------
    InputError
        If no convolution, activation or pooling is found, or `time_axes` has the name of no tap, or an axis which that
        has not.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU(), nn.MaxPool1d(3))
    >>> taps = trace(model, torch.zeros(1, 1, 16_000), sample_rate=16_000)
    >>> [(tap.name, tap.hop, tap.receptive_field) for tap in taps.values()]
    [('0', 10.0, 30), ('1', 10.0, 30), ('2', 30.0, 50)]
    """
    inputs = inputs[:1].detach().clone()  # a model may overwrite its input
    axes = dict(time_axes or {})
    key = (tuple(inputs.shape), inputs.dtype, inputs.device, sample_rate, tuple(sorted(axes.items())))
    with lock_of(model):
        known, remember = _traces.recall(model, key)
        if known is not None:
            return known
        recorder = _record(model, inputs, sample_rate, axes)
        if not recorder.taps:
            raise InputError(
                f"no convolution, activation or pooling was found in {type(model).__name__}: scripted and "
                "compiled models hide them, so give the original module"
            )
        _check_axes(axes, recorder.taps)
        found = Trace(recorder.taps, recorder.layers(), sample_rate)
        if not recorder.computed:
            remember(found)
    return found


def _check_axes(axes: Mapping[str, int], taps: dict[str, Tap]) -> None:
    for name, axis in axes.items():
        tap = taps[resolve_tap(name, list(taps))]
        if not -len(tap.shape) <= axis < len(tap.shape):
            raise InputError(f"time_axes: {tap.name} has no axis {axis}: its shape is {tap.shape}")


def locate(
    model: nn.Module,
    inputs: Tensor,
    sample_rate: float,
    layer: str,
    time_axes: Mapping[str, int] | None = None,
) -> tuple[Tap, Tensor]:
    """One tap and its value, by a forward pass that goes no further than needed.

    Parameters
    ----------
    model, inputs, sample_rate, time_axes
        As in :func:`trace`, but for all clips of `inputs`; the shape of the tap has them on its first axis.
    layer : str
        The tap. With its full name the pass stops there; with the end of it the pass runs to the end of the
        model, since another tap may end alike.

    Returns
    -------
    tap : Tap
    value : Tensor
        What the operation returned, copied before an activation may overwrite it in place.

    Raises
    ------
    InputError
        If there is no such tap, or several.
    """
    recorder = _record(model, inputs.detach().clone(), sample_rate, dict(time_axes or {}), layer)
    tap = recorder.taps[resolve_tap(layer, list(recorder.taps))]
    return tap, recorder.values[tap.name]


def _record(
    model: nn.Module, inputs: Tensor, sample_rate: float, axes: dict[str, int], wanted: str | None = None
) -> Recorder:
    """Listen to a pass over `inputs`, which the model may overwrite."""
    growth, injection = grown(model, inputs, wanted), Injection(model, inputs[:1].clone())
    with evaluating(model):
        recorder = Recorder(model, inputs, sample_rate, axes, growth, injection, wanted)
        with torch.no_grad(), intercepting(model, recorder.handle), suppress(TapReached):
            model(inputs)
    return recorder
