"""Maxout: the maximum over pieces of one tensor, an activation, told from the maximum over time, a pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from otoscope.probe.listen import Call
from otoscope.probe.pointwise import step_of

_CUTTING = frozenset("chunk split split_with_sizes tensor_split unbind narrow select getitem".split())
_FOLDING = frozenset("view reshape unflatten".split())
_MAXIMA = frozenset("maximum max fmax amax logsumexp".split())


class Pieces:
    """What was cut of one tensor in a forward pass, and along which axis one was folded."""

    def __init__(self) -> None:
        self._names: Any = WeakIdKeyDictionary()  # tensor -> what names it as a whole
        self._wholes: Any = WeakIdKeyDictionary()  # piece -> the name of its whole
        self._folds: Any = WeakIdKeyDictionary()  # tensor -> the new axis

    def run(self, call: Call, through: Callable[[Tensor, str], Tensor]) -> Any:
        """The result of a call; that of a maxout goes `through` an activation of that name."""
        step, x = step_of(call), call.args[0] if call.args else None
        if not isinstance(x, Tensor) or not x.requires_grad:
            return call.run()
        if step in _MAXIMA:
            return self._maximum(call, x, through)
        result = call.run()
        if step in _CUTTING:
            for piece in [result] if isinstance(result, Tensor) else result:
                if _is_piece(piece, x):
                    self._wholes[piece] = self._names.setdefault(x, object())
        elif step in _FOLDING and result.ndim == x.ndim + 1:
            axis = _folded_axis(tuple(x.shape), tuple(result.shape))
            if axis is not None:
                self._folds[result] = axis
        return result

    def _maximum(self, call: Call, x: Tensor, through: Callable[[Tensor, str], Tensor]) -> Any:
        other = call.args[1] if len(call.args) > 1 else call.kwargs.get("dim", call.kwargs.get("other"))
        result = call.run()
        if isinstance(other, Tensor):
            whole = self._wholes.get(x)
            if whole is None or self._wholes.get(other) is not whole or other.shape != x.shape:
                return result
            chosen = through(result, "maxout")
            self._wholes[chosen] = whole
            return chosen
        axis = other[0] if isinstance(other, (tuple, list)) and len(other) == 1 else other
        if not isinstance(axis, int) or self._folds.get(x) != axis % x.ndim:
            return result
        if isinstance(result, Tensor):
            return through(result, "maxout")
        return type(result)((through(result[0], "maxout"), result[1]))


def _is_piece(piece: Any, whole: Tensor) -> bool:
    """Whether it is at most half of a tensor, and no decimation in time."""
    if not isinstance(piece, Tensor) or piece.ndim not in (whole.ndim, whole.ndim - 1) or not piece.ndim:
        return False
    return 2 * piece.numel() <= whole.numel() and piece.stride(-1) == whole.stride(-1)


def _folded_axis(before: tuple[int, ...], after: tuple[int, ...]) -> int | None:
    """The axis of pieces where one axis became two: features of (batch, feature), or channels but not time."""
    axes = range(1, 2 if len(before) > 2 else len(before))
    for axis in axes:
        if before[:axis] == after[:axis] and before[axis + 1 :] == after[axis + 2 :]:
            return axis + 1 if after[axis] * after[axis + 1] == before[axis] else None
    return None
