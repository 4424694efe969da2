"""A forward pass whose activations follow a rule on the way back, however they are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from otoscope.probe.choices import Choices, rectified
from otoscope.probe.listen import Call
from otoscope.probe.ops import MAXIMA, SHAPING
from otoscope.probe.pieces import Pieces
from otoscope.probe.pointwise import Formed, Overwritten, Pointwise, step_of, writes
from otoscope.probe.rules import Activation, Rule, gradient
from otoscope.probe.transforms import transform


class Governor:
    """Runs the calls of one forward pass so that their way back follows a rule.

    An activation that has a name goes back by :class:`_Ruled`, a function of one tensor that is written by hand by
    :class:`_Grafted`, and a signal that is weighted or chosen (GLU, maxout) as through an activation of slope one.
    """

    def __init__(self, rule: Rule, choices: Choices) -> None:
        self._rule, self._choices, self._pointwise, self._pieces = rule, choices, Pointwise(), Pieces()

    def run(self, call: Call) -> Any:
        """The result of a call."""
        if self._rule is gradient or not torch.is_grad_enabled() or transform():
            return call.run()
        operation = call.operation
        if operation is not None and operation.op in SHAPING:
            return self._named(call)
        if operation is not None and operation.kind != "activation" and operation.op not in MAXIMA:
            return call.run()
        formed = self._pointwise.form(call) if self._is_known(call) else None
        self._before_overwriting(call)
        if formed is not None:
            return self._elementwise(call, formed)
        if operation is not None and operation.op == "glu" and call.input.requires_grad:
            return call.run_on(self._weighted_half(call))
        if (gate := self._gate(call)) is not None:
            return self._weighted(call, gate)
        return self._recognised(call)

    def _is_known(self, call: Call) -> bool:
        """Whether all that the sound chose, and a call reads, is a function of another tensor."""
        return all(map(self._pointwise.is_formed, self._choices.bend(call)))

    def _recognised(self, call: Call) -> Any:
        """The result of a call; if that has the values of a rectified signal, as by an activation."""
        signals = [t.clone() if writes(call) and t is call.args[0] else t for t in self._choices.signals(call)]
        result = self._pieces.run(call, self._through)
        value = call.args[0] if result is None else result[0] if isinstance(result, tuple) and result else result
        if not isinstance(value, Tensor):
            return result
        for x in signals:
            if (factor := rectified(value, x)) is not None:
                chosen = _grafted(x, _Rectified(value, factor), self._rule)
                if writes(call):
                    value.copy_(chosen)
                    return result
                return chosen if value is result else type(result)((chosen, *result[1:]))
        return result

    def _before_overwriting(self, call: Call) -> None:
        target = call.args[0] if call.args else call.kwargs.get("input")
        if isinstance(target, Tensor) and writes(call):
            self._pointwise.preserve(target)

    def _named(self, call: Call) -> Any:
        x, operation = call.input, call.operation
        assert operation is not None
        if not x.requires_grad or x.is_complex():  # complex numbers have no sign for a rule to go by
            return call.run()
        below = self._pointwise.below(x)
        self._before_overwriting(call)
        result = _ruled(x.clone() if operation.inplace else x, call, self._rule)
        if operation.inplace:  # the caller may go on using the tensor that it passed
            result = x.copy_(result)
        self._pointwise.begin(result, call, x, below, overwritten=operation.inplace)
        return result

    def _elementwise(self, call: Call, formed: Formed) -> Any:
        if not formed.is_activation and (formed.way.plain or not formed.bends):
            return self._plain(call, formed)
        try:
            raw = formed.way.again()
        except Overwritten:
            return call.run()
        signal = formed.signal
        if raw.shape != signal.tensor.shape or not raw.requires_grad:  # values that a mask selects
            return self._plain(call, formed)
        is_gate = formed.is_activation and _is_sigmoid(raw, signal.tensor)
        result = raw
        if formed.is_activation and not is_gate:
            result = _grafted(signal.tensor, _Graft(raw, signal.edge, formed.name, formed.way.place), self._rule)
        if writes(call):
            result = call.args[0].copy_(result)
        self._pointwise.keep(result, formed, raw)
        if is_gate:
            self._pointwise.mark_as_gate(result)
        return None if step_of(call) == "setitem" else result

    def _plain(self, call: Call, formed: Formed) -> Any:
        """A step of a chain that is not an activation, or not yet."""
        overwrites = writes(call)
        if overwrites and not formed.way.steps:
            return call.run()  # begins a chain
        raw = None
        if overwrites and not formed.way.plain:
            try:
                raw = formed.way.again()
            except Overwritten:
                return call.run()
        result = call.run()
        kept = call.args[0] if result is None else result
        if isinstance(kept, Tensor) and (overwrites or all(kept is not t for t in formed.operands)):
            self._pointwise.keep(kept, formed, raw)
        return result

    def _gate(self, call: Call) -> Tensor | None:
        """The weight between 0 and 1 that a product gives to every element of a signal."""
        if step_of(call) not in ("mul", "multiply") or len(call.args) != 2 or call.kwargs:
            return None
        one, other = call.args
        if not (isinstance(one, Tensor) and isinstance(other, Tensor) and one.shape == other.shape):
            return None
        if one.is_complex() or other.is_complex():
            return None
        gates = [t for t in (one, other) if self._pointwise.is_gate(t)]
        return gates[0] if len(gates) == 1 and one.requires_grad and other.requires_grad else None

    def _weighted(self, call: Call, gate: Tensor) -> Tensor:
        one, other = (t.clone() if writes(call) and t is call.args[0] else t for t in call.args)
        values = other if call.args[0] is gate else one
        weights = one if call.args[0] is gate else other
        product = self._through(values, "glu") * weights
        target: Tensor = call.args[0]
        return target.copy_(product) if writes(call) else product

    def _weighted_half(self, call: Call) -> Tensor:
        """The input of a GLU, of which the half that is weighted is under the rule."""
        axis = call.args[1] if len(call.args) > 1 else call.kwargs.get("dim", -1)
        values, weights = call.input.chunk(2, axis)
        return torch.cat([self._through(values, "glu"), weights], axis)

    def _through(self, x: Tensor, name: str) -> Tensor:
        """A tensor, as if through an activation of slope one."""
        return _grafted(x, _Graft(None, None, name), self._rule)


def _is_sigmoid(y: Tensor, x: Tensor) -> bool:
    """Whether all of y is the sigmoid of x, to rounding: then it is a gate, however it is written."""
    some = y.detach().flatten()[:4096]
    if not bool(((some >= 0) & (some <= 1)).all()):
        return False
    return torch.allclose(some, x.detach().flatten()[:4096].to(some).sigmoid(), atol=1e-4)


class _Ruled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, call: Call, rule: Rule) -> Tensor:
        assert call.operation is not None
        y: Tensor = call.run_on(x.clone() if call.operation.inplace else x)
        # With its input, a call in place would hold the tensor whose history holds the call: a cycle.
        ctx.call, ctx.rule, ctx.label = call.without_input(), rule, call.operation.op
        # The output of a rectifier is positive where its input is: the input need not be kept.
        ctx.save_for_backward(y if call.operation.op == "relu" else x)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (evidence,) = ctx.saved_tensors

        def slope() -> Tensor:
            # By torch.func, which also works under vmap over many seeds.
            pull = torch.func.vjp(lambda x: ctx.call.run_on(x.clone()), evidence)[1]
            found: Tensor = pull(torch.ones_like(grad))[0]
            return found

        return ctx.rule(grad, Activation(ctx.label, evidence, slope)), None, None


class _Graft:
    """A function that is written by hand: its result, and where its signal is in the history of autograd."""

    def __init__(self, result: Tensor | None, signal: GradientEdge | None, name: str, place: str = "") -> None:
        self.result, self.name, self.place, self._signal = result, name, place, signal
        self._slope: Tensor | None = None

    def slope(self, x: Tensor) -> Tensor:
        """Its derivative at every element of x."""
        if self._slope is None:
            if self.result is None or self._signal is None:
                return torch.ones_like(x)
            ones = torch.ones_like(self.result)
            (self._slope,) = torch.autograd.grad(self.result, [self._signal], ones, retain_graph=True)
        return self._slope


class _Rectified(_Graft):
    """What was recognised by its values: a rectified signal, times a factor."""

    def __init__(self, result: Tensor, factor: float) -> None:
        super().__init__(result.detach().clone(), None, "rectified")
        self._factor = factor

    def slope(self, x: Tensor) -> Tensor:
        return self._factor * (x > 0).to(x.dtype)


class _Grafted(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, graft: _Graft, rule: Rule) -> Tensor:
        ctx.graft, ctx.rule, ctx.label, ctx.place = graft, rule, graft.name, graft.place
        ctx.save_for_backward(x)
        return (x if graft.result is None else graft.result).detach()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        activation = Activation(ctx.label, x, lambda: ctx.graft.slope(x))
        return ctx.rule(grad.to(x.dtype).reshape(x.shape), activation), None, None


_ruled: Callable[..., Tensor] = _Ruled.apply
_grafted: Callable[..., Tensor] = _Grafted.apply
