"""Whether a model answers the same when it is asked the same again."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from otoscope.probe.check import Check
from otoscope.probe.draws import Draws
from otoscope.probe.listen import Call, evaluating, intercepting
from otoscope.probe.replay import difference, tolerance

_SAMPLE = 4096  # elements of each tap
_MORE = 5  # passes from one seed, by which the order of sums is measured where any two passes differ
_SEEDS = 16  # of a model that draws numbers which change nothing at first
_ROUNDING = 64  # units of the last place by which the order of sums may move a value

_Values = dict[str, Tensor]


def repeated(model: nn.Module, x: Tensor) -> Check:
    """The check that equal passes agree: from one seed, for what is kept from call to call, and from two, for chance.

    All generators are started from the seed, also those of the model. Passes from two seeds have to be equal bit for
    bit, or differ by no more than passes from one do, as where sums are taken in another order each time.

    Parameters
    ----------
    model : nn.Module
    x : Tensor, (1, ..., time)
    """
    (first, later), drew = _passes(model, x, 0, 0)
    same = [_values(model, x, 0)]
    others = [_values(model, x, seed) for seed in range(1, _SEEDS if drew else 2)]
    if any(_differs(first, one, {}) for one in (*same, *others)):
        same += [_values(model, x, 0) for _ in range(_MORE)]
    for again in same:
        if place := _differs(first, again, _allowed(first)):
            return Check("", "repeat", False, f"two equal passes differ from {place} on: it keeps state between calls")
    apart = {name: 4 * max(difference(again[name], value) for again in same) for name, value in first.items()}
    for other in others:
        if place := _differs(first, other, apart):
            return Check("", "repeat", False, f"two equal passes differ from {place} on: its forward is random")
    notes = ["two equal passes agree"]
    if _differs(first, later, _allowed(first)):
        notes.append("since the state that it keeps between calls is put back")
    if drew:
        notes.append(f"and so do those from {_SEEDS} seeds of the numbers that it draws")
    return Check("", "repeat", True, ", ".join(notes))


def _values(model: nn.Module, x: Tensor, seed: int) -> _Values:
    """Some elements of every tap, and all of the output, of a pass from a seed."""
    return _passes(model, x, seed)[0][0]


def _passes(model: nn.Module, x: Tensor, *seeds: int) -> tuple[list[_Values], bool]:
    """The values of passes, each from the state that the one before left; and whether the first drew numbers."""
    with torch.no_grad(), evaluating(model):
        draws = Draws(model)
        draws.start(seeds[0])
        found = [_heard(model, x)]
        drew = draws.drew()
        for seed in seeds[1:]:
            draws.start(seed)
            try:
                found.append(_heard(model, x))
            except Exception:  # it can be called but once
                found.append({})
    return found, drew


def _heard(model: nn.Module, x: Tensor) -> _Values:
    seen: _Values = {}

    def handle(call: Call) -> Any:
        result = call.run()
        if call.tap is not None and call.tap not in seen:
            value = (result[0] if isinstance(result, (tuple, list)) else result).detach().flatten()
            seen[call.tap] = value[:: max(1, len(value) // _SAMPLE)].clone()
        return result

    with intercepting(model, handle):
        output = model(x.clone())
    return seen | {f"output {n}": t.detach().clone() for n, t in enumerate(_tensors(output))}


def _allowed(values: _Values) -> dict[str, float]:
    """By how much the order of sums may move each value."""
    return {
        name: min(tolerance(value.dtype), _ROUNDING * torch.finfo(value.dtype).eps)
        for name, value in values.items()
        if value.dtype.is_floating_point or value.dtype.is_complex
    }


def _differs(one: _Values, other: _Values, allowed: dict[str, float]) -> str:
    """The first place where two passes differ by more than is allowed there."""
    for name, value in one.items():
        if name not in other or other[name].shape != value.shape:
            return name
        if difference(other[name], value) > allowed.get(name, 0.0):
            return name
    return ""


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict) or hasattr(value, "items"):
        value = list(value.values())
    return [t for item in value for t in _tensors(item)] if isinstance(value, (list, tuple)) else []
