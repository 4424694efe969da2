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

    One more of a tap whose windows do not read what they are said to read, in its hop or centre.

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
        placed: list[Check] = []

        def handle(
            call: Call,
            names: Sequence[str] = names,
            recorded: dict[str, Tensor] = recorded,
            found: Any = found,
            placed: list[Check] = placed,
        ) -> Any:
            if call.tap is None or call.tap not in names or call.tap in found:
                return call.run()
            args, kwargs = _copied(call.args), _copied(call.kwargs)  # before the call may overwrite them
            result = call.run()
            tap = taps[call.tap]
            again = _run(call, args, kwargs, tap)
            if false := _falsely_stated(call, tap):
                found[call.tap] = Check(tap.name, "replay", False, false)
            else:
                found[call.tap] = _compared(tap, again, recorded)
            if false := _falsely_placed(call, tap):
                placed.append(Check(tap.name, "hop", False, false))
            return result

        with torch.no_grad(), evaluating(model), intercepting(model, handle):
            model(x.clone())
        yield from (found.get(name) or Check(name, "replay", False, "a second pass does not come by") for name in names)
        yield from placed


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


def _falsely_stated(call: Call, tap: Tap) -> str:
    """What a tap says of its operation that is not so; empty where all is."""
    operation = call.operation
    if operation is None:
        return "it is not an operation any more"
    for name in ("kernel", "stride", "dilation", "groups"):
        is_, stated = getattr(operation, name), getattr(tap, name)
        if is_ != stated:
            return f"is of {name} {is_}, stated {stated}"
    if tap.channel_axis is not None and tap.channel_axis == tap.clip_axis:
        return f"axis {tap.clip_axis} is said to be that of clips and of channels"
    return ""


def _falsely_placed(call: Call, tap: Tap) -> str:
    """What a tap says of the place of what its windows read, which its own place denies; empty where all is so."""
    operation, spatial = call.operation, len(tap.kernel)
    if operation is None or operation.transposed or operation.adaptive or tap.uneven:
        return ""
    if tap.time_axis is None or tap.time_axis != tap.input_axis or not tap.input_hop > 0 or not tap.hop > 0:
        return ""
    i = tap.time_axis - (len(tap.shape) - spatial)
    if not 0 <= i < spatial:
        return ""
    hop = tap.hop / operation.stride[i]
    reach = (operation.kernel[i] - 1) * operation.dilation[i]
    centre = tap.centre - (reach / 2 - operation.padding[i][0]) * hop
    if abs(tap.input_hop - hop) > 1e-6 * hop:
        return f"reads what has a hop of {hop:g}, stated {tap.input_hop:g}"
    if abs(tap.input_centre - centre) > max(hop, (tap.input_field or 0) / 2):  # which may be uneven
        return f"reads what is centred at {centre:g}, stated {tap.input_centre:g}"
    return ""


def _compared(tap: Tap, again: Tensor, of_all: Mapping[str, Tensor]) -> Check:
    name, recorded = tap.name, of_all[tap.name]
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
