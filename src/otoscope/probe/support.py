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
the intervals of elements in the middle of the clip, which also holds for reshapes, frames and branches, for which
there is no such recursion.

Padding: the recursions hold for the outermost elements only if intervals go on beyond the ends of the clip, as if it
were longer. So positions outside an axis continue it at the pace of its first or last two elements (`_at`).

Operations that depend on a whole clip at once (recurrence, attention, statistics over time) would stretch every
interval to the whole clip; they keep the nominal interval of the position instead and set `whole`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from otoscope.probe.listen import Call
from otoscope.probe.ops import Operation


@dataclass(frozen=True)
class Support:
    """First and last input sample on which each element of a tensor of shape `shape` depends.

    `first` and `last` have as many axes as the tensor, of length one where they do not vary. They go on beyond
    the edges of the clip where windows do. The empty interval, of an element that depends on no sample, is
    first = inf, last = -inf, which leaves a union with others unchanged.
    """

    first: Tensor
    last: Tensor
    shape: tuple[int, ...]
    whole: bool = False

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

    def varies(self, axis: int) -> bool:
        """Whether elements along `axis` depend on different samples."""
        return bool(self._span(axis) > 0)

    def _span(self, axis: int) -> float:
        """How far the centres of the intervals move along `axis`, in samples."""
        if self.first.shape[axis] == 1:
            return 0.0
        first, last = self.first.movedim(axis, 0), self.last.movedim(axis, 0)
        centre, empty = (first + last) / 2, first > last
        highest = centre.masked_fill(empty, -math.inf).amax(0)
        lowest = centre.masked_fill(empty, math.inf).amin(0)
        return max(float((highest - lowest).max()), 0.0)

    def reach(self) -> float:
        """Input samples between the first and the last of all elements, -inf where all are empty."""
        return float(self.last.max() - self.first.min())

    def time_axis(self) -> int | None:
        """The axis along which the intervals move furthest, None where they do not move.

        The channels of parallel branches may differ a little at the edges of a clip, which is not time: an axis has to
        move the intervals by more than 1/50 of the longest, unless it is the last of three or more.
        """
        spans = [self._span(axis) for axis in range(len(self.shape))]
        best = max(range(len(spans)), key=lambda axis: (spans[axis], axis), default=None)
        if best is None:
            return None
        surely_time = len(spans) > 2 and best == len(spans) - 1
        little = 0.0 if surely_time else max(float((self.last - self.first).max()), 0.0) / 50
        return best if spans[best] > little else None

    def _interior(self, axis: int) -> tuple[int, Tensor, Tensor]:
        """The middle position on `axis`, and first and last along it, in the middle of the other axes."""
        first, last = self.first, self.last
        for other in range(len(self.shape)):
            if other != axis:
                middle = first.shape[other] // 2
                first, last = first.narrow(other, middle, 1), last.narrow(other, middle, 1)
        return self.shape[axis] // 2, first.flatten(), last.flatten()

    def hop(self, axis: int) -> float:
        """Input samples from one element to the next along `axis`, in the middle of the clip."""
        middle, first, last = self._interior(axis)
        if len(first) < 2:
            return math.nan
        left = max(middle - 1, 0)
        return float(first[left + 1] - first[left] + last[left + 1] - last[left]) / 2

    def receptive_field(self, axis: int) -> int:
        """Input samples on which one element depends, in the middle of the clip."""
        middle, first, last = self._interior(axis)
        middle = min(middle, len(first) - 1)
        return int(max(float(last[middle] - first[middle]) + 1, 0.0))

    def centre(self, axis: int) -> float:
        """Input sample, perhaps fractional or negative, at the centre of the interval of element 0.

        It is extrapolated from the middle of the clip, where no edge cuts intervals off.
        """
        middle, first, last = self._interior(axis)
        middle = min(middle, len(first) - 1)
        hop = self.hop(axis) if len(first) > 1 else 0.0
        return float(first[middle] + last[middle]) / 2 - middle * hop


def hull(supports: Sequence[Support], shape: Sequence[int]) -> Support:
    """The support of an elementwise operation: the union of those of its inputs, except statistics."""
    excluded = statistics(supports)
    whole = bool(excluded) or any(s.whole for s in supports)
    supports = [s for s in supports if id(s) not in excluded]
    axes = len(shape)
    first = [s.first.reshape([1] * (axes - s.first.ndim) + list(s.first.shape)) for s in supports]
    last = [s.last.reshape([1] * (axes - s.last.ndim) + list(s.last.shape)) for s in supports]
    for i in range(1, len(supports)):
        first[0], last[0] = torch.minimum(first[0], first[i]), torch.maximum(last[0], last[i])
    return Support(first[0], last[0], tuple(shape), whole)


