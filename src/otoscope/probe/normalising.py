"""What each operation of a forward pass makes of logits and probabilities.

A rule is given the arguments of a call, its keywords, what is known of each argument, and the result; it returns what
the result is (a list for several results), or None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from otoscope.probe.probabilities import TOLERANCE, Normalised, log_odds, logarithms, of_softmax

_ARRANGING = frozenset(
    "view reshape flatten unflatten permute transpose swapaxes swapdims movedim moveaxis t T mT squeeze unsqueeze "
    "expand expand_as view_as reshape_as contiguous clone to float double half bfloat16 type type_as cpu cuda "
    "alias flip positive nan_to_num".split()
)
_SLICING = frozenset("__getitem__ select narrow chunk split tensor_split unbind index_select".split())
_JOINING = frozenset("cat concat concatenate stack hstack vstack".split())
_LIMITING = frozenset("clamp clip clamp_min clamp_max dropout".split())
_SIGMOIDS = frozenset(["sigmoid", "special_expit", "expit"])
_SOFTMAXES = frozenset(["softmax", "special_softmax", "softmin"])
_LOG_SOFTMAXES = frozenset(["log_softmax", "special_log_softmax"])


@dataclass(frozen=True)
class Form:
    """What a tensor is: one of the steps of a normalisation that is written by hand.

    `of` says which: "max" of z, "shifted" z - max, "exp" of z, "sum" of exp(z), "plus" 1 + exp(z), "logsumexp" of z,
    "softplus" of z, or "tanh", a tanh(z) + b; `axis` is that of a sum.
    """

    of: str
    z: Tensor
    a: float = 1.0
    b: float = 0.0
    axis: int | None = None


Known = Normalised | Form
_Rule = Callable[..., Any]


def _mean_odds(known: Normalised, axes: Sequence[int], keep: bool) -> Normalised | None:
    """Log odds of the mean probability over some axes: log of the mean of p, less that of 1 - p."""
    both, count = logarithms(known), known.logit.ndim
    if both is None or len(axes) == count or known.class_axis in [axis % count for axis in axes]:
        return None  # not frames, but all or the classes themselves
    p, q = (one.logsumexp(tuple(axes), keepdim=keep) for one in both)
    return Normalised("sigmoid", p - q, odds=True, averaged=True, factor=known.factor)


def _softmax(args: Any, kwargs: Any, known: Any, result: Any) -> Known:
    return of_softmax(_first(args, kwargs), _axis(args, kwargs))


def _softmin(args: Any, kwargs: Any, known: Any, result: Any) -> Known:
    return of_softmax(-_first(args, kwargs), _axis(args, kwargs))


def _log_softmax(args: Any, kwargs: Any, known: Any, result: Any) -> Known:
    return of_softmax(_first(args, kwargs), _axis(args, kwargs), log=True)


def _sigmoid(args: Any, kwargs: Any, known: Any, result: Any) -> Known:
    return Normalised("sigmoid", _first(args, kwargs))


def _log_sigmoid(args: Any, kwargs: Any, known: Any, result: Any) -> Known:
    return Normalised("sigmoid", _first(args, kwargs), log=True)


def _exp(args: Any, kwargs: Any, known: Any, result: Any) -> Known | None:
    what = known[0]
    if isinstance(what, Normalised):
        return replace(what, log=False) if what.log and what.factor == 1 and not what.averaged else None
    if isinstance(what, Form):
        return Form("exp", what.z) if what.of == "shifted" else None
    return Form("exp", args[0])


def _log(args: Any, kwargs: Any, known: Any, result: Any) -> Known | None:
    what = known[0]
    plain = isinstance(what, Normalised) and not what.log and what.factor == 1
    return replace(what, log=True) if plain else None


def _log_to(base: float) -> _Rule:
    def rule(args: Any, kwargs: Any, known: Any, result: Any) -> Known | None:
        found = _log(args, kwargs, known, result)
        return found.times(1 / math.log(base)) if isinstance(found, Normalised) else None

    return rule


def _tanh(args: Any, kwargs: Any, known: Any, result: Any) -> Known:
    return Form("tanh", args[0])


def _softplus(args: Any, kwargs: Any, known: Any, result: Any) -> Known | None:
    plain = kwargs.get("beta", args[1] if len(args) > 1 else 1) == 1
    return Form("softplus", _first(args, kwargs)) if plain else None


def _logsumexp(args: Any, kwargs: Any, known: Any, result: Any) -> Known:
    return Form("logsumexp", args[0], axis=_axis(args, kwargs))


def _sum(args: Any, kwargs: Any, known: Any, result: Any) -> Known | None:
    what = known[0]
    return Form("sum", what.z, axis=_axis(args, kwargs)) if isinstance(what, Form) and what.of == "exp" else None


def _extreme(args: Any, kwargs: Any, known: Any, result: Any) -> Any:
    """The largest over an axis: of z, for a softmax by hand; of probabilities over time."""
    if not args or any(isinstance(one, Tensor) for one in (*args[1:], *kwargs.values())):  # the larger of two
        return None
    what, several = known[0], not isinstance(result, Tensor)
    value = result[0] if several else result
    found: Known | None = None
    if what is None:
        found = Form("max", args[0])
    elif isinstance(what, Normalised) and value.ndim and not (what.log and what.averaged):
        found = _largest(what, _axes(args, kwargs, args[0].ndim), value.ndim == args[0].ndim)
    return [found, *[None] * (len(result) - 1)] if several else found


def _largest(what: Normalised, axes: tuple[int, ...], keep: bool) -> Normalised | None:
    odds, count = log_odds(what), what.logit.ndim
    if odds is None or what.factor < 0 or what.class_axis in [axis % count for axis in axes]:
        return None
    if what.of == "sigmoid":
        return replace(what, logit=what.logit.amax(axes, keepdim=keep))
    return replace(what, of="sigmoid", logit=odds.amax(axes, keepdim=keep), odds=True, share=None)


def _mean(args: Any, kwargs: Any, known: Any, result: Any) -> Known | None:
    what = known[0]
    if not isinstance(what, Normalised):
        return None
    axes, keep = _axes(args, kwargs, args[0].ndim), result.ndim == args[0].ndim
    if not what.log:
        return _mean_odds(what, axes, keep)
    if what.share is None or what.class_axis in [axis % args[0].ndim for axis in axes]:
        return None
    logit, share = (one.mean(axes, keepdim=keep) for one in (what.logit, what.share))
    return replace(what, logit=logit, share=share, averaged=True)


def _pooled(args: Any, kwargs: Any, known: Any, result: Any) -> Known | None:
    """A mean by adaptive pooling to one frame."""
    axes = [axis - args[0].ndim for axis in range(args[0].ndim) if args[0].shape[axis] != result.shape[axis]]
    if not axes or any(result.shape[axis] != 1 for axis in axes):
        return None
    return _mean([args[0], tuple(axes)], {"keepdim": True}, known, result)


def _add(args: Any, kwargs: Any, known: Any, result: Any) -> Known | None:
    if len(args) < 2 or kwargs.get("alpha", 1) != 1:
        return None
    for what, other in ((known[0], args[1]), (known[1], args[0])):
        number = None if what is None else _number(other)
        if number is None:
            continue
        if isinstance(what, Normalised):
            return what if 0 <= number <= TOLERANCE / 2 * what.factor and not what.log else None  # before a logarithm
        if what.of == "exp" and number == 1:
            return Form("plus", what.z)
        if what.of == "sum" and 0 <= number <= TOLERANCE / 2:
            return Form("sum", what.z, axis=what.axis)
        if what.of == "tanh":
            return _finished(replace(what, b=what.b + number))
    return None


def _subtract(args: Any, kwargs: Any, known: Any, result: Any) -> Known | None:
    if len(args) < 2 or kwargs.get("alpha", 1) != 1:
        return None
    x, of_less = args[0], known[1]
    if isinstance(of_less, Form) and of_less.z is x:
        if of_less.of == "max":
            return Form("shifted", x)
        if of_less.of == "logsumexp":
            return of_softmax(x, of_less.axis, log=True)
    if isinstance(of_less, Normalised):
        number = _number(x)
        if number == 0:
            return of_less.times(-1)
        if of_less.of == "sigmoid" and number == of_less.factor and not of_less.log:
            return replace(of_less, logit=-of_less.logit)
    return None


def _multiply(args: Any, kwargs: Any, known: Any, result: Any) -> Known | None:
    for what, other in ((known[0], args[1]), (known[1], args[0])):
        if isinstance(what, Normalised) and (constant := _constant(other)) is not None:
            return what.times(constant)
        number = _number(other) if isinstance(what, Form) and what.of == "tanh" else None
        if number is not None:
            return _finished(replace(what, a=what.a * number, b=what.b * number))
    return None


def _divide(args: Any, kwargs: Any, known: Any, result: Any) -> Known | None:
    (top, below), (of_top, of_below) = args[:2], known[:2]
    if kwargs.get("rounding_mode") is not None:
        return None
    if isinstance(of_below, Form) and of_below.of == "plus":
        if _number(top) == 1:
            return Normalised("sigmoid", -of_below.z)
        if isinstance(of_top, Form) and of_top.of == "exp" and of_top.z is of_below.z:
            return Normalised("sigmoid", of_below.z)
    if isinstance(of_below, Form) and of_below.of == "sum" and isinstance(of_top, Form) and of_top.of == "exp":
        return of_softmax(of_top.z, of_below.axis) if of_top.z is of_below.z else None
    if isinstance(of_top, Normalised) and (constant := _constant(below)):
        return of_top.times(1 / constant)
    number = _number(below) if isinstance(of_top, Form) and of_top.of == "tanh" else None
    if number:
        return _finished(replace(of_top, a=of_top.a / number, b=of_top.b / number))
    return None


def _reciprocal(args: Any, kwargs: Any, known: Any, result: Any) -> Known | None:
    return _divide([1, args[0]], {}, [None, known[0]], result)


def _power(args: Any, kwargs: Any, known: Any, result: Any) -> Known | None:
    return _reciprocal(args, {}, known, result) if len(args) > 1 and _number(args[1]) == -1 else None


def _negate(args: Any, kwargs: Any, known: Any, result: Any) -> Known | None:
    what = known[0]
    if isinstance(what, Normalised):
        return what.times(-1)
    return Normalised("sigmoid", -what.z, log=True) if isinstance(what, Form) and what.of == "softplus" else None


def _normalize(args: Any, kwargs: Any, known: Any, result: Any) -> Known | None:
    what, p = known[0], kwargs.get("p", args[1] if len(args) > 1 else 2.0)
    axis = kwargs.get("dim", args[2] if len(args) > 2 else 1)
    return of_softmax(what.z, axis) if isinstance(what, Form) and what.of == "exp" and p == 1 else None


def _arranged(args: Any, kwargs: Any, known: Any, result: Any, name: str) -> Known | None:
    """What moves values and changes none is done to the logits as well."""
    what = known[0] if known else None
    if what is None or not isinstance(result, Tensor):
        return None
    if isinstance(what, Form):  # only a maximum or a sum is commonly reshaped, to be subtracted or divided by
        return what if what.of in ("max", "sum", "logsumexp") else None
    logit, share = (None if one is None else _again(name, one, args, kwargs) for one in (what.logit, what.share))
    return None if logit is None else replace(what, logit=logit, share=share)


def _sliced(args: Any, kwargs: Any, known: Any, result: Any, name: str) -> Any:
    """A part of the probabilities; where it is of some of the classes of a softmax, their log odds."""
    what, several = known[0] if known else None, isinstance(result, (list, tuple))
    if not isinstance(what, Normalised):
        return None
    share = None if what.share is None else _again(name, what.share, args, kwargs)
    shares: Sequence[Any] = share if several and share is not None else [share] * (len(result) if several else 1)
    if what.of == "softmax" and any(replace(what, share=one).class_axis is None for one in shares):
        odds = log_odds(what)
        if odds is None:
            return None
        what, shares = replace(what, of="sigmoid", logit=odds, odds=True, share=None), [None] * len(shares)
    done = _again(name, what.logit, args, kwargs)
    found = [replace(what, logit=one, share=two) for one, two in zip(done if several else [done], shares, strict=True)]
    return found if several else found[0]


def _joined(args: Any, kwargs: Any, known: Any, result: Any, name: str) -> Known | None:
    parts: Any = known[0] if known else None
    if not isinstance(parts, list) or not all(isinstance(part, Normalised) for part in parts):
        return None
    first: Normalised = parts[0]
    if any((part.of, part.log, part.factor) != (first.of, first.log, first.factor) for part in parts):
        return None
    shares = [part.share for part in parts]
    share = None if any(one is None for one in shares) else _again(name, shares, args, kwargs)
    if first.of == "softmax" and replace(first, share=share).class_axis is None:  # several groups of classes
        odds = [log_odds(part) for part in parts]
        if any(one is None for one in odds):
            return None
        return replace(first, of="sigmoid", logit=_again(name, odds, args, kwargs), odds=True, share=None)
    logit = _again(name, [part.logit for part in parts], args, kwargs)
    odds_too, averaged = any(part.odds for part in parts), any(part.averaged for part in parts)
    return replace(first, logit=logit, share=share, odds=odds_too, averaged=averaged)


def _kept(args: Any, kwargs: Any, known: Any, result: Any) -> Known | None:
    return known[0] if known and isinstance(known[0], Normalised) else None


def _finished(what: Form) -> Known:
    """tanh(z) / 2 + 1 / 2 is the sigmoid of 2 z."""
    return Normalised("sigmoid", 2 * what.z) if (what.a, what.b) == (0.5, 0.5) else what


def _first(args: Sequence[Any], kwargs: Any) -> Any:
    return args[0] if args else kwargs["input"]


def _number(value: Any) -> float | None:
    """A plain number, or a constant tensor that holds one number alone."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, Tensor) and not value.requires_grad and value.numel() and value.is_floating_point():
        first = value.flatten()[0]
        return float(first) if value.numel() == 1 or bool((value == first).all()) else None
    return None


