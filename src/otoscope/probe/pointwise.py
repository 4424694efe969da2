"""Which tensors of a forward pass are functions, element by element, of one other tensor.

An activation that is written by hand is a chain of elementwise operations: ``h * torch.sigmoid(h)`` reads `h` twice,
and nothing else that depends on the sound. To find it, what an elementwise operation returns keeps the *signals* on
its way: h, and then what is computed from it as long as that is affine (a factor, an offset, a cast). Where ways meet,
the last signal that is on all of them is what the result is a function of:

    h                              signals h
    h / sqrt(2)                    signals h, h / sqrt(2)
    1 + erf(h / sqrt(2))           the same; one step is not affine: erf
    0.5 * h * (1 + erf(...))       signals h; steps erf, mul: a function of h alone

The derivative of such a function is one number for each element of h: autograd gives all of them as the gradient of
the sum over the result.

An activation under a rule begins a chain of its own, so that ``x + relu(x)`` stays the sum of two paths. Below it, the
chain goes on with the activation as it is, for products with its own input, such as ``h * tanh(softplus(h))``.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.utils.weak import WeakIdKeyDictionary

from otoscope.probe.listen import Call

_SUMS = frozenset("add sub rsub subtract".split())
_PRODUCTS = frozenset("mul multiply div divide true_divide where masked_fill".split())
_CASTS = frozenset(
    "detach data neg negative positive clone to float double half bfloat16 type type_as contiguous nan_to_num dropout "
    "int long short char byte as_tensor asarray tensor "
    "alpha_dropout feature_dropout feature_alpha_dropout".split()
)
_MASKS = frozenset(
    "gt lt ge le eq ne greater less greater_equal less_equal not_equal logical_and logical_or logical_not logical_xor "
    "bitwise_and bitwise_or bitwise_not bitwise_xor and or invert xor signbit isfinite isnan".split()
)
#: Changes of scale, such as decibels and powers: alone, they are not activations.
SCALES = frozenset(
    "exp exp2 expm1 log log2 log10 log1p sqrt rsqrt pow float_power square reciprocal rpow rdiv mul multiply div "
    "divide true_divide xlogy round floor ceil trunc frac".split()
)
#: Weights between 0 and 1: they keep their gradient.
GATES = frozenset("sigmoid expit hardsigmoid".split())
_POWERS = frozenset("mul multiply pow square".split())
_RECTIFYING = frozenset("clamp clamp_min clamp_max clip maximum minimum max min fmax fmin threshold".split())
_BENDING = (
    SCALES
    | GATES
    | _RECTIFYING
    | frozenset(
        "abs absolute sign sgn heaviside hypot logaddexp logaddexp2 sin cos tan sinh cosh asin arcsin acos arccos atan "
        "arctan asinh arcsinh acosh arccosh atanh arctanh atan2 sinc erf erfc softsign".split()
    )
) - frozenset("mul multiply div divide true_divide".split())
_INDEXED = ("getitem", "setitem")  # by a mask
_ELEMENTWISE = _SUMS | _PRODUCTS | _CASTS | _MASKS | _BENDING
_OPERATORS = {
    "iadd": "add",
    "radd": "add",
    "isub": "sub",
    "imul": "mul",
    "rmul": "mul",
    "itruediv": "div",
    "truediv": "div",
    "rtruediv": "rdiv",
    "ipow": "pow",
    "iand": "and",
    "ior": "or",
}


@dataclass(eq=False)
class Signal:
    """A tensor as it was when something was computed from it, and its place in the history of autograd."""

    tensor: Tensor
    edge: GradientEdge
    version: int
    scaled: bool  # by a number, from the signal before it


@dataclass(eq=False)
class Way:
    """How a tensor follows from signals, the last of which is nearest.

    `steps` are the operations since then that are not affine; `merged` says whether ways have met among them; `again`
    gives the tensor without any rule since then, which `plain` says it is itself.
    """

    signals: tuple[Signal, ...]
    steps: tuple[str, ...]
    merged: bool
    again: Callable[[], Tensor]
    plain: bool = True
    scales: bool = False  # by a number, in its last operation
    place: str = ""  # of the last step


@dataclass(eq=False)
class _Entry:
    version: int
    way: Way | None  # None where the tensor begins a chain
    below: Way | None  # the same, through activations under a rule
    gate: bool = False
    whole: bool = False  # an activation, to which only a factor or an offset may still belong


@dataclass(eq=False)
class Formed:
    """What a call makes of one signal: `way` leads to its result, with `again` still to be run.

    `bends` says whether the call is not affine in its operands.
    """

    way: Way
    below: Way
    operands: tuple[Tensor, ...]
    step: str
    bends: bool

    @property
    def signal(self) -> Signal:
        """What the result is a function of: h in ``1 / (1 + exp(-h))`` or ``log(1 + exp(2 * h)) / 2``, not 2 h."""
        signals = self.way.signals
        last = len(signals) - 1
        while last and not self.way.merged and signals[last].scaled:
            last -= 1
        return signals[last]

    @property
    def is_activation(self) -> bool:
        """Whether this shapes a signal, rather than to change its scale or to weight another one."""
        steps = self.way.steps
        if len(steps) < 2:
            return bool(steps) and steps[0] not in SCALES | GATES
        if _POWERS.issuperset(steps):
            return False
        floored = steps[0] in _RECTIFYING and not self.way.merged and SCALES.issuperset(steps[1:])
        return not floored  # such as log(max(x, 1e-6))

    @property
    def name(self) -> str:
        return "*".join(dict.fromkeys(self.way.steps))


class Overwritten(Exception):
    """Raised where a tensor that is needed again was overwritten in place."""


class Pointwise:
    """The signals and ways of one forward pass."""

    def __init__(self) -> None:
        self._entries: Any = WeakIdKeyDictionary()
        self._signals: weakref.WeakValueDictionary[int, Signal] = weakref.WeakValueDictionary()

    def form(self, call: Call) -> Formed | None:
        """What a call makes of a single signal, if it does; before it is run."""
        step = step_of(call)
        tensors = _tensors(call)[: 1 if step in ("to", "type_as") else None]  # and not the one whose type it takes
        if not _is_elementwise(step, call, tensors) or "out" in call.kwargs:
            return None
        operands = _distinct([t for t in tensors if t.requires_grad or self._entry(t) is not None])
        if not operands or any(t.is_complex() for t in tensors):
            return None
        if step not in _INDEXED and any(t.shape != operands[0].shape for t in [*operands, *_shapes(tensors)]):
            return None
        finishing = len(tensors) == 1 and step in _SUMS | _PRODUCTS  # with a number
        ways = [None if self._is_whole(t) and not finishing else self._way(t) for t in operands]
        below = [self._way(t, below=True) for t in operands]
        joined = self._join(step, call, operands, ways)
        deeper = joined
        if any(way is not under for way, under in zip(ways, below, strict=True)):
            deeper = self._join(step, call, operands, below)
            if joined is None and _may_go_below(step, below):
                joined = deeper
        if joined is None:
            return None
        return Formed(joined, deeper or joined, tuple(operands), step, _bends(step, call, operands))

    def keep(self, result: Tensor, formed: Formed, raw: Tensor | None = None) -> None:
        """Note what a result was formed of; where it is under a rule, with `raw`, the same without."""
        if any(result is signal.tensor for signal in formed.way.signals):
            return  # a cast to what it was
        way = formed.way if raw is None else replace(formed.way, again=lambda: raw, plain=False)
        below = way if formed.below is formed.way else formed.below
        gate = formed.step in GATES and len(way.steps) == 1
        whole = raw is not None and way.merged
        self._entries[result] = _Entry(result._version, way, below, gate, whole)

    def begin(self, result: Tensor, call: Call, before: Tensor, below: Way | None, overwritten: bool) -> None:
        """Note the result of an activation under a rule: it begins a chain, and continues one below."""
        if overwritten and below is None:
            return  # what it was made of is gone
        signals = below.signals if below is not None else ()
        if not overwritten and (below is None or not below.steps):
            signals = (*signals, self._signal(before))
        again = below.again if below is not None and (overwritten or not below.plain) else _unchanged(before)
        assert call.operation is not None
        steps = (*(below.steps if below else ()), call.operation.op)
        way = Way(signals, steps, bool(below and below.merged), lambda: _out_of_place(call, again()), plain=False)
        self._entries[result] = _Entry(result._version, None, way)

    def below(self, tensor: Tensor) -> Way | None:
        return self._way(tensor, below=True)

    def mark_as_gate(self, tensor: Tensor) -> None:
        """Note that a tensor, which was kept, is a weight between 0 and 1."""
        entry = self._entry(tensor)
        if entry is not None:
            entry.gate = True

    def is_formed(self, tensor: Tensor) -> bool:
        """Whether it is known to be a function, element by element, of another tensor."""
        return self._entry(tensor) is not None

    def is_gate(self, tensor: Tensor) -> bool:
        entry = self._entry(tensor)
        return entry is not None and entry.gate

    def preserve(self, overwritten: Tensor) -> None:
        """Keep the values of signals that are about to be overwritten."""
        place = overwritten.untyped_storage().data_ptr()
        for signal in list(self._signals.values()):
            if signal.tensor.untyped_storage().data_ptr() == place:
                signal.tensor = signal.tensor.clone()

    def _entry(self, tensor: Tensor) -> _Entry | None:
        entry: _Entry | None = self._entries.get(tensor)
        return entry if entry is not None and entry.version == tensor._version else None

    def _is_whole(self, tensor: Tensor) -> bool:
        entry = self._entry(tensor)
        return entry is not None and entry.whole

    def _way(self, tensor: Tensor, below: bool = False) -> Way | None:
        entry = self._entry(tensor)
        if entry is None:
            return None
        return entry.below if below else entry.way

    def _signal(self, tensor: Tensor) -> Signal:
        signal = self._signals.get(id(tensor))
        if signal is None or signal.tensor is not tensor or signal.version != tensor._version:
            way = self._way(tensor)
            scaled = way is not None and way.scales
            signal = Signal(tensor, get_gradient_edge(tensor), tensor._version, scaled)
            self._signals[id(tensor)] = signal
        return signal

    def _chain(self, tensor: Tensor, way: Way | None) -> tuple[Signal, ...]:
        if way is None:
            return (self._signal(tensor),)
        return way.signals if way.steps or not tensor.requires_grad else (*way.signals, self._signal(tensor))

    def _join(self, step: str, call: Call, operands: Sequence[Tensor], ways: Sequence[Way | None]) -> Way | None:
        if any(way is None and not t.requires_grad for t, way in zip(operands, ways, strict=True)):
            return None
        common = _common_start([self._chain(t, way) for t, way in zip(operands, ways, strict=True)])
        if not common:
            return None
        known = [way for way in ways if way is not None]
        steps = tuple(step for way in known for step in way.steps)
        if len(operands) > 1 and step in _SUMS and _is_residual(ways):
            return None
        if _bends(step, call, operands):
            steps += (step,)
        merged = bool(steps) and (len(operands) > 1 or any(way.merged for way in known))
        if not steps and len(operands) == 1:
            common = self._chain(operands[0], ways[0])
        plain = all(way.plain for way in known)
        bends = _bends(step, call, operands)
        place = f"{call.path}.{step}".lstrip(".") if bends else next((way.place for way in known if way.place), "")
        return Way(common, steps, merged, _run_again(call, operands, ways), plain, _scales(step, call), place)


def step_of(call: Call) -> str:
    """The name of an operation, the same for a function, a method, an operator, and those in place."""
    name = call.name.removeprefix("special_")
    if name.startswith("__"):
        name = name.strip("_")
        return _OPERATORS.get(name, name)
    return name.rstrip("_")


def _tensors(call: Call) -> list[Tensor]:
    return [item for item in (*call.args, *call.kwargs.values()) if isinstance(item, Tensor)]


def _distinct(tensors: Sequence[Tensor]) -> list[Tensor]:
    return list({id(t): t for t in tensors}.values())


def _is_mask(key: Any) -> bool:
    return isinstance(key, Tensor) and key.dtype == torch.bool


def _is_elementwise(step: str, call: Call, tensors: Sequence[Tensor]) -> bool:
    if step in _INDEXED:
        return len(call.args) > 1 and _is_mask(call.args[1])
    if step in ("max", "min"):
        return len(tensors) > 1  # else over an axis
    if step == "where" and len(call.args) + len(call.kwargs) < 3:
        return False  # the places where a condition holds
    return step in _ELEMENTWISE and (len(tensors) == 1 or step not in _CASTS)


def _shapes(tensors: Sequence[Tensor]) -> list[Tensor]:
    """What stands for the shape of a result: the tensors that would enlarge their operands."""
    whole = torch.broadcast_shapes(*(t.shape for t in tensors))
    return [t for t in tensors if t.shape == whole][:1] or [torch.empty(whole, device="meta")]


def _scales(step: str, call: Call) -> bool:
    """Whether an operation is a product with a number."""
    by_number = any(isinstance(item, (int, float)) for item in call.args)
    return step in ("neg", "negative") or (step in ("mul", "multiply", "div", "divide", "true_divide") and by_number)


def _common_start(chains: Sequence[tuple[Signal, ...]]) -> tuple[Signal, ...]:
    shortest = min(map(len, chains))
    same = 0
    while same < shortest and all(chain[same] is chains[0][same] for chain in chains):
        same += 1
    return chains[0][:same]


def _bends(step: str, call: Call, operands: Sequence[Tensor]) -> bool:
    """Whether the operation is not affine in its operands."""
    if step in _BENDING or step in _MASKS or step in _INDEXED:
        return True
    if step.startswith(("div", "true_div")) and any(call.args[1] is t for t in operands if len(call.args) > 1):
        return True
    if step in ("mul", "multiply") and len(call.args) > 1 and call.args[0] is call.args[1]:
        return True
    return step in _PRODUCTS and len(operands) > 1


def _is_residual(summands: Sequence[Way | None]) -> bool:
    """Whether a signal is added to an activation of it, which are two paths, not one function.

    It is one function with what is not an activation by itself, or is even: ``h + sin(h)**2``, ``h + h.abs()``.
    """
    affine = [way for way in summands if way is None or not way.steps]
    bent = [way for way in summands if way is not None and way.steps]
    return bool(affine) and any(way.merged or not _RECTIFYING.isdisjoint(way.steps) for way in bent)


def _may_go_below(step: str, ways: Sequence[Way | None]) -> bool:
    """Whether what is below activations is one function: a product, or a sum of nothing but activations."""
    return step in _PRODUCTS or all(way is not None and way.steps for way in ways)


def _unchanged(tensor: Tensor) -> Callable[[], Tensor]:
    version = tensor._version

    def again() -> Tensor:
        if tensor._version != version:
            raise Overwritten
        return tensor

    return again


def _run_again(call: Call, operands: Sequence[Tensor], ways: Sequence[Way | None]) -> Callable[[], Tensor]:
    """A function that runs a call on its operands as they are without rules."""
    sources = {
        id(t): _unchanged(t) if way is None or way.plain else way.again
        for t, way in zip(operands, ways, strict=True)
    }  # fmt: skip

    def again() -> Tensor:
        found = {key: source() for key, source in sources.items()}

        def swap(item: Any) -> Any:
            return found.get(id(item), item) if isinstance(item, Tensor) else item

        args = [swap(item) for item in call.args]
        return _out_of_place(call, args[0], args[1:], {key: swap(item) for key, item in call.kwargs.items()})

    return again


def _out_of_place(call: Call, x: Any, rest: Sequence[Any] | None = None, kwargs: Any = None) -> Tensor:
    """The result of a call on a tensor that it may overwrite."""
    copy = x.clone() if isinstance(x, Tensor) and writes(call) else x
    if rest is None:
        result = call.run_on(copy)
    else:
        result = call.func(copy, *rest, **(call.kwargs if kwargs is None else kwargs))
    found: Tensor = copy if result is None else result  # __setitem__ returns nothing
    return found


def writes(call: Call) -> bool:
    """Whether a call overwrites its first argument."""
    name = call.name
    if name.startswith("__"):
        return name == "__setitem__" or (name.startswith("__i") and name not in ("__invert__", "__index__", "__int__"))
    return name.endswith("_") or bool(call.kwargs.get("inplace", False))
