"""Which torch functions are convolutions, activations and poolings, and with which geometry they are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import Parameter

Kind = Literal["convolution", "activation", "pooling"]

_SPATIAL = {"1d": 1, "2d": 2, "3d": 3}
_CONVOLUTION = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_TRANSPOSED = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
_POOLINGS = {
    "max_pool": ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    "avg_pool": ("input", "kernel_size", "stride", "padding"),
    "lp_pool": ("input", "norm_type", "kernel_size", "stride"),
    "adaptive_max_pool": ("input", "output_size"),
    "adaptive_avg_pool": ("input", "output_size"),
}

#: Activations that pass a signal on: the rules of :mod:`otoscope.probe.rules` apply to them.
SHAPING = frozenset(
    "relu relu6 leaky_relu prelu rrelu elu celu selu gelu silu mish softplus hardswish tanh hardtanh "
    "tanhshrink softshrink hardshrink threshold softsign log_sigmoid".split()
)
#: Activations that weight another signal between 0 and 1: every rule leaves their gradient as it is.
GATING = frozenset("sigmoid hardsigmoid glu".split())
#: As the last layer, these turn logits into probabilities.
NORMALISING = frozenset("softmax log_softmax softmin".split())
#: Maxima along an axis, such as time: poolings without a window.
MAXIMA = frozenset("max amax topk".split())
#: Taps at which no block of a model ends: they prepare or weight what others pass on.
BESIDE = NORMALISING | MAXIMA | frozenset(["abs"])


@dataclass(frozen=True)
class Operation:
    """One convolution, activation or pooling as it is called.

    Lengths (`kernel`, `stride`, `dilation`, `padding`) have one number for each spatial axis, so one for
    audio in one dimension; they are empty for activations and maxima. `padding` holds (before, after) pairs.
    The `weight` of a transposed convolution has its outputs first, as that of any other.
    """

    kind: Kind
    op: str
    inplace: bool = False
    kernel: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    padding: tuple[tuple[int, int], ...] = ()
    groups: int = 1
    weight: Tensor | None = None
    adaptive: bool = False
    transposed: bool = False


def function_name(func: Callable[..., Any]) -> str:
    """The plain name of a torch function: ``relu`` for `F.relu`, ``torch.relu_`` and ``x.relu()`` alike."""
    name = getattr(func, "__name__", "")
    if name == "__get__":  # a property of a tensor, such as x.mT
        name = getattr(getattr(func, "__self__", None), "__name__", name)
    return name.partition(".")[0]  # of an operation of an exported program: relu.default


def classify(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Operation | None:
    """The operation of a call; None where it is not a convolution, activation or pooling."""
    raw = function_name(func)
    name = raw.strip("_")
    if name.endswith(("_with_indices", "_with_indices_")):
        name = name.removesuffix("_with_indices")
    if name in SHAPING or name in GATING:
        return Operation("activation", name, inplace=_is_inplace(raw, kwargs))
    if _rectifies(name, args, kwargs):
        return Operation("activation", "relu", inplace=_is_inplace(raw, kwargs))
    if name in ("abs", "absolute") and _is_signal(args, kwargs, 2):
        return Operation("activation", "abs", inplace=_is_inplace(raw, kwargs))
    if name in NORMALISING and _is_signal(args, kwargs, 3):  # of two axes, it is one over classes
        return Operation("activation", name)
    if name in MAXIMA and _is_signal(args, kwargs, 2) and _has_axis(name, args, kwargs):
        return Operation("pooling", name)
    stem, spatial = name[:-2], _SPATIAL.get(name[-2:])
    if spatial is None:
        return None
    if stem == "conv":
        return _convolution(name, spatial, args, kwargs)
    if stem == "conv_transpose":
        return _transposed_convolution(name, spatial, args, kwargs)
    if stem in _POOLINGS:
        return _pooling(name, stem, spatial, args, kwargs)
    return None


def _is_signal(args: Sequence[Any], kwargs: Mapping[str, Any], axes: int) -> bool:
    """Whether a call is on real or complex numbers of so many axes, and not on a parameter itself."""
    x = args[0] if args else kwargs.get("input")
    if not isinstance(x, Tensor) or isinstance(x, Parameter) or x.ndim < axes:
        return False
    return x.is_floating_point() or x.is_complex()


def _has_axis(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    if name == "topk":
        return True
    axis = args[1] if len(args) > 1 else kwargs.get("dim", kwargs.get("axis"))
    return isinstance(axis, (int, tuple, list)) and axis != ()


def _is_inplace(raw: str, kwargs: Mapping[str, Any]) -> bool:
    return bool(kwargs.get("inplace", False)) or (raw.endswith("_") and not raw.endswith("__"))


def _rectifies(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call is the maximum of its input and 0."""
    if name in ("clamp", "clamp_min", "clip"):
        low = args[1] if len(args) > 1 else kwargs.get("min")
        high = args[2] if len(args) > 2 else kwargs.get("max")
        return high is None and _is_zero(low)
    if name in ("maximum", "max", "fmax"):
        return len(args) == 2 and not kwargs and _is_zero(args[1], like=args[0])
    return False