def _constant(value: Any) -> float | None:
    """A number by which probabilities are scaled; one that a model makes of each clip has an axis of clips."""
    return None if isinstance(value, Tensor) and value.ndim else _number(value)


def _axis(args: Sequence[Any], kwargs: Any) -> int | None:
    """The one axis of a reduction, None where it has several or does not say."""
    given = kwargs.get("dim", kwargs.get("axis", args[1] if len(args) > 1 else None))
    if isinstance(given, (list, tuple)):
        given = given[0] if len(given) == 1 else None
    return given if isinstance(given, int) else None


def _axes(args: Sequence[Any], kwargs: Any, count: int) -> tuple[int, ...]:
    given = kwargs.get("dim", kwargs.get("axis", args[1] if len(args) > 1 else None))
    if given is None:
        return tuple(range(count))
    return tuple(given) if isinstance(given, (list, tuple)) else (given,)


def _again(name: str, on: Any, args: Sequence[Any], kwargs: Any) -> Any:
    """The same operation on something else."""
    if name in ("T", "mT"):
        return getattr(on, name)
    function = getattr(torch if isinstance(on, list) else on, {"view": "reshape"}.get(name, name))
    keywords = {key: value for key, value in kwargs.items() if key != "input"}
    return function(on, *args[1:], **keywords) if isinstance(on, list) else function(*args[1:], **keywords)