def statistics(supports: Sequence[Support]) -> set[int]:
    """Ids of the supports that span most of the clip at every element, where others move along it: a mean that is
    subtracted, the weights of a squeeze-and-excitation."""
    moving = [s.time_axis() is not None for s in supports]
    reach = max((s.reach() for s, moves in zip(supports, moving, strict=True) if moves), default=math.inf)
    return {id(s) for s, moves in zip(supports, moving, strict=True) if not moves and s.reach() > reach / 2}


def reduced(support: Support, axes: list[int]) -> Support:
    """Union along `axes`; the tensor keeps its shape."""
    return replace(support, first=support.first.amin(axes, True), last=support.last.amax(axes, True))


def windowed(support: Support, operation: Operation, shape: Sequence[int]) -> Support:
    """The support of a convolution or pooling: the union over its windows and, for a convolution, over channels."""
    spatial = operation.op[-2:] in ("1d", "2d", "3d") and int(operation.op[-2])
    if operation.kind == "convolution":
        support = reduced(support, [len(shape) - spatial - 1])
    for i in range(spatial):
        axis = len(shape) - spatial + i
        if support.first.shape[axis] == 1:
            continue
        positions = _window_positions(operation, i, support.shape[axis], shape[axis])
        first = _at(positions, support.first.movedim(axis, -1)).amin(-1)
        last = _at(positions, support.last.movedim(axis, -1)).amax(-1)
        support = replace(support, first=first.movedim(-1, axis), last=last.movedim(-1, axis))
    return replace(support, shape=tuple(shape))


def _at(positions: Tensor, samples: Tensor) -> Tensor:
    """First or last samples at positions of the last axis, continued beyond its ends at the pace that it has there.

    So padding does not cut intervals off, and a short clip gives the same hop and receptive field as a long one.
    """
    n = samples.shape[-1]
    inside = positions.clamp(0, n - 1)
    beyond = (positions - inside).to(samples)
    step = (samples[..., 1:] - samples[..., :-1]).nan_to_num(0.0, math.inf, -math.inf)
    pace = torch.where(beyond < 0, step[..., :1, None], step[..., -1:, None])
    found = samples[..., inside.flatten()].unflatten(-1, positions.shape)
    return torch.where(beyond == 0, found, found + beyond * pace)


def _window_positions(operation: Operation, i: int, n_in: int, n_out: int) -> Tensor:
    """Positions on the input axis (some outside it) under each output's window: (n_out, kernel)."""
    j = torch.arange(n_out)[:, None]
    if operation.adaptive:
        start, end = j * n_in // n_out, -((-(j + 1) * n_in) // n_out)
        width = int((end - start).max())
        return torch.minimum(start + torch.arange(width), end - 1)
    taps = torch.arange(operation.kernel[i]) * operation.dilation[i]
    return j * operation.stride[i] - operation.padding[i][0] + taps


# -- Following a call -------------------------------------------------------------------------------------

_STRUCTURAL = frozenset(
    "view reshape view_as flatten unflatten permute transpose swapaxes swapdims movedim moveaxis t T mT H "
    "squeeze unsqueeze __getitem__ unfold chunk split tensor_split unbind narrow select expand expand_as "
    "repeat tile flip roll contiguous clone detach pad cat concat concatenate stack hstack vstack "
    "index_select repeat_interleave reshape_as as_strided unsafe_chunk __setitem__".split()
)
_NORMS = frozenset(["norm", "linalg_norm", "linalg_vector_norm"])
_REDUCTIONS = _NORMS | frozenset("mean sum amax amin max min std var logsumexp prod median nanmean".split())
_CONSTANT = ("new_", "zeros_like", "ones_like", "empty_like", "full_like", "rand")
_PRODUCTS = frozenset(["matmul", "bmm", "mm", "__matmul__", "__rmatmul__"])
_MATRIX = _PRODUCTS | {"linear", "addmm", "baddbmm"}
_RECURRENT = frozenset(["lstm", "gru", "rnn_tanh", "rnn_relu"])
_ATTENTION = frozenset(["scaled_dot_product_attention", "multi_head_attention_forward"])
_STATISTICS = frozenset(["group_norm", "instance_norm", "cumsum", "cumprod", "logcumsumexp", "sort"])

Lookup = Callable[[Any], "Support | None"]