def _is_zero(value: Any, like: Any = None) -> bool:
    if not isinstance(value, Tensor):
        return like is None and isinstance(value, (int, float)) and value == 0
    if (
        value.requires_grad
        or value.is_meta
        or (like is not None and torch.broadcast_shapes(value.shape, like.shape) != like.shape)
    ):
        return False
    return not value.any()


def _convolution(name: str, spatial: int, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Operation:
    given = dict(zip(_CONVOLUTION, args, strict=False)) | dict(kwargs)
    weight = given["weight"]
    kernel = tuple(weight.shape[-spatial:])
    dilation = _each(given.get("dilation", 1), spatial)
    return Operation(
        "convolution",
        name,
        kernel=kernel,
        stride=_each(given.get("stride", 1), spatial),
        dilation=dilation,
        padding=_padding(given.get("padding", 0), kernel, dilation),
        groups=given.get("groups", 1),
        weight=weight,
    )


def _transposed_convolution(name: str, spatial: int, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Operation:
    given = dict(zip(_TRANSPOSED, args, strict=False)) | dict(kwargs)
    weight, groups = given["weight"], given.get("groups", 1)
    kernel = tuple(weight.shape[-spatial:])
    return Operation(
        "convolution",
        name,
        kernel=kernel,
        stride=_each(given.get("stride", 1), spatial),
        dilation=_each(given.get("dilation", 1), spatial),
        padding=_padding(given.get("padding", 0), kernel, (1,) * spatial),
        groups=groups,
        weight=weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1),
        transposed=True,
    )


def _pooling(name: str, stem: str, spatial: int, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Operation:
    given = dict(zip(_POOLINGS[stem], args, strict=False)) | dict(kwargs)
    if stem.startswith("adaptive"):
        return Operation("pooling", name, adaptive=True)
    kernel = _each(given["kernel_size"], spatial)
    stride = given.get("stride")
    dilation = _each(given.get("dilation", 1), spatial)
    return Operation(
        "pooling",
        name,
        kernel=kernel,
        stride=kernel if stride is None or stride == [] else _each(stride, spatial),
        dilation=dilation,
        padding=_padding(given.get("padding", 0), kernel, dilation),
    )


def _each(value: int | Sequence[int], spatial: int) -> tuple[int, ...]:
    if isinstance(value, int):
        return (value,) * spatial
    return tuple(value) * spatial if len(value) == 1 else tuple(value)


def _padding(
    value: int | str | Sequence[int], kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    if value == "same":
        reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return tuple((r // 2, r - r // 2) for r in reach)
    if isinstance(value, str):  # "valid"
        value = 0
    return tuple((p, p) for p in _each(value, len(kernel)))
