"""Which samples of the input each element of an activation depends on.

While a model runs, every tensor is accompanied by a :class:`Support`: for each element the first and the
last input sample on which it depends through windows (convolutions, poolings, linear maps). The shape operations
of the model (transposes, reshapes, slices, frames) are applied to the supports themselves, so that hop, receptive
field and time axis can be read off at any point of any architecture, and nothing is guessed from names or
shapes.

Interval arithmetic. The samples on which an element depends are replaced by their hull, the interval [first, last].
The hull of a union is [min of the firsts, max of the lasts], and every operation of a model is a union over some
elements of its inputs:

- a window over the positions P(m) = {m s - p + j d, j = 0 ... k - 1} of stride s, padding p, dilation d and k taps:

      first'(m) = min of first(i), last'(m) = max of last(i), over i in P(m)

- a sum over channels or features: min and max along that axis; an elementwise operation: min and max of its inputs.

Along time, chains of windows give affine intervals, first(i) = a + i h and last(i) = a + r - 1 + i h, of hop h and
receptive field r. Inserted above:

      first'(m) = a - p h + m s h, last'(m) = a - p h + (k - 1) d h + r - 1 + m s h

so that the hop becomes h s, the receptive field r + (k - 1) d h, and the centre a + (r - 1) / 2 of element 0 moves by
((k - 1) d / 2 - p) h: the well-known recursions (Araujo, Norris and Sim, "Computing receptive fields of convolutional
neural networks", Distill 2019). Here they are not computed but observed: hop, receptive field and centre are read off
the intervals (:mod:`otoscope.probe.readoff`), which also holds for reshapes, frames and branches, for which there is no
such recursion.

Operations that depend on a whole clip at once (recurrence, attention, statistics over time) would stretch every
interval to the whole clip; they keep the nominal interval of the position instead and set `whole`.

Which operation does what to intervals is in :mod:`otoscope.probe.follow` and, for windows, in
:mod:`otoscope.probe.windows`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Support:
    """First and last input sample on which each element of a tensor of shape `shape` depends.

    `first` and `last` have as many axes as the tensor, of length one where they do not vary. They go on beyond
    the edges of the clip where windows do. The empty interval, of an element that depends on no sample, is
    first = inf, last = -inf, which leaves a union with others unchanged.

    `whole` says that elements also depend on the whole clip, `known` whether the intervals are, and `cut` names the
    operation behind which no gradient arrives from the waveform. `notes` is what else a reader has to know.
    """

    first: Tensor
    last: Tensor
    shape: tuple[int, ...]
    whole: bool = False
    known: bool = True
    cut: str = ""
    notes: tuple[str, ...] = ()

    @cached_property
    def read(self) -> dict[tuple[int, ...], Any]:
        """What was read off it, by axes; see :func:`otoscope.probe.readoff.read_off`."""
        return {}

    @classmethod
    def of_waveform(cls, shape: Sequence[int]) -> Support:
        """The support of an input of shape (..., time): every sample depends on itself."""
        samples = torch.arange(shape[-1], dtype=torch.float64).reshape([1] * (len(shape) - 1) + [-1])
        return cls(samples, samples, tuple(shape))

    @classmethod
    def of_constant(cls, shape: Sequence[int]) -> Support:
        """The empty support, of what is computed from parameters alone."""
        infinity = torch.full([1] * len(shape), math.inf, dtype=torch.float64)
        return cls(infinity, -infinity, tuple(shape))

    def shaped(self, shape: Sequence[int]) -> Support:
        """The same intervals for a tensor of another shape; this object itself where the shape is the same."""
        return self if tuple(shape) == self.shape else replace(self, shape=tuple(shape))

    def varies(self, axis: int) -> bool:
        """Whether elements along `axis` depend on different samples."""
        return self.spans[axis] > 0

    def moves_along(self, axis: int) -> bool:
        """Whether elements move along `axis` by more than channels of branches differ; see `time_axes`."""
        return self.spans[axis] > self._furthest[1]

    @cached_property
    def spans(self) -> list[float]:
        """How far the centres of the intervals move along each axis, in samples."""
        return [self._span(axis) for axis in range(len(self.shape))]

    def _span(self, axis: int) -> float:
        if self.first.shape[axis] == 1:
            return 0.0
        ends, empty = self.first + self.last, self.first > self.last
        some = bool(empty.any())
        highest = (ends.masked_fill(empty, -math.inf) if some else ends).amax(axis)
        lowest = (ends.masked_fill(empty, math.inf) if some else ends).amin(axis)
        return max(float((highest - lowest).max()) / 2, 0.0)

    @cached_property
    def reach(self) -> float:
        """Input samples between the first and the last of all elements, -inf where all are empty."""
        return self.last.max().item() - self.first.min().item()

    @property
    def time_axis(self) -> int | None:
        """The axis along which the intervals move furthest, None where they do not move; see `time_axes`."""
        return self._furthest[0]

    @cached_property
    def _furthest(self) -> tuple[int | None, float]:
        """The axis that moves furthest, and what an axis has to move to be one of time.

        The channels of parallel branches may differ a little at the edges of a clip, which is not time: an axis has to
        move the intervals by more than 1/50 of the longest, unless it is the last of three or more.
        """
        spans = self.spans
        best = max(range(len(spans)), key=lambda axis: (spans[axis], axis), default=None)
        if best is None or not spans[best]:
            return None, 0.0
        surely_time = len(spans) > 2 and best == len(spans) - 1
        little = 0.0 if surely_time else max(float((self.last - self.first).max()), 0.0) / 50
        return (best if spans[best] > little else None), little

    @cached_property
    def time_axes(self) -> tuple[int, ...]:
        """The axis of time; both, where a map is over pairs of times.

        The hull of two times is short on the diagonal and long off it. Two axes that together are one time (blocks, and
        places in a block) have intervals of one length.
        """
        best, little = self._furthest
        if best is None:
            return ()
        others = [a for a in range(len(self.shape)) if a != best and self.spans[a] > max(self.spans[best] / 2, little)]
        return tuple(sorted([best, *(other for other in others if self._are_pairs(best, other))]))

    def _are_pairs(self, one: int, other: int) -> bool:
        width = self.last - self.first
        for axis in range(width.ndim):
            if axis not in (one, other):
                width = width.narrow(axis, width.shape[axis] // 2, 1)
        width = width.movedim((one, other), (0, 1)).flatten()
        n, m = self.first.shape[one], self.first.shape[other]
        corners = min(float(width[m - 1]), float(width[(n - 1) * m]))
        return corners - float(width.min()) > min(self.spans[one], self.spans[other]) / 2


def hull(supports: Sequence[Support], shape: Sequence[int]) -> Support:
    """The support of an elementwise operation: the union of those of its inputs, except statistics."""
    if len(supports) == 1 and len(supports[0].shape) == len(shape):
        return supports[0].shaped(shape)
    excluded = statistics(supports)
    kept = [s for s in supports if id(s) not in excluded]
    axes = len(shape)
    first, last = (
        [t.reshape([1] * (axes - t.ndim) + list(t.shape)) for t in edges]
        for edges in ([s.first for s in kept], [s.last for s in kept])
    )
    for i in range(1, len(kept)):
        if first[i] is not first[0]:
            first[0] = torch.minimum(first[0], first[i])
        if last[i] is not last[0]:
            last[0] = torch.maximum(last[0], last[i])
    return Support(first[0], last[0], tuple(shape), *marks(supports, excluded))


def marks(supports: Sequence[Support], excluded: set[int] | None = None) -> tuple[bool, bool, str, tuple[str, ...]]:
    """`whole`, `known`, `cut` and `notes` of what is computed from several: it is cut where all of them are."""
    whole = bool(excluded) or any(s.whole for s in supports)
    cut = supports[0].cut if supports and all(s.cut for s in supports) else ""
    notes = tuple(dict.fromkeys(note for s in supports for note in s.notes))
    return whole, all(s.known for s in supports), cut, notes


def statistics(supports: Sequence[Support]) -> set[int]:
    """Ids of the supports that span most of the clip at every element, where others move along it: a mean that is
    subtracted, the weights of a squeeze-and-excitation."""
    if len(supports) < 2:
        return set()
    moving = [s.time_axis is not None for s in supports]
    if all(moving) or not any(moving):
        return set()
    reach = max(s.reach for s, moves in zip(supports, moving, strict=True) if moves)
    return {id(s) for s, moves in zip(supports, moving, strict=True) if not moves and s.reach > reach / 2}


def reduced(support: Support, axes: Sequence[int], shape: Sequence[int] | None = None) -> Support:
    """Union along `axes`; the tensor keeps its shape, or has `shape` of as many axes."""
    axes = [axis for axis in axes if support.first.shape[axis] > 1]
    if not axes:
        return support if shape is None else support.shaped(shape)
    first, last = support.first.amin(axes, True), support.last.amax(axes, True)
    return replace(support, first=first, last=last, shape=support.shape if shape is None else tuple(shape))


def everything(inputs: Sequence[Support], shape: Sequence[int]) -> Support:
    """Every element depends on all samples of all inputs: for operations that have no order in time."""
    first = min(float(s.first.min()) for s in inputs)
    last = max(float(s.last.max()) for s in inputs)
    ones = torch.ones([1] * len(shape), dtype=torch.float64)
    _, known, cut, notes = marks(inputs)
    return Support(ones * first, ones * last, tuple(shape), True, known, cut, notes)


def even(shape: Sequence[int], axis: int, hop: float, centre: float, field: float, whole: bool = False) -> Support:
    """Intervals of `field` samples around `centre`, `centre + hop`, ... along one axis."""
    view = [1] * len(shape)
    view[axis] = -1
    middle = (centre + hop * torch.arange(shape[axis], dtype=torch.float64)).reshape(view)
    reach = (field - 1) / 2
    return Support(middle - reach, middle + reach, tuple(shape), whole)