def follow(call: Call, result: Any, lookup: Lookup) -> list[tuple[Tensor, Support]]:
    """The supports of the tensors that a call returned.

    Parameters
    ----------
    call, result
        The call and what it returned.
    lookup
        The support of a tensor (from before the call), None for constants.
    """
    if call.name == "__setitem__":
        result = call.args[0]
    outputs = [out for out in _tensors(result) if out.is_floating_point() or out.is_complex()]
    inputs = _supports_of(_tensors((call.args, call.kwargs)), lookup)
    if not outputs or call.name.startswith(_CONSTANT):
        return []
    if not inputs:
        return [(outputs[0], Support.of_constant(outputs[0].shape))] if call.operation is not None else []
    name = call.name.rstrip("_") if not call.name.startswith("__") else call.name
    if call.operation is not None and call.operation.kind != "activation":
        source = lookup(call.input) or Support.of_constant(call.input.shape)
        return [(outputs[0], windowed(source, call.operation, outputs[0].shape))]
    if name in _STRUCTURAL:
        return _restructured(call, outputs, lookup)
    return [(out, _computed(name, call, out, inputs, lookup)) for out in outputs]


def _supports_of(tensors: list[Tensor], lookup: Lookup) -> list[Support]:
    """The supports of tensors that depend on the input."""
    supports = [lookup(t) for t in tensors]
    return [s for s in supports if s is not None and s.reach() >= 0]


def _computed(name: str, call: Call, out: Tensor, inputs: list[Support], lookup: Lookup) -> Support:
    shape = tuple(out.shape)
    first = next(iter(_supports_of(_tensors(call.args[:1]), lookup)), None)
    if name in _REDUCTIONS and first is not None and len(inputs) == 1:
        return _reduction(call, first, shape)
    if name in _PRODUCTS and first is None and len(shape) == len(inputs[0].shape) > 1:
        # A matrix of parameters times the signal: the axis before the last is summed.
        return replace(reduced(inputs[0], [-2]), shape=shape)
    if name in _MATRIX or name in _RECURRENT or name in _ATTENTION:
        rows = first if first is not None else inputs[0]
        whole = rows.whole or len(inputs) > 1 or name in _RECURRENT
        if len(rows.shape) == len(shape) and rows.shape[:-1] == shape[:-1]:
            return replace(reduced(rows, [-1]), shape=shape, whole=whole)
        return _everything(inputs, shape)
    if name == "stft" and first is not None:
        return _spectral_frames(call, first, shape)
    if name == "glu" and first is not None:
        axis = call.args[1] if len(call.args) > 1 else call.kwargs.get("dim", -1)
        if not first.varies(axis):
            return replace(first, shape=shape)
    if all(_spreads_to(s.shape, shape) for s in inputs) and not name.startswith(("conv", "fft")):
        union = hull(inputs, shape)
        return replace(union, whole=union.whole or _normalises_over_time(name, call, union))
    return _everything(inputs, shape)