def _named(rule: _Rule, name: str) -> _Rule:
    return lambda args, kwargs, known, result: rule(args, kwargs, known, result, name)


RULES: dict[str, _Rule] = (
    dict.fromkeys(_SIGMOIDS, _sigmoid)
    | dict.fromkeys(_SOFTMAXES - {"softmin"}, _softmax)
    | dict.fromkeys(_LOG_SOFTMAXES, _log_softmax)
    | {"softmin": _softmin, "log_sigmoid": _log_sigmoid, "logsigmoid": _log_sigmoid, "exp": _exp, "log": _log}
    | {"log2": _log_to(2), "log10": _log_to(10)}
    | {"tanh": _tanh, "softplus": _softplus, "logsumexp": _logsumexp, "sum": _sum, "mean": _mean}
    | dict.fromkeys(["max", "amax"], _extreme)
    | dict.fromkeys(["adaptive_avg_pool1d", "adaptive_avg_pool2d"], _pooled)
    | dict.fromkeys(["add", "__add__", "__radd__", "__iadd__"], _add)
    | dict.fromkeys(["sub", "subtract", "__sub__", "__isub__"], _subtract)
    | dict.fromkeys(
        ["rsub", "__rsub__"],
        lambda args, kwargs, known, result: _subtract(args[1::-1], kwargs, known[1::-1], result),
    )
    | dict.fromkeys(["mul", "multiply", "__mul__", "__rmul__", "__imul__"], _multiply)
    | dict.fromkeys(["div", "divide", "true_divide", "__truediv__", "__div__", "__itruediv__", "__idiv__"], _divide)
    | dict.fromkeys(
        ["__rdiv__", "__rtruediv__"],
        lambda args, kwargs, known, result: _divide(args[1::-1], kwargs, known[1::-1], result),
    )
    | {"reciprocal": _reciprocal, "pow": _power, "__pow__": _power, "neg": _negate, "negative": _negate}
    | {"normalize": _normalize}
    | {name: _named(_arranged, name) for name in _ARRANGING}
    | {name: _named(_sliced, name) for name in _SLICING}
    | {name: _named(_joined, name) for name in _JOINING}
    | dict.fromkeys(_LIMITING, _kept)
)
IN_PLACE = frozenset("__iadd__ __isub__ __imul__ __itruediv__ __idiv__".split())
BEGINNING = _SIGMOIDS | {"exp", "tanh", "log_sigmoid", "softplus"}  # which make something of a plain tensor
