"""A forward pass whose way back carries relevance by a rule of `propagation.py`, in any model as it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from otoscope.errors import InputError
from otoscope.probe.definitions import DEFINITIONS
from otoscope.probe.listen import Call
from otoscope.probe.ops import SHAPING, classify
from otoscope.probe.pointwise import step_of, writes
from otoscope.probe.propagation import Linear, Propagation
from otoscope.probe.routes import ONE, is_routed, routed
from otoscope.probe.secants import secant
from otoscope.probe.selections import POOLINGS, SELECTIONS, largest, softmax_between
from otoscope.probe.transforms import transform

_GATES = frozenset("sigmoid hardsigmoid expit".split())
_WEIGHTS = _GATES | frozenset("softmax log_softmax softmin".split())
_BENDS = (
    SHAPING
    | _GATES
    | frozenset(
        "logsigmoid abs absolute sqrt square pow float_power exp exp2 expm1 log log2 log10 log1p rsqrt reciprocal sin "
        "cos tan sinh cosh asin acos atan arcsin arccos arctan asinh acosh atanh arctanh arcsinh arccosh erf erfc sinc "
        "logit sgn clamp clamp_min clamp_max clip".split()
    )
)
_SMOOTH = frozenset(
    "sigmoid tanh softplus gelu silu mish log_sigmoid logsigmoid softsign elu celu selu exp expm1 log1p sin cos erf "
    "sinc".split()
)
_PRODUCTS = frozenset("mul multiply matmul mm bmm mv dot einsum inner".split())
_MATRICES = frozenset("matmul mm bmm mv dot einsum inner".split())
_QUOTIENTS = frozenset("div divide true_divide".split())
_KERNELS = frozenset(f"conv{transposed}{axes}d" for transposed in ("", "_transpose") for axes in (1, 2, 3)) | {"linear"}
_RECURRENT = frozenset("gru lstm gru_cell lstm_cell".split())
_BATCH_NORM = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
_OUT_OF_STEP = (
    "the rule deeplift compares the sound with silence, step by step, and the model takes other steps for silence: use "
    "another rule, such as integrated_gradients"
)

Run = Callable[..., Tensor]


class Propagator:
    """Runs the calls of one forward pass so that their way back carries relevance.

    Parameters
    ----------
    rule : Propagation
    clips : int
        Of the batch.
    notes : list, optional
        What the pass of the reference noted; it is used up. Without it, a rule that needs one notes.

    Attributes
    ----------
    notes : list
    held : int
        How many weights were held constant.
    """

    def __init__(self, rule: Propagation, clips: int, notes: list[tuple[Any, ...]] | None = None) -> None:
        self._rule, self._clips = rule, clips
        self._records = rule.reference and notes is None
        self.notes = [] if notes is None else notes
        self._constant = rule.gates_constant
        self.held = 0
        self._linears: Any = WeakIdKeyDictionary()

    def run(self, call: Call) -> Any:
        """The result of a call."""
        if not torch.is_grad_enabled() or transform() or not any(map(_is_live, _flat(call))) or "out" in call.kwargs:
            return call.run()
        step = step_of(call)
        if step == "softmax" and call.name != "softmax":
            return call.run()
        if step in DEFINITIONS and (self._rule.reference or step != "std"):
            found = self._by_definition(call, step)
            if found is not NotImplemented:
                return found
        operation = classify(call.func, call.args, call.kwargs)
        if operation is not None and operation.op == "relu":
            step = "relu"
        if step in _KERNELS or step == "addmm":
            return self._kernel(call, step)
        if step == "batch_norm":
            return self._batch_norm(call)
        if step in _WEIGHTS and self._constant:
            self.held += 1
            return _into(call, call.run_on(call.input.detach().clone()))
        if step in _BENDS and _bends(call):
            return _into(call, self._bend(call, step))
        if step in _PRODUCTS or step == "rmatmul":
            return self._product(call, step)
        if step in _QUOTIENTS and _is_live(call.args[1]):
            return _into(call, self._quotient(*call.args[:2], **call.kwargs))
        if step in _WEIGHTS or (step in SELECTIONS and self._rule.reference):
            return self._chosen(call, step)
        return call.run()

    # What was noted of the reference, in the order of the calls.

    def _at_reference(self, *tensors: Tensor) -> tuple[Any, ...]:
        if not self._rule.reference:
            return tuple(0.0 for _ in tensors)
        if self._records:
            self.notes.append(tuple(t.detach().clone() for t in tensors))
            return self.notes[-1]
        if not self.notes or [t.shape for t in self.notes[0]] != [t.shape for t in tensors]:
            raise InputError(_OUT_OF_STEP)
        return self.notes.pop(0)

    # Fused functions.

    def _by_definition(self, call: Call, step: str) -> Any:
        hold = (lambda scale: scale) if self._rule.reference else torch.Tensor.detach
        with self._within(step):
            found = DEFINITIONS[step](hold, *call.args, **call.kwargs)
        if isinstance(found, Tensor) and not isinstance(found.grad_fn, type(None)):
            found = routed(found, [(found, ONE)], step)
        return found if found is NotImplemented else _into(call, found)

    @contextmanager
    def _within(self, step: str) -> Iterator[None]:
        """Run what is called in this context by the rule; gates of a recurrence are constant in all but DeepLIFT."""
        before, self._constant = self._constant, self._constant or (step in _RECURRENT and not self._rule.reference)
        try:
            with _Inside(self):
                yield
        finally:
            self._constant = before

    # Linear maps.

    def _kernel(self, call: Call, step: str) -> Tensor:
        if step == "addmm":
            if set(call.kwargs) - {"input"}:
                found: Tensor = call.run()
                return found
            bias, x, weight = call.args if len(call.args) == 3 else (call.kwargs["input"], *call.args)
            return self._linear(lambda x, w, b: x @ w if b is None else torch.addmm(b, x, w), x, weight, bias, step)
        given = dict(zip(("input", "weight", "bias"), call.args, strict=False)) | call.kwargs
        named = {key: value for key, value in call.kwargs.items() if key not in ("input", "weight", "bias")}
        rest = call.args[3:]

        def run(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
            result: Tensor = call.func(x, w, b, *rest, **named)
            return result

        x, weight, bias = given["input"], given["weight"], given.get("bias")
        if _is_live(weight):  # a kernel that is computed from the sound
            return self._halves(lambda x, w: run(x, w, None), x, weight, step) + (0 if bias is None else _along(bias))
        return self._linear(run, x, weight, bias, step, folds="transpose" not in step)

    def _linear(
        self, run: Run, x: Tensor, weight: Tensor, bias: Any, step: str, z: Tensor | None = None, folds: bool = False
    ) -> Tensor:
        z = run(x, weight, bias) if z is None else z
        if self._rule.keeps_linear:
            return z
        axes = tuple(range(1, z.ndim) if len(z) == self._clips else range(z.ndim)) if z.ndim else ()
        linear = Linear(run, x, weight, bias, z, folds, axes)
        y = z.detach()
        plain = not self._rule.first and not is_routed(x)  # reads the waveform
        result = routed(y, self._rule.damped(y, linear) if plain else self._rule.routes(y, linear), step)
        self._linears[result] = linear, result._version
        return result

    def _batch_norm(self, call: Call) -> Any:
        given = dict(zip(_BATCH_NORM, call.args, strict=False)) | call.kwargs
        if given.get("training") or given.get("running_mean") is None or given.get("running_var") is None:
            return call.run()
        before, version = self._linears.get(given["input"], (None, 0))
        if before is None or not before.folds or given["input"]._version != version:
            return call.run()  # affine, for each element
        scale = (given["running_var"] + given.get("eps", 1e-5)).rsqrt()
        scale = scale if given.get("weight") is None else scale * given["weight"]
        shift = -given["running_mean"] * scale
        shift = shift if given.get("bias") is None else shift + given["bias"]
        shift = shift if before.bias is None else shift + before.bias * scale
        weight = before.weight * scale.reshape(-1, *[1] * (before.weight.ndim - 1))
        z = call.run_on(before.z) if call.args else call.func(**(call.kwargs | {"input": before.z}))
        return self._linear(before.run, before.x, weight, shift, "batch_norm", z)

    # What is not linear.

    def _bend(self, call: Call, step: str) -> Tensor:
        point = call.input.detach().clone()
        (reference,) = self._at_reference(point)
        if self._records:
            kept: Tensor = call.run_on(call.input.clone())
            return kept
        whole = step in _GATES and not self._rule.reference  # f(x) / x, as it is published

        def function(x: Tensor) -> Tensor:
            result: Tensor = call.run_on(x.clone())
            return result

        if step == "relu" and not self._rule.reference:
            with torch.no_grad():
                y, factor = function(point), (point > 0).to(point)
        else:
            y, factor = secant(function, point, reference, step in _SMOOTH, whole)
        return routed(y, [(call.input, factor)], step)

    def _product(self, call: Call, step: str) -> Any:
        first = 1 if step == "einsum" else 0
        operands = call.args[first:]
        if step == "einsum" and len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = tuple(operands[0])
        if len(operands) != 2 or call.kwargs:
            return call.run()
        a, b = operands
        func: Callable[..., Any] = _PLAIN.get(step, call.func)

        def run(a: Any, b: Any) -> Tensor:
            result: Tensor = func(*call.args[:first], a, b)
            return result

        if _is_live(a) and _is_live(b):
            return _into(call, self._halves(run, a, b, step))
        if step not in _MATRICES and step != "rmatmul":
            return call.run()  # linear in each element
        if _is_live(b):
            return self._linear(lambda x, w, _: run(w, x), b, a, None, step)
        return self._linear(lambda x, w, _: run(x, w), a, b, None, step)

    def _halves(self, run: Callable[[Tensor, Tensor], Tensor], a: Tensor, b: Tensor, step: str) -> Tensor:
        """A product of two signals, of which each gets half: of the means with the reference, which is exact."""
        a0, b0 = self._at_reference(a, b)
        one, other = run(a, (b.detach() + b0) / 2), run((a.detach() + a0) / 2, b)
        return routed(run(a.detach(), b.detach()), [(one, ONE), (other, ONE)], step)

    def _quotient(self, a: Any, b: Tensor, **kwargs: Any) -> Tensor:
        if not self._rule.reference or kwargs:
            self.held += 1
            return torch.div(a, b.detach(), **kwargs)
        with self._within("div"):
            result: Tensor = a * b.pow(-1)
        return result

    def _chosen(self, call: Call, step: str) -> Any:
        """A softmax or a maximum."""
        if not self._rule.reference:
            y = call.run()
            return routed(y, [(y, ONE)], step) if isinstance(y, Tensor) else y
        if step in POOLINGS or step in ("max", "amax"):
            return largest(call, step, lambda x: self._at_reference(x)[0])
        if step == "softmax":
            return softmax_between(call, self._at_reference(call.input)[0])
        return call.run()


_PLAIN: dict[str, Callable[..., Tensor]] = {
    "mul": torch.mul,
    "multiply": torch.mul,
    "rmatmul": lambda a, b: torch.matmul(b, a),
}


class _Inside(TorchFunctionMode):
    """Hands what a definition calls to the propagator."""

    def __init__(self, propagator: Propagator) -> None:
        super().__init__()
        self._propagator = propagator

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        call = Call(func, tuple(args), kwargs or {}, None, None)
        return self._propagator.run(call)


def _bends(call: Call) -> bool:
    """Whether a call is a function of each element of its input alone."""
    x, others = call.input, _flat(call)[1:]
    return x.requires_grad and not x.is_complex() and x.is_floating_point() and not any(map(_is_live, others))


def _into(call: Call, result: Any) -> Any:
    """A result, in place where the call is."""
    return call.args[0].copy_(result) if writes(call) and call.args else result


def _along(bias: Tensor) -> Tensor:
    return bias.reshape(-1, 1)


def _flat(call: Call) -> Sequence[Any]:
    items = [*call.args, *call.kwargs.values()]
    return [t for item in items for t in (item if isinstance(item, (list, tuple)) else [item])]


def _is_live(item: Any) -> bool:
    return isinstance(item, Tensor) and item.requires_grad