def _spectral_frames(call: Call, support: Support, shape: tuple[int, ...]) -> Support:
    """Frames of a short-time Fourier transform, (..., frequency, frame) or with real and imaginary parts last."""
    names = ("input", "n_fft", "hop_length", "win_length", "window", "center")
    given = dict(zip(names, call.args, strict=False)) | call.kwargs
    n_fft = given["n_fft"]
    width = given.get("win_length") or n_fft
    start = (n_fft - width) // 2 - (n_fft // 2 if given.get("center", True) else 0)
    parts = len(shape) - len(support.shape) - 1  # 1 where the last axis holds real and imaginary parts
    frames = torch.arange(shape[-1 - parts])[:, None] * (given.get("hop_length") or n_fft // 4)
    positions = start + frames + torch.arange(width)
    first, last = _at(positions, support.first).amin(-1), _at(positions, support.last).amax(-1)
    for axis in [-2] + [-1] * parts:
        first, last = first.unsqueeze(axis), last.unsqueeze(axis)
    return replace(support, first=first, last=last, shape=shape)


def _spreads_to(shape: Sequence[int], larger: Sequence[int]) -> bool:
    """Whether a tensor of `shape` is broadcast to `larger`."""
    pairs = zip(reversed(shape), reversed(larger), strict=False)
    return len(shape) <= len(larger) and all(n in (1, m) for n, m in pairs)


def _normalises_over_time(name: str, call: Call, support: Support) -> bool:
    """Whether each element of a result depends on the others along time."""
    if name in _STATISTICS:
        return True
    if name == "batch_norm":  # without running statistics
        return bool(call.args[5] if len(call.args) > 5 else call.kwargs.get("training", False))
    if name == "layer_norm":
        count = len(call.args[1] if len(call.args) > 1 else call.kwargs["normalized_shape"])
        return any(support.varies(-1 - i) for i in range(count))
    if name in ("softmax", "log_softmax"):
        axis = call.kwargs.get("dim", call.args[1] if len(call.args) > 1 else -1)
        return axis is None or support.varies(axis)
    return False


def _reduction(call: Call, support: Support, shape: tuple[int, ...]) -> Support:
    place = 2 if call.name in _NORMS else 1
    given = call.args[place] if len(call.args) > place else None
    axes = call.kwargs.get("dim", call.kwargs.get("axis", given))
    keep = len(shape) == len(support.shape)
    if isinstance(axes, Tensor) or axes is None or isinstance(axes, (str, bool, float)):
        return _everything([support], shape)
    axes = [axis % len(support.shape) for axis in ([axes] if isinstance(axes, int) else list(axes))]
    union = reduced(support, axes)
    first, last = union.first, union.last
    if not keep:
        first, last = (_drop(t, axes) for t in (first, last))
    return (
        replace(union, first=first, last=last, shape=shape)
        if first.ndim == len(shape)
        else _everything([support], shape)
    )


def _drop(t: Tensor, axes: list[int]) -> Tensor:
    for axis in sorted(axes, reverse=True):
        t = t.squeeze(axis)
    return t


def _everything(inputs: Sequence[Support], shape: tuple[int, ...]) -> Support:
    """Every element depends on all samples of all inputs: for operations of which nothing finer is known."""
    first = min(float(s.first.min()) for s in inputs)
    last = max(float(s.last.max()) for s in inputs)
    ones = torch.ones([1] * len(shape), dtype=torch.float64)
    return Support(ones * first, ones * last, shape, whole=True)


def _restructured(call: Call, outputs: list[Tensor], lookup: Lookup) -> list[tuple[Tensor, Support]]:
    """Do to the supports what the call did to its tensors."""
    sources = _supports_of(_tensors((call.args, call.kwargs)), lookup)
    excluded = statistics(sources)
    whole = bool(excluded) or any(s.whole for s in sources)
    moved = []
    for which, empty in (("first", math.inf), ("last", -math.inf)):

        def swap(x: Any, which: str = which, empty: float = empty) -> Any:
            if isinstance(x, Tensor):
                support = lookup(x)
                if support is not None and id(support) not in excluded:
                    return getattr(support, which).expand(support.shape)
                return torch.full(x.shape, empty, dtype=torch.float64) if x.is_floating_point() else x.cpu()
            if isinstance(x, (list, tuple)) and not hasattr(x, "_fields"):
                return type(x)(swap(item) for item in x) if type(x) in (list, tuple) else x
            if isinstance(x, dict):
                return {key: swap(value) for key, value in x.items()}
            return x

        args, kwargs = swap(call.args), swap(call.kwargs)
        moved.append([_compressed(t) for t in _tensors(_run_on_supports(call, args, kwargs, empty))])
    pairs = zip(outputs, *moved, strict=True)
    return [(out, Support(first, last, tuple(out.shape), whole)) for out, first, last in pairs]


def _run_on_supports(call: Call, args: Any, kwargs: Any, empty: float) -> Any:
    if call.name in ("contiguous", "clone", "detach"):  # a copy would have no axis left along which nothing varies
        return args[0]
    if call.name == "view":  # expanded supports have strides of their own
        return args[0].reshape(*args[1:])
    if call.name == "pad":
        return _padded(args[0], args[1] if len(args) > 1 else kwargs["pad"], empty)
    if call.name == "as_strided":
        return call.func(args[0].contiguous(), *args[1:], **kwargs)
    if call.name == "__setitem__":
        target, index, value = args
        target = target.clone()
        target[index] = value if isinstance(value, Tensor) else empty
        return target
    return call.func(*args, **kwargs)


def _padded(samples: Tensor, pads: Sequence[int], empty: float) -> Tensor:
    """An axis along which intervals move is continued; new positions on any other are empty."""
    for i in range(len(pads) // 2):
        axis, before, after = samples.ndim - 1 - i, pads[2 * i], pads[2 * i + 1]
        n = samples.shape[axis]
        if n > 1 and samples.stride(axis) != 0:
            positions = torch.arange(-before, n + after)[:, None]
            samples = _at(positions, samples.movedim(axis, -1))[..., 0].movedim(-1, axis)
        elif before or after:
            samples = functional.pad(samples, [0, 0] * i + [before, after], value=empty)
    return samples


def _compressed(t: Tensor) -> Tensor:
    """Reduce to length one the axes along which nothing varies, by their stride of 0, without reading values."""
    for axis in range(t.ndim):
        if t.shape[axis] > 1 and t.stride(axis) == 0:
            t = t.narrow(axis, 0, 1)
    return t


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, (list, tuple)):
        return [t for item in value for t in _tensors(item)]
    if isinstance(value, dict):
        return [t for item in value.values() for t in _tensors(item)]
    return []
