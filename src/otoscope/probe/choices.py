"""What the sound chooses: tensors that depend on it and carry no gradient, and signals that lie side by side.

A comparison, a rounding, an index or a detached copy depends on the sound, and no gradient says so. Where one of them
meets a signal, as a mask does, it bends the way of that signal; so does the largest, the middle or the sorted one of
signals that were laid side by side. Both are followed here through whatever is computed from them.
"""

from __future__ import annotations

import math
import weakref
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from otoscope.probe.layout import JOINING, MAKING, STRUCTURAL, numbers_read, tensors_in
from otoscope.probe.listen import Call
from otoscope.probe.ops import MAXIMA
from otoscope.probe.pointwise import step_of, writes
from otoscope.probe.transforms import unwrapped

_LEAVING = frozenset("numpy tolist item __array__ __dlpack__ __float__ __int__ __index__ __complex__".split())
_BRANCHING = frozenset("__bool__ is_nonzero equal allclose".split())
_ARITHMETIC = frozenset("add sub rsub subtract mul multiply div divide true_divide rdiv".split())
_POOLING = MAXIMA | {"min", "amin", "aminmax"}
_SELECTING = _POOLING | frozenset("sort msort median nanmedian mode kthvalue quantile cummax cummin".split())
_JOINS = JOINING | {"hstack", "vstack", "dstack", "column_stack"}
_FEWEST = 32  # numbers that show a function by its values
_PARTS = 8  # signals that are remembered of those side by side


class Choices:
    """Follows, through one forward pass, what the sound chooses and what it is chosen from."""

    def __init__(self) -> None:
        self._chosen: Any = WeakIdKeyDictionary()  # depends on the sound, without a gradient
        self._parts: Any = WeakIdKeyDictionary()  # what lies side by side in a tensor: references, and along which axis

    def chosen(self, call: Call) -> list[Tensor]:
        """What a call reads that depends on the sound and carries no gradient, beside a signal that does."""
        read = numbers_read(call)
        return [t for t in read if self._is_chosen(t)] if any(map(_carries, read)) else []

    def bend(self, call: Call) -> list[Tensor]:
        """Of what is chosen, what has a value for each element of a signal, or is not a term or factor."""
        found = self.chosen(call)
        if step_of(call) not in _ARITHMETIC:
            return found
        largest = max((t.numel() for t in numbers_read(call) if _carries(t)), default=0)
        return [t for t in found if t.numel() >= largest]

    def selects(self, call: Call) -> bool:
        """Whether a call selects by value, and is not a pooling of a signal along one of its own axes."""
        read = numbers_read(call)
        if len(read) > 1:  # the larger of two, which may be places of one
            return len({id(t if t._base is None else t._base) for t in read}) > 1
        if call.operation is None and step_of(call) not in _POOLING:
            return True
        return any(self._lie_along(call, t) for t in read)

    def leaves(self, call: Call) -> bool | None:
        """Whether a call takes what depends on the sound out of torch; None if it only asks which way to go on."""
        leaving = call.name in _LEAVING
        if not (leaving or call.name in _BRANCHING) or not any(map(self._depends, numbers_read(call))):
            return False
        return True if leaving else None

    def signals(self, call: Call) -> list[Tensor]:
        """Those of which the result of a call may be the rectified one."""
        read = numbers_read(call)
        carrying = [t for t in read if _carries(t)]
        sums = step_of(call) in ("add", "sub") and len(carrying) > 1 and carrying[0].shape == carrying[1].shape
        found = carrying if sums or self.chosen(call) else []
        for t in read:
            found = [*found, *(part for ref in self._parts.get(t, ((), None))[0] if (part := ref()) is not None)]
        return list({id(t): t for t in found}.values())

    def note(self, call: Call, result: Any) -> None:
        """Note what a call, which has run, returned or wrote to."""
        if call.name.startswith(MAKING):
            return
        read = numbers_read(call)
        results = tensors_in(call.args[:1] if writes(call) else result) + tensors_in(call.kwargs.get("out"))
        if any(map(self._depends, read)):
            for t in results:
                for one in (t, t._base):
                    if one is not None and not _carries(one):
                        self._chosen[one] = True
        parts = self._side_by_side(call, read)
        for t in results if parts is not None else ():
            self._parts[t] = parts

    def _side_by_side(self, call: Call, read: list[Tensor]) -> tuple[list[Any], int | None] | None:
        step, carrying = step_of(call), [t for t in read if _carries(t)]
        if step in _JOINS and carrying:
            axis = call.args[1] if len(call.args) > 1 else call.kwargs.get("dim", call.kwargs.get("axis", 0))
            ndim = carrying[0].ndim + (step == "stack")
            known = isinstance(axis, int) and step in JOINING
            return [weakref.ref(t) for t in carrying[:_PARTS]], axis % ndim if known else None
        if call.name in STRUCTURAL or step in _SELECTING or self.chosen(call):
            refs = [ref for t in read for ref in self._parts.get(t, ((), None))[0]]
            if self.chosen(call):
                refs += [weakref.ref(t) for t in carrying]
            return (refs[:_PARTS], None) if refs else None
        return None

    def _lie_along(self, call: Call, t: Tensor) -> bool:
        """Whether signals lie side by side along an axis of which a call takes the largest."""
        if t not in self._parts:
            return False
        axis = self._parts[t][1]
        if axis is None:
            return True
        if call.operation is not None and call.operation.kind == "pooling" and call.operation.op not in MAXIMA:
            return bool(axis >= t.ndim - int(call.operation.op[-2]))
        place = 2 if step_of(call) == "topk" else 1
        given = call.args[place] if len(call.args) > place else call.kwargs.get("dim", call.kwargs.get("axis"))
        axes = [given] if isinstance(given, int) else given or range(t.ndim)
        return axis in [one % t.ndim for one in axes]

    def _depends(self, t: Tensor) -> bool:
        return _carries(t) or self._is_chosen(t)

    def _is_chosen(self, t: Tensor) -> bool:
        return not _carries(t) and (t in self._chosen or (t._base is not None and t._base in self._chosen))


def _carries(t: Tensor) -> bool:
    """Whether a tensor carries a gradient, also within a transform of `torch.func`."""
    return unwrapped(t).requires_grad


def rectified(y: Tensor, x: Tensor) -> float | None:
    """By what factor `y` is the rectified `x`, by its values; None where it is not, or these are too few to say.

    Examples
    --------
    >>> x = torch.linspace(-1, 1, 100)
    >>> round(rectified(x + x.abs(), x), 6), rectified(x.abs(), x)
    (2.0, None)
    """
    if x.numel() < _FEWEST or [n for n in y.shape if n > 1] != [n for n in x.shape if n > 1]:
        return None
    if not (y.is_floating_point() and x.is_floating_point()):
        return None
    x, y = x.detach(), y.detach().reshape(x.shape)
    low, high = (float(one) for one in x.aminmax())
    factor = float(y.max()) / high if high > 0 else math.nan
    if not (low < 0 < factor < math.inf):
        return None
    tolerance = 8 * torch.finfo(y.dtype).eps * factor * max(high, -low)
    return factor if torch.allclose(y, factor * x.clamp(min=0).to(y), rtol=1e-5, atol=tolerance) else None
