"""Run each recorded operation again, with what was recorded of it, and compare with the recorded value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.probe.check import Check
from otoscope.probe.listen import Call, evaluating, intercepting
from otoscope.probe.read import read_taps
from otoscope.probe.trace import Tap

_MEMORY = 2**28  # bytes of recorded values at one time
_CONVOLUTION = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")


def replayed(model: nn.Module, x: Tensor, taps: Mapping[str, Tap]) -> Iterator[Check]:
    """A check of each tap: its operation, run again on what it was called with, gives its value.

    A convolution is run with the weight, stride, dilation and groups that its tap states.

    Parameters
    ----------
    model : nn.Module
    x : Tensor, (1, ..., time)
    taps : mapping of str to Tap
    """
    for names in _portions(taps):
        recorded = read_taps(model, x, names)
        found: dict[str, Check] = {}

        def handle(
            call: Call, names: Sequence[str] = names, recorded: dict[str, Tensor] = recorded, found: Any = found
        ) -> Any:
            if call.tap is None or call.tap not in names or call.tap in found:
                return call.run()
            args, kwargs = _copied(call.args), _copied(call.kwargs)  # before the call may overwrite them
            result = call.run()
            again = _run(call, args, kwargs, taps[call.tap])
            found[call.tap] = _compared(call.tap, again, recorded[call.tap])
            return result

        with torch.no_grad(), evaluating(model), intercepting(model, handle):
            model(x.clone())
        yield from (found.get(name) or Check(name, "replay", False, "a second pass does not come by") for name in names)


def _portions(taps: Mapping[str, Tap]) -> Iterator[list[str]]:
    """Names of taps whose values fit into the memory together."""
    names: list[str] = []
    size = 0
    for name, tap in taps.items():
        bytes_ = 8 * int(torch.tensor(tap.shape).prod())
        if names and size + bytes_ > _MEMORY:
            yield names
            names, size = [], 0
        names.append(name)
        size += bytes_
    if names:
        yield names


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(_copied(item) for item in value)
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return value


def _run(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any], tap: Tap) -> Tensor:
    plain = tap.kind == "convolution" and "transpose" not in tap.op and tap.weight is not None
    if plain and tap.op.startswith("conv"):
        given = dict(zip(_CONVOLUTION, args, strict=False)) | kwargs
        given |= {"weight": tap.weight, "stride": tap.stride, "dilation": tap.dilation, "groups": tap.groups}
        result = call.func(given.pop("input"), given.pop("weight"), **given)
    else:
        result = call.func(*args, **kwargs)
    tensor: Tensor = result[0] if isinstance(result, (tuple, list)) else result
    return tensor


def _compared(name: str, again: Tensor, recorded: Tensor) -> Check:
    if again.shape != recorded.shape:
        shapes = f"{tuple(again.shape)}, recorded {tuple(recorded.shape)}"
        return Check(name, "replay", False, f"run again it returns the shape {shapes}")
    apart = difference(again, recorded)
    if not apart:
        return Check(name, "replay", True, "the same value")
    return Check(name, "replay", apart < tolerance(recorded.dtype), f"differs by {apart:.1e} of the largest value")


def difference(one: Tensor, other: Tensor) -> float:
    """The largest difference of two tensors, relative to the largest value; NaN is equal to itself."""
    one, other = one.detach(), other.detach()
    if not one.is_floating_point() and not one.is_complex():
        return float((one != other).any())
    same = (one == other) | (one.isnan() & other.isnan())
    if bool(same.all()):
        return 0.0
    largest = float(other.abs().nan_to_num(0.0, 0.0, 0.0).max())
    apart = (one - other).abs().masked_fill(same, 0.0).nan_to_num(torch.inf)
    return float(apart.max()) / (largest or 1.0)


def tolerance(dtype: torch.dtype) -> float:
    """How far two runs of one operation may be apart, by the order of sums alone."""
    return float(torch.finfo(dtype).eps ** 0.5) if dtype.is_floating_point else 0.5
