"""Calls whose backward pass hides nothing that was read: their own value, and gradients straight through.

A ReLU that is off, the elements that a maximum passes over, a rounding and a `detach` are all read, and change the
result of another sound; their gradients are zero. Measurements of what a tap reads (:mod:`otoscope.probe.measure`) run
such calls opened.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from otoscope.probe.listen import Call
from otoscope.probe.ops import Operation

_CUTTING = frozenset(["detach", "data"])
_SELECTING = frozenset(
    "relu relu6 hardtanh threshold hardshrink softshrink hardswish hardsigmoid clamp clamp_min clamp_max clip maximum "
    "minimum where round floor ceil trunc frac sign sgn heaviside nan_to_num masked_fill".split()
)
_CHOOSING = frozenset("max min amax amin median nanmedian mode sort topk kthvalue".split())  # along an axis


def attached(call: Call) -> Any:
    """What the call returns, but that a `detach` is undone."""
    return call.args[0] if call.name.rstrip("_") in _CUTTING else call.run()


def opened(call: Call) -> Any:
    """What the call returns, with a backward pass that lets every gradient through.

    Parameters
    ----------
    call : Call
        Of any function; one that selects nothing is run as it is.

    Returns
    -------
    Any
        As of the call, with the same values.
    """
    name = call.name.rstrip("_")
    if name in _CUTTING:
        return attached(call)
    arguments = [*call.args, *call.kwargs.values()]
    read = [t for t in arguments if isinstance(t, Tensor) and t.requires_grad and t.is_floating_point()]
    through = _through(call, name, read) if read else None
    if through is not None:
        through = through - through.detach()  # before the call may overwrite it
        if not bool(through.detach().isfinite().all()):
            through = through.nan_to_num(0.0, 0.0, 0.0)  # of inf - inf
    inplace = bool(call.operation and call.operation.inplace) or call.name.endswith("_")
    with torch.set_grad_enabled(torch.is_grad_enabled() and not (inplace and through is not None)):
        out = call.run()
    value = out[0] if isinstance(out, (tuple, list)) else out
    if through is None or not value.is_floating_point():
        return out
    if inplace:
        return value.copy_(value.detach() + through)
    straight = value.detach() + through
    if not isinstance(out, (tuple, list)):
        return straight
    return type(out)((straight, *out[1:]))  # also of a named tuple, as of `max` along an axis


def _through(call: Call, name: str, read: list[Tensor]) -> Tensor | None:
    """Something of the shape of the result, or one that spreads to it, with gradients for all that is read."""
    operation = call.operation
    if operation is not None and "max_pool" in operation.op:
        return _mean_of_windows(call, operation, read[0])
    if name in _CHOOSING and len(read) == 1:
        return _sum_along(call, name, read[0])
    return _sum(read) if name in _SELECTING or name in _CHOOSING else None


def _sum(read: list[Tensor]) -> Tensor:
    total = read[0]
    for one in read[1:]:
        total = total + one
    return total


def _sum_along(call: Call, name: str, x: Tensor) -> Tensor:
    place = 2 if name in ("topk", "kthvalue") else 1
    axis = call.kwargs.get("dim", call.kwargs.get("axis", call.args[place] if len(call.args) > place else None))
    if name in ("sort", "topk", "kthvalue") and axis is None:
        axis = -1
    if axis is None or isinstance(axis, bool):
        return x.sum()
    kept = name in ("sort", "topk") or call.kwargs.get("keepdim", call.args[place + 1 : place + 2] == (True,))
    return x.sum(axis, keepdim=bool(kept))


def _mean_of_windows(call: Call, operation: Operation, x: Tensor) -> Tensor | None:
    spatial = int(operation.op[-2])
    if operation.adaptive:
        size = call.args[1] if len(call.args) > 1 else call.kwargs["output_size"]
        pooled: Tensor = getattr(functional, f"adaptive_avg_pool{spatial}d")(x, size)
        return pooled
    ceil = call.kwargs.get("ceil_mode", call.args[5] if len(call.args) > 5 else False)
    if set(operation.dilation) == {1}:
        pads = [before for before, _ in operation.padding]
        pool = getattr(functional, f"avg_pool{spatial}d")
        mean: Tensor = pool(x, operation.kernel, operation.stride, pads, ceil)
        return mean
    if ceil:
        return None
    planes = x.reshape(-1, 1, *x.shape[-spatial:])
    ones = torch.ones(1, 1, *operation.kernel, dtype=x.dtype, device=x.device)
    pads = [before for before, _ in operation.padding]
    windows: Tensor = getattr(functional, f"conv{spatial}d")(
        planes, ones, None, operation.stride, pads, operation.dilation
    )
    return windows.reshape(*x.shape[:-spatial], *windows.shape[-spatial:])
