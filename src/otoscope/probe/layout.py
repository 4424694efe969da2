"""Operations that move elements about: what they do to a tensor, they do to its intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from otoscope.probe.listen import Call
from otoscope.probe.support import Support, marks, statistics
from otoscope.probe.windows import at

Lookup = Callable[[Any], "Support | None"]

STRUCTURAL = frozenset(
    "view reshape view_as reshape_as flatten ravel unflatten permute transpose swapaxes swapdims movedim moveaxis "
    "t T mT H mH adjoint squeeze unsqueeze __getitem__ unfold chunk unsafe_chunk split unsafe_split "
    "split_with_sizes tensor_split hsplit vsplit dsplit unbind narrow narrow_copy select expand expand_as "
    "broadcast_to broadcast_tensors repeat tile flip fliplr flipud roll rot90 contiguous clone detach data pad "
    "cat concat concatenate stack hstack vstack dstack column_stack index_select repeat_interleave as_strided "
    "__setitem__ atleast_1d atleast_2d atleast_3d diagonal pixel_shuffle pixel_unshuffle channel_shuffle "
    "native_channel_shuffle gather take_along_dim meshgrid".split()
)
JOINING = frozenset("cat concat concatenate stack".split())
#: How functions begin of which the result depends on no values of their arguments.
MAKING = ("new_", "zeros_like", "ones_like", "empty_like", "full_like", "rand")


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors in arguments or a result."""
    if isinstance(value, Tensor):
        return [value]
    found: list[Tensor] = []
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ():
        if isinstance(item, Tensor):
            found.append(item)
        elif isinstance(item, (list, tuple, dict)):
            found += tensors_in(item)
    return found


def numbers_read(call: Call) -> list[Tensor]:
    """The tensors of which a call reads numbers, and not the shape or type alone."""
    if call.name == "copy_":
        return tensors_in(call.args[1:])
    if call.name in ("to", "type_as", "view_as", "reshape_as", "expand_as"):
        return tensors_in(call.args[:1])
    return tensors_in((call.args, call.kwargs))


def supports_of(tensors: Sequence[Tensor], lookup: Lookup) -> list[Support]:
    """The supports of tensors that depend on the input."""
    supports = [lookup(t) for t in tensors]
    return [s for s in supports if s is not None and s.reach >= 0]


def restructured(call: Call, outputs: list[Tensor], lookup: Lookup) -> list[tuple[Tensor, Support]]:
    """Do to the supports what the call did to its tensors."""
    if call.name in ("contiguous", "clone", "detach", "data"):  # a copy would vary along every axis
        (source,) = supports_of(tensors_in(call.args[:1]), lookup)
        return [(outputs[0], source)]
    read = call.args[:1] if call.name.endswith("_as") else (call.args, call.kwargs)
    sources = supports_of(tensors_in(read), lookup)
    excluded = set() if call.name == "__setitem__" else statistics(sources)  # what is overwritten is gone
    if call.name in JOINING:
        return [(outputs[0], _joined(call, outputs[0], lookup, excluded))]
    edges: list[list[Tensor]] = []
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

        edges.append(tensors_in(_run_on_edges(call, swap(call.args), swap(call.kwargs), empty)))
    seen = marks(sources, excluded)
    found = []
    for out, first, last in zip(outputs, *edges, strict=True):
        first, last = compressed(first, last)
        found.append((out, Support(first, last, tuple(out.shape), *seen)))
    return found


def _run_on_edges(call: Call, args: Any, kwargs: Any, empty: float) -> Any:
    if call.name == "view":  # expanded supports have strides of their own
        return args[0].reshape(*args[1:]) if not isinstance(args[1], torch.dtype) else args[0]
    if call.name == "pad":
        return _padded(args[0], args[1] if len(args) > 1 else kwargs["pad"], empty)
    if call.name == "as_strided":
        return call.func(args[0].contiguous(), *args[1:], **kwargs)
    if call.func is functional.unfold:
        return _unfolded(*args, **kwargs, empty=empty)
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
            samples = at(torch.arange(-before, n + after), samples.movedim(axis, -1)).movedim(-1, axis)
        elif before or after:
            samples = functional.pad(samples, [0, 0] * i + [before, after], value=empty)
    return samples


def _unfolded(
    samples: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1, *, empty: float
) -> Tensor:
    rows, columns = (padding, padding) if isinstance(padding, int) else padding
    padded = _padded(samples, [columns, columns, rows, rows], empty)
    return functional.unfold(padded, kernel_size, dilation, 0, stride)


def _joined(call: Call, out: Tensor, lookup: Lookup, excluded: set[int]) -> Support:
    """What is joined along an axis; that does not vary where all parts are alike."""
    parts: Sequence[Tensor] = call.args[0] if call.args else call.kwargs["tensors"]
    axis = call.args[1] if len(call.args) > 1 else call.kwargs.get("dim", call.kwargs.get("axis", 0))
    axis %= out.ndim
    found = [lookup(part) for part in parts]
    sources = [s for s in found if s is not None and s.reach >= 0]
    axes = out.ndim - (call.name == "stack")
    kept = [
        s if s is not None and id(s) not in excluded else Support.of_constant(part.shape)
        for s, part in zip(found, parts, strict=True)
        if part.ndim == axes  # an empty list of numbers may be joined to anything
    ]
    pairs = [(s.first, s.last, s.shape) for s in kept]
    if call.name == "stack":
        pairs = [(f.unsqueeze(axis), l.unsqueeze(axis), (*n[:axis], 1, *n[axis:])) for f, l, n in pairs]
    seen = marks(sources, excluded)
    alike = all(f.shape == pairs[0][0].shape for f, _, _ in pairs) and pairs[0][0].shape[axis] == 1
    if alike and all(torch.equal(f, pairs[0][0]) and torch.equal(l, pairs[0][1]) for f, l, _ in pairs[1:]):
        return Support(pairs[0][0], pairs[0][1], tuple(out.shape), *seen)
    sizes = [max(f.shape[a] for f, _, _ in pairs) for a in range(out.ndim)]
    spread = [[n[a] if a == axis else sizes[a] for a in range(out.ndim)] for _, _, n in pairs]
    first = torch.cat([f.expand(n) for (f, _, _), n in zip(pairs, spread, strict=True)], axis)
    last = torch.cat([l.expand(n) for (_, l, _), n in zip(pairs, spread, strict=True)], axis)
    return Support(first, last, tuple(out.shape), *seen)


def compressed(first: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    """Reduce to length one the axes along which neither varies."""
    for axis in range(first.ndim):
        if first.shape[axis] > 1 and _is_constant(first, axis) and _is_constant(last, axis):
            first, last = first.narrow(axis, 0, 1), last.narrow(axis, 0, 1)
    return first, last


def _is_constant(t: Tensor, axis: int) -> bool:
    return t.stride(axis) == 0 or bool((t == t.narrow(axis, 0, 1)).all())
