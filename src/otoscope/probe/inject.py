"""Measure what the result of one operation sees of the waveform, where arithmetic does not know the operation.

The model is run up to the operation with a graph, and gradients are pulled back to the waveform from a few moments of
its result. They are not numbers but NaN: as 0 x NaN = NaN, every sample that is *read* shows, however small, zero,
saturated or cancelled the path is. No threshold is needed, and no double precision. Functions whose backward pass
selects are opened (:mod:`otoscope.probe.opened`).

Where everything is read (a Fourier transform reads all, also for a filter that is short), random numbers in double
precision tell what matters.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from otoscope.probe.growth import Growth, Where, hop_of
from otoscope.probe.layout import tensors_in
from otoscope.probe.listen import Call, TapReached, evaluating, frozen, intercepting
from otoscope.probe.opened import opened
from otoscope.probe.readoff import UNEVEN, Place, between, moments_of, read_edges
from otoscope.probe.support import Support, even, marks

_MOST = 12  # operations that are measured in one trace
_PHASES = 16  # of one period, behind interpolation

_REFUSALS = (RuntimeError, NotImplementedError, ValueError, TypeError, IndexError)

Hull = tuple[int, int]


@dataclass(frozen=True)
class _Node:
    """A result in the graph of a pass."""

    edge: GradientEdge | None
    shape: tuple[int, ...]
    dtype: torch.dtype
    same: bool  # it is the tensor that was asked about, and so was there before the pass


@dataclass(frozen=True)
class _Asked:
    """A call of a pass by its number; of its results the one at `place`, or of its arguments, which is `tensor`."""

    number: int
    place: int
    tensor: Tensor | None = None


class Injection:
    """Measurements of one model on one clip."""

    def __init__(self, model: nn.Module, clip: Tensor) -> None:
        self.model, self.clip, self.made = model, clip, 0
        if not self.clip.std() > 0:  # silence: 0 / 0 and 0 x inf are NaN by themselves
            noise = torch.randn(clip.shape, generator=torch.Generator().manual_seed(0))
            self.clip = noise.to(clip)

    def of_result(
        self, number: int, place: int, inputs: Sequence[Support], growth: Growth, name: str, shape: tuple[int, ...]
    ) -> Support | None:
        """The support of one result of call `number` of a pass, as measured; None where it cannot be."""
        if self.made >= _MOST:
            return None
        self.made += 1
        asked = _Asked(number, place)
        try:
            leaf, node = _graph(self.model, self.clip, asked)
            return self._measured(leaf, node, asked, growth, inputs, f"measured at {name}")
        except _REFUSALS:
            return None

    def of_argument(self, number: int, place: int, asked: Tensor, growth: Growth) -> Support | str | None:
        """The support of an argument of call `number` whose origin is not known.

        "constant" where it was there before the pass; None where each pass makes a new one, and no gradient shows how.
        """
        if self.made >= _MOST:
            return None
        where = _Asked(number, place, asked)
        try:
            leaf, node = _graph(self.model, self.clip, where)
            if node.same:
                return "constant"
            if node.edge is None:
                return None
            self.made += 1
            return self._measured(leaf, node, where, growth, (), "measured behind a function that is not seen")
        except _REFUSALS:
            return None

    def _measured(
        self, leaf: Tensor, node: _Node, asked: _Asked, growth: Growth, inputs: Sequence[Support], note: str
    ) -> Support | None:
        if node.edge is None:
            return None
        puller = _Puller(leaf, node)
        where = Where(asked.number, asked.place, asked.tensor is not None)
        grown = growth.of_call(where, node.shape)
        axes = puller.moving() if not grown else tuple(grown)
        _, known, cut, notes = marks(inputs)
        notes = tuple(dict.fromkeys([*notes, note]))
        samples = self.clip.shape[-1]
        if len(axes) != 1:
            ones = torch.ones([1] * len(node.shape), dtype=torch.float64)
            if axes:
                notes = (*notes, "grows with the clip along several axes")
            return Support(0 * ones, (samples - 1) * ones, node.shape, True, known and not axes, cut, notes)
        (axis,) = axes
        measured = self._place(puller, axis, asked)
        hop = measured.hop
        if not hop > 0:
            told = hop_of(self.model, self.clip, growth, where, axis, node.shape[axis])
            if told is None:
                return None
            hop = told
        n = node.shape[axis]
        if measured.field is None or measured.note == UNEVEN:
            start = (samples - hop * n) / 2 + (hop - 1) / 2
            if measured.centre == measured.centre:
                start = measured.centre
            support = even(node.shape, axis, hop, start, max(round(hop), 1), True)
            seen = {"before": "all before", "after": "all after"}.get(measured.sees, "the whole clip")
            return replace(support, known=known, cut=cut, notes=(*notes, measured.note or f"sees {seen}"))
        support = even(node.shape, axis, hop, measured.centre, measured.field)
        return replace(support, known=known, cut=cut, notes=notes)

    def _place(self, puller: _Puller, axis: int, asked: _Asked) -> Place:
        found = puller.place(axis)
        if found.field is None:  # read everywhere: random numbers show what matters
            doubled = self._doubled(asked)
            if doubled is not None:
                second = doubled.place(axis)
                if second.field is not None and second.field >= self.clip.shape[-1]:  # a kernel as long as the clip
                    latest = second.centre + (second.field - second.hop) / 2
                    return replace(second, field=None, centre=latest, sees="before")
                if second.field is not None or second.sees in ("before", "after") or second.note:
                    return second
        elif found.hop > 0:
            return puller.over_phases(axis, found)
        return found

    def _doubled(self, asked: _Asked) -> _Puller | None:
        """The same in double precision, with random numbers for NaN."""
        try:
            double = copy.deepcopy(self.model).double()
            leaf, node = _graph(double, self.clip.double(), asked)
        except Exception:  # not to be copied, or not to be run so
            return None
        return None if node.edge is None else _Puller(leaf, node, values=True)


class _Puller:
    """Pulls seeds at moments of one result back to the waveform."""

    def __init__(self, leaf: Tensor, node: _Node, values: bool = False) -> None:
        self.leaf, self.node, self.values, self.samples = leaf, node, values, leaf.shape[-1]
        empty = self.pull((), [])
        if not values and (empty is None or bool(empty.any())):
            raise RuntimeError("no gradient arrives, or is NaN by itself")

    def pull(self, axes: tuple[int, ...], moments: Sequence[int]) -> Tensor | None:
        """The samples that the elements at `moments` see."""
        shape = self.node.shape
        seed = torch.zeros(shape, dtype=self.node.dtype, device=self.leaf.device)
        channel = len(shape) - 1 if 1 in axes else 1  # all maps; of other axes (frequency, place in a frame) the middle
        for moment in moments:
            where = tuple(
                min(moment, n - 1) if i in axes else slice(None) if i == channel else n // 2
                for i, n in enumerate(shape)
            )
            seed[where] = torch.rand_like(seed[where]) + 0.5 if self.values else math.nan
        assert self.node.edge is not None
        (grad,) = torch.autograd.grad(self.node.edge, self.leaf, seed, retain_graph=True, allow_unused=True)
        if grad is None:
            return None
        seen = grad.isnan() if not self.values else grad.abs() > 1e3 * torch.finfo(grad.dtype).eps * grad.abs().max()
        return seen.flatten(0, -2).any(0)

    def hulls(self, axis: int, moments: Sequence[int]) -> list[Hull] | None:
        """First and last sample that each moment sees, by a pass each: what one sees may lie amid what others do."""
        masks = [self.pull((axis,), [moment]) for moment in moments]
        found = [None if mask is None else _hull(mask) for mask in masks]
        known = [one for one in found if one is not None]
        return known if len(known) == len(moments) else None

    def place(self, axis: int) -> Place:
        """Hop, centre and field along one axis."""
        moments = moments_of(self.node.shape[axis])
        hulls = self.hulls(axis, moments)
        if hulls is None:
            raise RuntimeError("no gradient arrives")
        if len(moments) == 1 and not (hulls[0][0] > 0 and hulls[0][1] < self.samples - 1):
            return Place(sees="clip")
        firsts, lasts = ([(j, float(hull[i])) for j, hull in zip(moments, hulls, strict=True)] for i in (0, 1))
        return read_edges(firsts, lasts)

    def over_phases(self, axis: int, found: Place) -> Place:
        """The widest interval of one period and the middle of all, where intervals move unevenly."""
        middle = self.node.shape[axis] // 2
        near = [j for j in range(middle, middle + _PHASES) if j < self.node.shape[axis]]
        two = self.hulls(axis, near[:2])
        if two is None or len(near) < 2 or two[1][0] - two[0][0] == two[1][1] - two[0][1] == found.hop:
            return found
        edges = np.array([hull for j in near for hull in self.hulls(axis, [j]) or []], dtype=np.float64)
        steps = found.hop * np.array(near, dtype=np.float64)
        if len(edges) < len(near):
            return found
        return between(found, edges[:, 0] - steps, edges[:, 1] - steps)

    def moving(self) -> tuple[int, ...]:
        """The axis along which what is seen moves furthest; none where it hardly moves."""
        best: tuple[int, ...] = ()
        furthest = 0.0
        for axis, n in enumerate(self.node.shape):
            hulls = self.hulls(axis, [0, n - 1]) if n > 1 and axis else None
            if not hulls:
                continue
            moved = abs(sum(hulls[1]) - sum(hulls[0])) / 2
            if moved > max(furthest, min(b - a + 1 for a, b in hulls) / 10):
                best, furthest = (axis,), moved
        return best


def _hull(mask: Tensor) -> Hull | None:
    where = mask.nonzero().flatten()
    return (int(where[0]), int(where[-1])) if len(where) else None


def _graph(model: nn.Module, clip: Tensor, asked: _Asked) -> tuple[Tensor, _Node]:
    """The waveform, and a result (or argument) of one call in a graph from it."""
    leaf = clip.detach().clone().requires_grad_()
    count = 0
    nodes: list[_Node] = []

    def handle(call: Call) -> Any:
        nonlocal count
        count += 1
        if count <= asked.number:
            with torch.enable_grad():
                return opened(call)
        if asked.tensor is not None:
            found = tensors_in((call.args, call.kwargs))[asked.place]
        else:
            with torch.enable_grad():
                found = tensors_in(opened(call))[asked.place]
        edge = get_gradient_edge(found) if found.requires_grad else None
        nodes.append(_Node(edge, tuple(found.shape), found.dtype, found is asked.tensor))
        raise TapReached

    with torch.enable_grad(), evaluating(model), frozen(model):
        given = leaf.clone()
        with intercepting(model, handle), suppress(TapReached):
            model(given)
    if not nodes:
        raise RuntimeError("the call was not made again")
    return leaf, nodes[0]
