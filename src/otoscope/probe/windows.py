"""Windows over an axis of a tensor, and the intervals of input samples that their results depend on.

A window of the output element m covers the positions lo(m), lo(m) + step, ..., hi(m) of an axis. Its first sample is
the least first sample at these positions. Where the samples rise (or fall) along the axis, as they do along time, that
is the sample at one end of the window, so that neither time nor memory depends on the width. Where they do not, the
least of a window of c positions is the lesser of two overlapping windows of 2^i positions, 2^i <= c < 2^(i + 1), and
those of 2^i positions come from those of 2^(i - 1) likewise (a sparse table).

Positions beyond the ends of the time axis go on at the pace that the samples have there, as if the clip were longer:
so padding does not cut intervals off, and a short clip gives the same hop and receptive field as a long one. Along
another axis (the places in a frame) padding is nothing but zeros.

A transposed convolution of stride s, padding p and dilation d adds x(i) w(j) to element m = i s - p + j d. So m covers
the positions i = (m + p - j d) / s of all j in 0 ... k - 1 for which that is an integer: which j, depends on the phase
(m + p) mod s alone, and their positions are d / gcd(s, d) apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from otoscope.probe.ops import Operation
from otoscope.probe.support import Support


@dataclass(frozen=True)
class Windows:
    """The first and the last position under each window, and the step between positions; none where hi < lo."""

    lo: Tensor
    hi: Tensor
    step: int = 1


def over(support: Support, axis: int, windows: Windows, shape: Sequence[int]) -> Support:
    """The union over windows along one axis; the result has `shape`, of as many axes."""
    if support.first.shape[axis] == 1:
        return support.shaped(shape)
    goes_on = axis in support.time_axes
    first, last = support.first.movedim(axis, -1), support.last.movedim(axis, -1)
    lo, hi = windows.lo, windows.hi
    if not goes_on:
        n, step = first.shape[-1], windows.step
        lo = lo + (-lo).clamp(min=0).add(step - 1).div(step, rounding_mode="floor") * step
        hi = hi - (hi - n + 1).clamp(min=0).add(step - 1).div(step, rounding_mode="floor") * step
    if bool((first[..., 1:] >= first[..., :-1]).all() and (last[..., 1:] >= last[..., :-1]).all()):
        edges = at(lo, first), at(hi, last)
    elif bool((first[..., 1:] <= first[..., :-1]).all() and (last[..., 1:] <= last[..., :-1]).all()):
        edges = at(hi, first), at(lo, last)
    else:
        edges = _least(first, lo, hi, windows.step), -_least(-last, lo, hi, windows.step)
    empty = lo > hi
    if bool(empty.any()):
        edges = edges[0].masked_fill(empty, math.inf), edges[1].masked_fill(empty, -math.inf)
    first, last = (edge.movedim(-1, axis) for edge in edges)
    return replace(support, first=first, last=last, shape=tuple(shape))


def at(positions: Tensor, samples: Tensor) -> Tensor:
    """First or last samples at positions of the last axis, continued beyond its ends at the pace that it has there."""
    n = samples.shape[-1]
    low, high = (int(end) for end in positions.aminmax()) if len(positions) else (0, 0)
    inside = positions if low >= 0 and high < n else positions.clamp(0, n - 1)
    found = samples.index_select(-1, inside)
    if n == 1 or inside is positions:
        return found
    beyond = positions - inside
    step = (samples[..., 1:] - samples[..., :-1]).nan_to_num(0.0, math.inf, -math.inf)
    pace = torch.where(beyond < 0, step[..., :1], step[..., -1:])
    return torch.where(beyond == 0, found, found + beyond.to(samples) * pace)


def _least(samples: Tensor, lo: Tensor, hi: Tensor, step: int) -> Tensor:
    """The least sample in each window along the last axis, by a sparse table."""
    start, stop = int(lo.min()), int(torch.maximum(lo, hi).max()) + 1
    table = at(torch.arange(start, stop), samples)
    count = ((hi - lo).clamp(min=0) // step) + 1
    level = torch.log2(count.double()).floor().long()
    found = samples.new_empty((*samples.shape[:-1], len(lo)))
    for i in range(int(level.max()) + 1):
        width = step << i
        if i:
            half = width // 2
            table = torch.minimum(table[..., :-half], table[..., half:]) if table.shape[-1] > half else table
        here = (level == i).nonzero().flatten()
        if len(here):
            left = lo[here] - start
            right = left + (count[here] - (1 << i)) * step
            found[..., here] = torch.minimum(table[..., left], table[..., right])
    return found


# -- Which windows an operation has -------------------------------------------------------------------------


def of_operation(operation: Operation, i: int, n_in: int, n_out: int) -> Windows:
    """The windows of a convolution or pooling along its spatial axis `i`."""
    m = torch.arange(n_out)
    if operation.adaptive:
        return adaptive(n_in, n_out)
    kernel, stride, dilation = operation.kernel[i], operation.stride[i], operation.dilation[i]
    before = operation.padding[i][0]
    if operation.transposed:
        return transposed(m + before, kernel, stride, dilation)
    lo = m * stride - before
    return Windows(lo, lo + (kernel - 1) * dilation, dilation)


def adaptive(n_in: int, n_out: int) -> Windows:
    """Those of adaptive pooling and of interpolation by areas."""
    m = torch.arange(n_out)
    return Windows(m * n_in // n_out, -((-(m + 1) * n_in) // n_out) - 1)


def transposed(places: Tensor, kernel: int, stride: int, dilation: int) -> Windows:
    """Those of a transposed convolution, for elements at `places` before the padding is cut off."""
    phase, j = torch.arange(stride)[:, None], torch.arange(kernel)
    meets = (phase - j * dilation) % stride == 0
    none = ~meets.any(1)
    last_j = torch.where(meets, j, -1).amax(1)
    first_j = torch.where(meets, j, kernel).amin(1)
    here = places % stride
    lo = (places - last_j[here] * dilation).div(stride, rounding_mode="floor")
    hi = (places - first_j[here] * dilation).div(stride, rounding_mode="floor")
    return Windows(lo, torch.where(none[here], lo - 1, hi), dilation // math.gcd(stride, dilation))


def interpolated(mode: str, n_in: int, n_out: int, scale: float | None, align_corners: bool) -> Windows:
    """Those of interpolation; `scale` is the factor that was given, by which elements are placed."""
    m = torch.arange(n_out, dtype=torch.float64)
    ratio = n_in / n_out if not scale else 1 / scale
    if mode == "area":
        return adaptive(n_in, n_out)
    if mode == "nearest":
        place = (m * ratio).floor().long()
        return Windows(place, place)
    if mode == "nearest-exact":
        place = ((m + 0.5) * ratio).floor().long()
        return Windows(place, place)
    middle = m * (n_in - 1) / max(n_out - 1, 1) if align_corners else (m + 0.5) * ratio - 0.5
    nearest = middle.round()
    middle = torch.where((middle - nearest).abs() < 1e-6, nearest, middle)
    left, right = middle.floor().long(), middle.ceil().long()
    wider = 1 if mode == "bicubic" else 0
    return Windows(left - wider, right + wider)
