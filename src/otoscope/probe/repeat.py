"""Whether a model answers the same when it is asked the same again."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from otoscope.probe.check import Check
from otoscope.probe.listen import Call, evaluating, intercepting
from otoscope.probe.passes import draw_from
from otoscope.probe.replay import difference, tolerance

_SAMPLE = 4096  # elements of each tap


def repeated(model: nn.Module, x: Tensor) -> Check:
    """The check that equal passes agree: from one seed, for what is kept from call to call, and from two, for chance.

    Parameters
    ----------
    model : nn.Module
    x : Tensor, (1, ..., time)
    """
    first, again, other = (_values(model, x, seed) for seed in (0, 0, 1))
    if place := _differs(first, again):
        return Check("", "repeat", False, f"two equal passes differ from {place} on: it keeps state between calls")
    if place := _differs(first, other):
        return Check("", "repeat", False, f"two equal passes differ from {place} on: its forward is random")
    return Check("", "repeat", True, "two equal passes agree")


def _values(model: nn.Module, x: Tensor, seed: int) -> dict[str, Tensor]:
    """Some elements of every tap, and all of the output, of a pass from a seed."""
    seen: dict[str, Tensor] = {}

    def handle(call: Call) -> Any:
        result = call.run()
        if call.tap is not None and call.tap not in seen:
            value = (result[0] if isinstance(result, (tuple, list)) else result).detach().flatten()
            seen[call.tap] = value[:: max(1, len(value) // _SAMPLE)].clone()
        return result

    with torch.no_grad(), evaluating(model), intercepting(model, handle):
        draw_from(seed)
        output = model(x.clone())
    return seen | {f"output {n}": t.detach().clone() for n, t in enumerate(_tensors(output))}


def _differs(one: dict[str, Tensor], other: dict[str, Tensor]) -> str:
    """The first place where two passes differ, by more than the order of sums."""
    for name, value in one.items():
        if name not in other or other[name].shape != value.shape:
            return name
        if difference(other[name], value) > tolerance(value.dtype):
            return name
    return ""


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict) or hasattr(value, "items"):
        value = list(value.values())
    return [t for item in value for t in _tensors(item)] if isinstance(value, (list, tuple)) else []
