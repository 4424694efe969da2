"""Taps that decimate along time, and their result before decimation.

A strided convolution or pooling is the same operation at stride 1 followed by decimation, which keeps one of `stride`
values. What the result at stride 1 holds above the new Nyquist limit is folded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from otoscope.probe.listen import Call, TapReached, evaluating, intercepting
from otoscope.probe.ops import Operation
from otoscope.probe.trace import Tap, Trace

_CONVOLUTION = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_MAX_POOL = ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
_AVG_POOL = ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
_LP_POOL = ("input", "norm_type", "kernel_size", "stride", "ceil_mode")
_ARGUMENTS = {"conv": _CONVOLUTION, "max_pool": _MAX_POOL, "avg_pool": _AVG_POOL, "lp_pool": _LP_POOL}


def time_stride(tap: Tap) -> int:
    """The stride of a tap along time; 1 where it has no time axis or does not decimate."""
    if tap.time_axis is None or tap.hop != tap.hop or not tap.stride or tap.op.startswith("conv_transpose"):
        return 1
    place = tap.time_axis - (len(tap.shape) - len(tap.stride))
    return tap.stride[place] if place >= 0 else 1


def downsampling_steps(taps: Trace) -> tuple[list[Tap], dict[str, str]]:
    """The convolutions and poolings that decimate along time, in call order.

    Returns
    -------
    steps : list of Tap
    skipped : dict of str to str
        Other taps that shorten their input, each with the reason why it is left out.
    """
    steps, skipped = [], {}
    for name, tap in taps.items():
        if time_stride(tap) > 1:
            steps.append(tap)
        elif tap.kind == "activation" or tap.op.startswith("conv_transpose"):
            continue
        elif tap.time_axis is None or tap.hop != tap.hop:
            if tap.op.startswith("adaptive") or max(tap.stride, default=1) > 1:
                skipped[name] = "keeps one value of the whole clip"
        elif tap.op.startswith("adaptive"):
            skipped[name] = "adaptive pooling has no stride"
        elif max(tap.stride, default=1) > 1:
            skipped[name] = "strides along another axis than time"
    return steps, skipped


def undecimated(call: Call, axis: int) -> Tensor:
    """The same convolution or pooling of the same input, but at stride 1 along one axis.

    Every `stride`-th value of it, from the first on, is what the call returns, but for the last window of a pooling
    with `ceil_mode`, which reaches beyond the end of the input.
    """
    operation = call.operation
    assert operation is not None
    stride = list(operation.stride)
    stride[axis % call.input.ndim - (call.input.ndim - len(stride))] = 1
    given = dict(zip(_ARGUMENTS[operation.op[:-2]], call.args, strict=False)) | call.kwargs
    given["stride"] = tuple(stride)
    if operation.kind == "convolution":
        function = call.func
    else:
        given.pop("return_indices", None)
        whole_windows = not given.get("ceil_mode") and call.input.is_floating_point()
        if operation.op.startswith("max_pool") and whole_windows:
            return _largest_of_windows(call.input, operation, given["stride"])
        function = getattr(functional, operation.op)
    result: Tensor = function(**given)
    return result


def _largest_of_windows(x: Tensor, pooling: Operation, stride: Sequence[int]) -> Tensor:
    """Max pooling axis by axis: at stride 1 that takes a fraction of the time that torch takes."""
    around = [side for both in reversed(pooling.padding) for side in both]
    if any(around):
        x = functional.pad(x, around, value=-math.inf)
    first = x.ndim - len(stride)
    for n, (size, step, apart) in enumerate(zip(pooling.kernel, stride, pooling.dilation, strict=True)):
        axis = first + n
        count = (x.shape[axis] - apart * (size - 1) - 1) // step + 1
        every = (*[slice(None)] * axis, slice(None, None, step))
        parts = (x.narrow(axis, apart * place, step * (count - 1) + 1)[every] for place in range(size))
        x = reduce(torch.maximum, parts)
    return x


def watch_steps(
    model: nn.Module, inputs: Tensor, steps: Sequence[Tap], callback: Callable[[Tap, Tensor, Tensor], None]
) -> None:
    """Run a model up to the last of its downsampling steps and hand each to a callback, before and after decimation.

    Parameters
    ----------
    model : nn.Module
    inputs : Tensor, (batch, ..., time)
    steps : sequence of Tap
        Of :func:`downsampling_steps`.
    callback : callable
        Called as ``callback(tap, before, after)`` with the result at stride 1 and the one that the step returns.
        Neither is a copy.

    Examples
    --------
    >>> from otoscope.probe import trace
    >>> model, x = nn.Sequential(nn.Conv1d(1, 2, 3), nn.MaxPool1d(4)), torch.randn(1, 1, 100)
    >>> steps, _ = downsampling_steps(trace(model, x, sample_rate=8000))
    >>> def callback(tap, before, after):
    ...     print(tap.name, bool((before[..., ::4] == after).all()))
    >>> watch_steps(model, x, steps, callback)
    1 True
    """
    wanted = {tap.name: tap for tap in steps}

    def handle(call: Call) -> Any:
        result = call.run()
        if call.tap in wanted:
            tap = wanted.pop(call.tap)
            assert tap.time_axis is not None
            callback(tap, undecimated(call, tap.time_axis), result[0] if isinstance(result, tuple) else result)
            if not wanted:
                raise TapReached
        return result

    with torch.no_grad(), evaluating(model), intercepting(model, handle), suppress(TapReached):
        model(inputs.clone())  # a model may overwrite its input
