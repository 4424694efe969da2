"""Softmax and maxima against a reference, as DeepLIFT passes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from otoscope.probe.listen import Call
from otoscope.probe.routes import ONE, routed

POOLINGS = frozenset("max_pool1d max_pool2d adaptive_max_pool1d adaptive_max_pool2d".split())
SELECTIONS = POOLINGS | {"max", "amax"}
_GEOMETRY = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
_CLOSE = 1e-3  # of two logarithms, where their difference would cancel

Reference = Callable[[Tensor], Any]
"""From the input of a call to what it was for the reference."""


def softmax_between(call: Call, reference: Tensor) -> Tensor:
    """A softmax whose way back gives what it changes by from a reference, by the logarithmic mean of both."""
    x, dim = call.input, call.kwargs.get("dim", call.args[1] if len(call.args) > 1 else -1)
    s, before = call.run_on(x.detach()), call.run_on(reference)
    apart = s.clamp(min=1e-30).log() - before.clamp(min=1e-30).log()
    mean = torch.where(apart.abs() < _CLOSE, (s * before).sqrt(), (s - before) / torch.where(apart == 0, 1.0, apart))
    x = torch.where(mean > 0, x, 0.0)  # masked scores are minus infinity
    change = mean * (x - (mean * x).sum(dim, keepdim=True) / mean.sum(dim, keepdim=True))
    return routed(s, [(change, ONE)], "softmax")


def largest(call: Call, step: str, reference: Reference) -> Any:
    """A maximum over windows or an axis: what it changes by goes to what it chose, then and now."""
    if step in POOLINGS:
        return _pooled(call, step, reference)
    dim = call.kwargs.get("dim", call.args[1] if len(call.args) > 1 else None)
    dim = dim[0] if isinstance(dim, (tuple, list)) and len(dim) == 1 else dim
    if not isinstance(dim, int):
        return call.run()
    keep = call.kwargs.get("keepdim", call.args[2] if len(call.args) > 2 else False)
    x = call.input
    before = reference(x)
    now, then = x.argmax(dim, keepdim=True), before.argmax(dim, keepdim=True)

    def pick(values: Tensor, at: Tensor) -> Tensor:
        found = values.gather(dim, at)
        return found if keep else found.squeeze(dim)

    result = _between(x, before, now, then, pick, step)
    if step == "amax":
        return result
    return torch.return_types.max((result, now if keep else now.squeeze(dim)))


def _pooled(call: Call, step: str, reference: Reference) -> Any:
    names = ("output_size",) if step.startswith("adaptive") else _GEOMETRY
    given = dict(zip(names, call.args[1:], strict=False)) | {k: v for k, v in call.kwargs.items() if k in names}
    pool = getattr(F, f"{step}_with_indices")
    x, spatial = call.input, 2 if step.endswith("2d") else 1
    before = reference(x)
    now, then = pool(x.detach(), **given)[1], pool(before, **given)[1]

    def pick(values: Tensor, at: Tensor) -> Tensor:
        return values.flatten(-spatial).gather(-1, at.flatten(-spatial)).reshape(at.shape)

    result = _between(x, before, now, then, pick, step)
    return (result, now) if "indices" in call.name or call.kwargs.get("return_indices") else result


def _between(
    x: Tensor, before: Tensor, now: Tensor, then: Tensor, pick: Callable[[Tensor, Tensor], Tensor], label: str
) -> Tensor:
    """What was chosen now; a rise goes to that, a fall to what was chosen for the reference."""
    step, y, start = x.detach() - before, pick(x, now), pick(before, then)
    apart = y.detach() - start

    def share(change: Tensor, at: Tensor) -> Tensor:
        of = pick(step, at)
        return change / torch.where(of == 0, 1.0, of)

    rise, fall = share(apart.clamp(min=0), now), share(apart.clamp(max=0), then)
    return routed(y, [(y, rise), (pick(x, then), fall)], label)
