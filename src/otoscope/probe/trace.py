"""One forward pass through any module: every convolution, activation and pooling named and placed in time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.probe.growth import grown
from otoscope.probe.inject import Injection
from otoscope.probe.layout import tensors_in
from otoscope.probe.listen import Call, TapReached, evaluating, intercepting
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
    with lock_of(model):
        known, remember = _traces.recall(model, _key(inputs, sample_rate, axes))
        if known is not None:
            return known
        recorder = _record(model, inputs, sample_rate, axes)
        if not recorder.taps:
            raise InputError(
                f"no convolution, activation or pooling was found in {type(model).__name__}: scripted and "
                "compiled models hide them, as torch.func.vmap does: give the original module, written without it"
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
    axes = dict(time_axes or {})
    with lock_of(model):
        known, _ = _traces.recall(model, _key(inputs[:1], sample_rate, axes))
    if known is not None:
        return _read(model, inputs, known[layer])
    recorder = _record(model, inputs.detach().clone(), sample_rate, axes, layer)
    tap = recorder.taps[resolve_tap(layer, list(recorder.taps))]
    return tap, recorder.values[tap.name]


def _read(model: nn.Module, inputs: Tensor, tap: Tap) -> tuple[Tap, Tensor]:
    """A tap that is known of one clip, and its value for all of them, by a pass that ends there."""
    found: list[tuple[Tap, Tensor]] = []

    def handle(call: Call) -> Any:
        read = tuple(call.input.shape) if call.tap == tap.name else ()
        result = call.run()
        if call.tap == tap.name:
            value = tensors_in(result)[0].detach().clone()
            found.append((replace(tap, shape=tuple(value.shape), input_shape=read), value))
            raise TapReached
        return result

    given = inputs.detach().clone()
    with torch.no_grad(), evaluating(model), intercepting(model, handle), suppress(TapReached):
        model(given)
    return found[0]


def _key(inputs: Tensor, sample_rate: float, axes: Mapping[str, int]) -> tuple[object, ...]:
    return tuple(inputs.shape), inputs.dtype, inputs.device, sample_rate, tuple(sorted(axes.items()))


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
