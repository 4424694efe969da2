"""Products of matrices: what a row and a column depend on, and sums over an axis.

The element (i, j) of a product depends on all of row i and of column j. Where neither varies along the axis that is
summed, that is the hull of two intervals: if both move, the product is a map over pairs of times. Where the summed axis
is time (attention weights times values), each element depends on the whole clip, and its nominal interval is that of
its row alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from otoscope.probe.layout import Lookup, supports_of, tensors_in
from otoscope.probe.listen import Call
from otoscope.probe.support import Support, everything, hull, marks, reduced


def linear(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    """A matrix of parameters: a sum over the last axis."""
    inputs = supports_of(tensors_in((call.args, call.kwargs)), lookup)
    rows = lookup(call.args[0] if call.args else call.kwargs["input"])
    if rows is None or len(inputs) > 1:
        return everything(inputs, out.shape)
    return reduced(rows, [-1], out.shape)


def matmul(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    """``a @ b``, and the same with something added."""
    operands: list[Any] = list(call.args)
    added = operands.pop(0) if call.name.startswith(("addmm", "baddbmm")) else None
    operands = [*operands, *(call.kwargs[key] for key in ("other", "mat2", "vec", "batch2") if key in call.kwargs)]
    if len(operands) < 2 or not all(isinstance(one, Tensor) for one in operands[:2]):
        return None
    left, right = operands[:2] if call.name != "__rmatmul__" else operands[1::-1]
    if left.ndim == 1 or right.ndim == 1:
        return _with_vector(left, right, out, lookup)
    letters = [chr(ord("a") + i) for i in range(max(left.ndim, right.ndim) - 2)]
    batch_left, batch_right = (letters[len(letters) - (t.ndim - 2) :] for t in (left, right))
    terms = ["".join([*batch_left, "x", "y"]), "".join([*batch_right, "y", "z"])]
    product = _contracted([left, right], terms, "".join([*letters, "x", "z"]), out, lookup)
    more = supports_of([added], lookup) if isinstance(added, Tensor) else []
    return hull([product, *more], out.shape) if more and product is not None else product


def _with_vector(left: Tensor, right: Tensor, out: Tensor, lookup: Lookup) -> Support | None:
    letters = [chr(ord("a") + i) for i in range(max(left.ndim, right.ndim) - 1)]
    if right.ndim == 1:
        terms, result = ["".join([*letters, "y"][-left.ndim :]), "y"], "".join(letters[: left.ndim - 1])
    else:
        result = "".join([*letters[:-1], "z"])
        terms = ["y", "".join([*letters[:-1], "y", "z"])]
    return _contracted([left, right], terms, result, out, lookup)


def einsum(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    """Any product in the notation of Einstein; None where the equation is given as lists or repeats an index."""
    equation, *operands = call.args
    if not isinstance(equation, str):
        return None
    operands = list(operands[0]) if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands
    left, arrow, result = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if not arrow:
        everywhere = "".join(terms)
        result = "".join(sorted(letter for letter in set(everywhere) if everywhere.count(letter) == 1))
    if "..." in left:
        terms, result = _spelled_out(terms, result, [t.ndim for t in operands])
    if any(len(set(term)) < len(term) for term in terms):
        return None
    return _contracted(operands, terms, result, out, lookup)


def _spelled_out(terms: list[str], result: str, axes: list[int]) -> tuple[list[str], str]:
    """The equation with letters for the dots."""
    counts = [n - len(term.replace("...", "")) for term, n in zip(terms, axes, strict=True)]
    letters = "".join(chr(0x3B1 + i) for i in range(max(counts)))
    terms = [t.replace("...", letters[len(letters) - n :]) for t, n in zip(terms, counts, strict=True)]
    return terms, result.replace("...", letters)


def _contracted(
    operands: Sequence[Tensor], terms: Sequence[str], result: str, out: Tensor, lookup: Lookup
) -> Support | None:
    """The hull of what operands contribute at the axes of the result; whole, where a summed axis is one of time."""
    found = [lookup(t) for t in operands]
    sources = [s for s in found if s is not None and s.reach >= 0]
    summed = set("".join(terms)) - set(result)
    over_time = {
        letter
        for support, term in zip(found, terms, strict=True)
        if support is not None and support.reach >= 0
        for axis, letter in enumerate(term)
        if letter in summed and axis in support.time_axes
    }
    parts: list[Support] = []
    nominal: list[Support] = []
    for support, term in zip(found, terms, strict=True):
        if support is None or support.reach < 0:
            continue
        placed = _placed(support, term, result, over_time, out)
        parts.append(placed)
        if any(letter in result and axis in support.time_axes for axis, letter in enumerate(term)):
            nominal.append(placed)
    if not over_time:
        return replace(hull(parts, out.shape), shape=tuple(out.shape))
    chosen = nominal or parts
    _, known, cut, notes = marks(sources)
    union = hull(chosen, out.shape)
    if not nominal:  # a sum over all of time
        whole = len(sources) > 1 or union.whole
        return replace(union, shape=tuple(out.shape), whole=whole, known=known, cut=cut, notes=notes)
    return replace(union, shape=tuple(out.shape), whole=True, known=known, cut=cut, notes=notes)


def _placed(support: Support, term: str, result: str, over_time: set[str], out: Tensor) -> Support:
    """The support of one operand, along the axes of the result."""
    axes = [axis for axis, letter in enumerate(term) if letter not in result]
    pairs = [axis for axis in axes if term[axis] in over_time and len(support.time_axes) > 1]
    first, last = support.first, support.last
    for axis in pairs:  # a row of a map over pairs of times: what it sees by itself is the narrowest of it
        (row,) = [other for other in support.time_axes if other != axis][:1]
        first, last = _narrowest(first, last, row, axis)
    narrow = reduced(replace(support, first=first, last=last), axes)
    first, last = (t.squeeze(axes) if axes else t for t in (narrow.first, narrow.last))
    letters = [letter for letter in term if letter in result]
    order = [letters.index(letter) for letter in result if letter in letters]
    first, last = first.permute(order), last.permute(order)
    for position, letter in enumerate(result):
        if letter not in letters:
            first, last = first.unsqueeze(position), last.unsqueeze(position)
    return replace(narrow, first=first, last=last, shape=tuple(out.shape))


def _narrowest(first: Tensor, last: Tensor, row: int, axis: int) -> tuple[Tensor, Tensor]:
    """The diagonal of a map over pairs of times, else the shortest interval along `axis`."""
    if first.shape[row] == first.shape[axis]:
        n = first.shape[row]
        view = [1] * first.ndim
        view[row] = n
        index = torch.arange(n).reshape(view)
    else:
        index = (last - first).argmin(axis, keepdim=True)
    shape = list(first.shape)
    shape[axis] = 1
    index = index.expand(shape)
    return first.gather(axis, index), last.gather(axis, index)
