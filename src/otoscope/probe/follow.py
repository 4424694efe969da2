"""What each torch function does to the intervals of input samples that the elements of its result depend on.

A function that is not known here is measured (:mod:`otoscope.probe.inject`), and arithmetic goes on from there. So what
is known is a matter of time, not of truth, and the list may stay short.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from otoscope.probe.elementwise import is_elementwise
from otoscope.probe.layout import MAKING, STRUCTURAL, Lookup, numbers_read, restructured, supports_of, tensors_in
from otoscope.probe.listen import Call
from otoscope.probe.ops import MAXIMA, NORMALISING, Operation
from otoscope.probe.products import einsum, linear, matmul
from otoscope.probe.spectra import fourier, frames, overlapped
from otoscope.probe.support import Support, everything, hull, reduced
from otoscope.probe.windows import interpolated, of_operation, over

Unknown = Callable[[Tensor, "list[Support]"], Support]
Handler = Callable[[Call, Tensor, Lookup], "Support | None"]

_NORMS = frozenset(["norm", "linalg_norm", "linalg_vector_norm"])
_REDUCTIONS = _NORMS | frozenset(
    "mean sum amax amin max min std var std_mean var_mean logsumexp prod median nanmean nansum any all argmax argmin "
    "count_nonzero".split()
)
_RECURRENT = frozenset(["lstm", "gru", "rnn_tanh", "rnn_relu"])
_CELLS = frozenset(["lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"])
_ATTENTION = frozenset(["scaled_dot_product_attention", "multi_head_attention_forward"])
_ALONG = frozenset("cumsum cumprod logcumsumexp cummax cummin sort argsort msort".split()) | NORMALISING | {"normalize"}
_PLACES = frozenset(["topk", "kthvalue"])
WRAPS = "elements at one end of the clip see the other end"
CHOSEN = "elements are chosen by their values"
_CUTTING = frozenset("detach data round floor ceil trunc sign sgn heaviside one_hot".split())


def follow(call: Call, result: Any, lookup: Lookup, unknown: Unknown | None = None) -> list[tuple[Tensor, Support]]:
    """The supports of the tensors that a call returned.

    Parameters
    ----------
    call, result
        The call and what it returned.
    lookup
        The support of a tensor (from before the call), None for constants.
    unknown
        The support of a tensor that came from an operation which is not known here, of inputs with these supports; by
        default it sees all that these see.
    """
    outputs = tensors_in(returned(call, result))
    inputs = supports_of(numbers_read(call), lookup)
    if not outputs or call.name.startswith(MAKING):
        return []
    if not inputs:
        return [(outputs[0], Support.of_constant(outputs[0].shape))] if call.operation is not None else []
    found = _supports(call, outputs, inputs, lookup, unknown or (lambda out, seen: everything(seen, out.shape)))
    return [(out, _marked(call, out, support)) for out, support in found]


def returned(call: Call, result: Any) -> Any:
    """What a call made; where it returns nothing, what it wrote into."""
    writes = call.name.endswith("_") and (call.name == "__setitem__" or not call.name.endswith("__"))
    return call.args[0] if result is None and writes and call.args else result


def _marked(call: Call, out: Tensor, support: Support) -> Support:
    """Say where no gradient arrives from here on: numbers that are counted, copied or rounded."""
    if support.cut:
        return support
    name = plain_name(call)
    cuts = name in _CUTTING or not (out.is_floating_point() or out.is_complex())
    return replace(support, cut=name.strip("_")) if cuts else support


def plain_name(call: Call) -> str:
    """The name of the function without the mark of working in place."""
    return call.name if call.name.startswith("__") else call.name.rstrip("_")


def _supports(
    call: Call, outputs: list[Tensor], inputs: list[Support], lookup: Lookup, unknown: Unknown
) -> list[tuple[Tensor, Support]]:
    name = plain_name(call)
    if call.operation is not None and call.operation.kind != "activation" and name not in MAXIMA:
        source = lookup(call.input) or Support.of_constant(call.input.shape)
        return [(out, windowed(source, call.operation, out.shape)) for out in outputs[:1]]
    if call.name.startswith("_foreach_"):
        return _one_by_one(call, outputs, lookup, unknown)
    chosen = _chosen_by_values(name, call, lookup)
    if chosen is not None:
        return [(out, _looked_up(out, chosen, inputs)) for out in outputs]
    if name in ("to", "type_as"):
        return [(outputs[0], inputs[0].shaped(outputs[0].shape))]
    if name in STRUCTURAL:
        return [(out, _wrapped(call, support)) for out, support in restructured(call, outputs, lookup)]
    known = _HANDLERS.get(name)
    supports = [known(call, out, lookup) if known else _by_shape(name, out, inputs) for out in outputs]
    return [
        (out, unknown(out, inputs) if support is None else support)
        for out, support in zip(outputs, supports, strict=True)
    ]


def _one_by_one(call: Call, outputs: list[Tensor], lookup: Lookup, unknown: Unknown) -> list[tuple[Tensor, Support]]:
    """Of an operation on lists of tensors, what each result sees of those at its place."""
    name, found = call.name.removeprefix("_foreach_").strip("_"), []
    for out, *items in zip(outputs, *(one for one in call.args if isinstance(one, (list, tuple))), strict=False):
        seen = supports_of(tensors_in(items), lookup)
        support = _by_shape(name, out, seen) if seen else Support.of_constant(out.shape)
        found.append((out, unknown(out, seen) if support is None else support))
    return found


def _wrapped(call: Call, support: Support) -> Support:
    """Say where the ends of the clip are joined: elements at one see the other."""
    arguments = given(call, "input", "pad", "mode")
    if call.name == "roll":
        dims = given(call, "input", "shifts", "dims").get("dims", -1)
        axes = [axis % len(support.shape) for axis in (dims if isinstance(dims, (tuple, list)) else [dims])]
    elif call.name == "pad" and arguments.get("mode") == "circular":
        axes = [len(support.shape) - 1 - i // 2 for i, n in enumerate(arguments["pad"]) if n]
    else:
        return support
    wraps = any(axis in support.time_axes for axis in axes)
    return replace(support, notes=tuple(dict.fromkeys([*support.notes, WRAPS]))) if wraps else support


def _by_shape(name: str, out: Tensor, inputs: list[Support]) -> Support | None:
    if is_elementwise(name) and all(_spreads_to(s.shape, out.shape) for s in inputs):
        return hull(inputs, out.shape)
    return None


def _spreads_to(shape: tuple[int, ...], larger: tuple[int, ...]) -> bool:
    """Whether a tensor of `shape` is broadcast to `larger`."""
    pairs = zip(reversed(shape), reversed(larger), strict=False)
    return len(shape) <= len(larger) and all(n in (1, m) for n, m in pairs)


def given(call: Call, *names: str) -> dict[str, Any]:
    """The arguments of a call by these names."""
    return dict(zip(names, call.args, strict=False)) | call.kwargs


def _source(call: Call, lookup: Lookup) -> Support | None:
    """The support of the first argument."""
    first = call.args[0] if call.args else call.kwargs.get("input", call.kwargs.get("query"))
    return next(iter(supports_of(tensors_in(first), lookup)), None)


# -- Windows ----------------------------------------------------------------------------------------------


def windowed(support: Support, operation: Operation, shape: tuple[int, ...]) -> Support:
    """The support of a convolution or pooling: the union over its windows and, for a convolution, over channels."""
    spatial = int(operation.op[-2])
    if operation.kind == "convolution":
        support = reduced(support, [len(shape) - spatial - 1])
    for i in range(spatial):
        axis = len(shape) - spatial + i
        windows = of_operation(operation, i, support.shape[axis], shape[axis])
        support = over(support, axis, windows, [*support.shape[:axis], shape[axis], *support.shape[axis + 1 :]])
    return support.shaped(shape)


def _interpolate(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    names = ("input", "size", "scale_factor", "mode", "align_corners", "recompute_scale_factor", "antialias")
    arguments, support = given(call, *names), _source(call, lookup)
    mode, factor = arguments.get("mode", "nearest"), arguments.get("scale_factor")
    if support is None or arguments.get("antialias"):
        return None
    spatial, corners = out.ndim - 2, bool(arguments.get("align_corners"))
    for i in range(spatial):
        axis, scale = 2 + i, None
        if factor is not None and not arguments.get("recompute_scale_factor"):
            scale = float(factor[i] if isinstance(factor, (tuple, list)) else factor)
        windows = interpolated(mode, support.shape[axis], out.shape[axis], scale, corners)
        support = over(support, axis, windows, [*support.shape[:axis], out.shape[axis], *support.shape[axis + 1 :]])
    return support


def _fold(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    """Blocks added where they overlap: each element is the union of the places that are added to it."""
    support = _source(call, lookup)
    arguments = given(call, "input", "output_size", "kernel_size", "dilation", "padding", "stride")
    if support is None or out.ndim != 4:
        return None
    rest = [arguments[name] for name in ("kernel_size",)]
    rest += [arguments.get(name, default) for name, default in (("dilation", 1), ("padding", 0), ("stride", 1))]
    height, width = out.shape[-2:]
    places = torch.arange(1, height * width + 1, dtype=torch.float64).reshape(1, 1, height, width)
    target = functional.unfold(places, *rest).long()  # 0 for what is cut off
    edges = []
    for samples, empty, how in ((support.first, math.inf, "amin"), (support.last, -math.inf, "amax")):
        blocks = samples.expand(support.shape).reshape(*out.shape[:2], -1)
        found = blocks.new_full((*out.shape[:2], height * width + 1), empty)
        found.scatter_reduce_(-1, target.reshape(1, 1, -1).expand(blocks.shape), blocks, how)
        edges.append(found[..., 1:].reshape(out.shape))
    return replace(support, first=edges[0][:, :], last=edges[1], shape=tuple(out.shape))


# -- Reductions and statistics ----------------------------------------------------------------------------


def _reduction(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    support = _source(call, lookup)
    if support is None:
        return None
    place = 2 if call.name in _NORMS else 1
    fallback = call.args[place] if len(call.args) > place else None
    axes = call.kwargs.get("dim", call.kwargs.get("axis", fallback))
    if isinstance(axes, Tensor) or isinstance(call.kwargs.get("other"), Tensor):  # the greater of two
        return hull(supports_of(tensors_in((call.args, call.kwargs)), lookup), out.shape)
    if axes is None or isinstance(axes, (str, bool, float)):
        return everything([support], out.shape) if out.ndim == 0 else None
    axes = [axis % len(support.shape) for axis in ([axes] if isinstance(axes, int) else list(axes))]
    axes = axes or list(range(len(support.shape)))
    union = reduced(support, axes)
    if out.ndim == len(support.shape):
        return union.shaped(out.shape)
    first, last = (_without(t, axes) for t in (union.first, union.last))
    return replace(union, first=first, last=last, shape=tuple(out.shape))


def _without(t: Tensor, axes: list[int]) -> Tensor:
    for axis in sorted(axes, reverse=True):
        t = t.squeeze(axis)
    return t


def _places(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    """The greatest along an axis (topk): which they are, depends on all of it."""
    support = _source(call, lookup)
    if support is None:
        return None
    arguments = given(call, "input", "k", "dim")
    axis = arguments.get("dim", -1) % len(support.shape)
    union = reduced(support, [axis])
    if axis in support.time_axes:
        union = replace(union, whole=True, notes=tuple(dict.fromkeys([*union.notes, CHOSEN])))
    if out.ndim == len(support.shape):
        return union.shaped(out.shape)
    first, last = union.first.squeeze(axis), union.last.squeeze(axis)
    return replace(union, first=first, last=last, shape=tuple(out.shape))


def _along(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    """Along one axis all elements depend on one another: on the whole clip, if that axis is time."""
    support = _source(call, lookup)
    if support is None:
        return None
    if plain_name(call) == "normalize":
        arguments = given(call, "input", "p", "dim")
        axis = arguments.get("dim", 1)
    else:
        axis = given(call, "input", "dim").get("dim", -1)
    return _mixed(support, [-1 if axis is None else axis])


def _mixed(support: Support, axes: list[int]) -> Support:
    """What mixes all along `axes`: the nominal interval stays where these are time, else the union."""
    axes = [axis % len(support.shape) for axis in axes]
    time = support.time_axes
    whole = support.whole or any(axis in time for axis in axes)
    union = reduced(support, [axis for axis in axes if axis not in time])
    return union if union.whole == whole else replace(union, whole=whole)


def _layer_norm(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    support = _source(call, lookup)
    count = len(given(call, "input", "normalized_shape")["normalized_shape"])
    return None if support is None else _mixed(support, list(range(-count, 0)))


def _group_norm(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    support = _source(call, lookup)
    first = 2 if plain_name(call) == "instance_norm" else 1
    return None if support is None else _mixed(support, list(range(first, out.ndim)))


def _batch_norm(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    support = _source(call, lookup)
    names = ("input", "running_mean", "running_var", "weight", "bias", "training")
    if support is None or not given(call, *names).get("training", False):  # with running statistics
        return support
    return _mixed(support, [0, *range(2, out.ndim)])


def _response_norm(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    support = _source(call, lookup)
    return None if support is None else reduced(support, [1])


def _glu(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    """Halves of an axis, one times the sigmoid of the other."""
    support = _source(call, lookup)
    if support is None:
        return None
    axis = given(call, "input", "dim").get("dim", -1) % out.ndim
    if support.first.shape[axis] == 1:
        return support.shaped(out.shape)
    halves = zip(support.first.chunk(2, axis), support.last.chunk(2, axis), strict=True)
    return hull([replace(support, first=f, last=l, shape=tuple(out.shape)) for f, l in halves], out.shape)


# -- Sequences --------------------------------------------------------------------------------------------


def _recurrent(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    rows = _source(call, lookup)
    if rows is None:
        return None
    if len(rows.shape) == out.ndim and rows.shape[:-1] == tuple(out.shape[:-1]):
        return replace(reduced(rows, [-1], out.shape), whole=True)
    return everything([rows], out.shape)


def _attention(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    """Each row of the queries, and all that keys and values see."""
    rows = _source(call, lookup)
    if rows is not None and rows.shape[:-1] == tuple(out.shape[:-1]):
        return replace(reduced(rows, [-1], out.shape), whole=True)
    return everything(supports_of(tensors_in((call.args, call.kwargs)), lookup), out.shape)


def _cell(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    inputs = supports_of(tensors_in((call.args, call.kwargs)), lookup)
    rows = [reduced(s, [-1], (*s.shape[:-1], out.shape[-1])) for s in inputs]
    return hull(rows, out.shape)


# -- Complex numbers, codes -------------------------------------------------------------------------------


def _as_real(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    support = _source(call, lookup)
    if support is None:
        return None
    return replace(support, first=support.first[..., None], last=support.last[..., None], shape=tuple(out.shape))


def _as_complex(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    support = _source(call, lookup)
    if support is None:
        return None
    union = reduced(support, [-1])
    return replace(union, first=union.first[..., 0], last=union.last[..., 0], shape=tuple(out.shape))


def _distances(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    """``cdist``: every row of one beside every row of the other."""
    rows = []
    for place, axis in ((0, -1), (1, -2)):
        for support in supports_of(tensors_in(call.args[place]), lookup):
            union = reduced(support, [-1])
            first, last = (t[..., 0].unsqueeze(axis) for t in (union.first, union.last))
            rows.append(replace(union, first=first, last=last, shape=tuple(out.shape)))
    return hull(rows, out.shape) if rows else None


def _chosen_by_values(name: str, call: Call, lookup: Lookup) -> list[Support] | None:
    """The supports of the indices of a look-up, where they come from the waveform."""
    indices: Any
    if name in ("__getitem__", "__setitem__"):
        indices = call.args[1]
    elif name in ("index_select", "gather", "take_along_dim"):
        indices = given(call, "input", "dim", "index").get("index")
        indices = given(call, "input", "indices").get("indices") if name == "take_along_dim" else indices
    elif name in ("embedding", "one_hot"):
        indices = call.args[0] if call.args else call.kwargs.get("input")
    else:
        return None
    return supports_of(tensors_in(indices), lookup) or None


def _looked_up(out: Tensor, indices: list[Support], inputs: list[Support]) -> Support:
    """Rows of a table of constants, chosen by the sound; or elements of what depends on the sound itself."""
    (index, *others) = indices
    more = out.ndim - len(index.shape)
    table = [s for s in inputs if all(s is not one for one in indices)]
    if not table and not others and more >= 0 and tuple(out.shape[: len(index.shape)]) == index.shape:
        first, last = (t.reshape(*t.shape, *[1] * more) for t in (index.first, index.last))
        return replace(index, first=first, last=last, shape=tuple(out.shape), cut=index.cut or "index")
    found = everything(inputs, out.shape)
    return replace(found, notes=tuple(dict.fromkeys([*found.notes, CHOSEN])), known=False)


_HANDLERS: dict[str, Handler] = {
    "interpolate": _interpolate,
    "upsample": _interpolate,
    "fold": _fold,
    "stft": frames,
    "istft": overlapped,
    "view_as_real": _as_real,
    "view_as_complex": _as_complex,
    "einsum": einsum,
    "glu": _glu,
    "cdist": _distances,
    "linear": linear,
    "layer_norm": _layer_norm,
    "rms_norm": _layer_norm,
    "group_norm": _group_norm,
    "instance_norm": _group_norm,
    "batch_norm": _batch_norm,
    "local_response_norm": _response_norm,
}
_HANDLERS |= dict.fromkeys(_REDUCTIONS, _reduction)
_HANDLERS |= dict.fromkeys(_PLACES, _places)
_HANDLERS |= dict.fromkeys(_ALONG, _along)
_HANDLERS |= dict.fromkeys(_RECURRENT, _recurrent)
_HANDLERS |= dict.fromkeys(_CELLS, _cell)
_HANDLERS |= dict.fromkeys(_ATTENTION, _attention)
_HANDLERS |= dict.fromkeys(("matmul", "bmm", "mm", "mv", "__matmul__", "__rmatmul__", "addmm", "baddbmm"), matmul)
_HANDLERS |= {f"fft_{name}": fourier for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")}
