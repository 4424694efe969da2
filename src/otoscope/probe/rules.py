r"""What an activation passes back: the one place where gradient, relevance and sonification differ.

A rule is a function ``rule(grad, activation) -> grad``: `grad` arrives from the output's side, what the rule
returns goes on towards the waveform. Convolutions, poolings, normalisations and everything else keep their
own gradient under every rule. To add a rule, write such a function and pass it wherever a method takes a
rule, or put it in :data:`RULES` under a name.

For :math:`y = \phi(x)` with the gradient :math:`g` arriving, and :math:`[\cdot]` one where true and zero elsewhere:

============ ============================== ========================================================
rule         ReLU                           any other activation
============ ============================== ========================================================
gradient     :math:`g [x > 0]`              :math:`g\, \phi'(x)`
guided       :math:`g [g > 0] [x > 0]`      :math:`g [g > 0]\, \phi'(x) [x > 0]`
deconvnet    :math:`g [g > 0]`              :math:`g [g > 0]`
============ ============================== ========================================================

So `guided` (Springenberg et al. 2015) is the gradient with two gates, on the sign of the gradient and on the
sign of the input; where the slope is one for positive input (ReLU, leaky ReLU, ELU) it is the same
for all of them. `deconvnet` (Zeiler and Fergus 2014) rectifies the gradient and ignores the
input, whatever the activation is. Activations that gate another signal (sigmoid, GLU) keep their gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

from otoscope.errors import InputError
from otoscope.probe.listen import Call
from otoscope.probe.ops import SHAPING, Operation

_UNIT_SLOPE = ("relu", "leaky_relu", "prelu", "rrelu", "elu", "celu")


class Activation:
    """An activation, as a rule takes it in the backward pass."""

    def __init__(self, call: Call, x: Tensor, y: Tensor) -> None:
        assert call.operation is not None
        self._call, self._input, self._output = call, x, y
        self._slope: Tensor | None = None
        self.name = call.operation.op

    @property
    def unit_slope(self) -> bool:
        """Whether the slope is one wherever the input is positive."""
        return self.name in _UNIT_SLOPE

    def gate(self, grad: Tensor) -> Tensor:
        """`grad` where the input of the activation was positive, zero elsewhere."""
        evidence = self._output if self.name == "relu" else self._input
        gated: Tensor = torch.ops.aten.threshold_backward(grad, evidence, 0)
        return gated

    def backward(self, grad: Tensor) -> Tensor:
        """`grad` times the slope of the activation."""
        return self.gate(grad) if self.name == "relu" else grad * self.slope

    @property
    def slope(self) -> Tensor:
        """The derivative at every element of the input."""
        if self._slope is None:
            # By torch.func, which also works under vmap over many seeds.
            pull = torch.func.vjp(lambda x: self._call.run_on(x.clone()), self._input)[1]
            (self._slope,) = pull(torch.ones_like(self._output))
        return self._slope


Rule = Callable[[Tensor, Activation], Tensor]


def gradient(grad: Tensor, activation: Activation) -> Tensor:
    """The derivative as it is."""
    return activation.backward(grad)


def guided(grad: Tensor, activation: Activation) -> Tensor:
    """Only positive gradients, and only where the input was positive."""
    grad = activation.gate(grad).relu_()  # in place: gate returns a new tensor
    return grad if activation.unit_slope else activation.backward(grad)


def deconvnet(grad: Tensor, activation: Activation) -> Tensor:
    """Only positive gradients, whatever the input was."""
    return grad.clamp(min=0)


RuleName = Literal["gradient", "guided", "deconvnet"]

#: The rules known by name.
RULES: dict[str, Rule] = {"gradient": gradient, "guided": guided, "deconvnet": deconvnet}


def find_rule(rule: str | Rule) -> Rule:
    """The rule of that name, or the rule itself.

    Raises
    ------
    InputError
        If no rule has that name.
    """
    if callable(rule):
        return rule
    if rule not in RULES:
        names = ", ".join(RULES)
        raise InputError(f"unknown rule {rule!r}; the rules are {names}, or a function of your own")
    return RULES[rule]


def rule_name(rule: str | Rule) -> str:
    """The name of a rule in results: its own, or that of the function."""
    return rule if isinstance(rule, str) else str(getattr(rule, "__name__", type(rule).__name__))


def run_under(rule: Rule, call: Call) -> Any:
    """Run a call of a forward pass so that its backward pass follows `rule`."""
    operation = call.operation
    if rule is gradient or operation is None or operation.op not in SHAPING:
        return call.run()
    x = call.input
    if not operation.inplace:
        return _ruled(x, call, operation, rule)
    # The caller may go on using the tensor that it passed, so the result has to be written into it.
    return x.copy_(_ruled(x.clone(), call, operation, rule))


class _Ruled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, call: Call, operation: Operation, rule: Rule) -> Tensor:
        y: Tensor = call.run_on(x.clone() if operation.inplace else x)
        # With its input, a call in place would hold the tensor whose history holds the call: a cycle.
        ctx.call, ctx.rule = call.without_input(), rule
        # The output of a rectifier is positive where its input is: the input need not be kept.
        ctx.save_for_backward(*((y,) if operation.op == "relu" else (x, y)))
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        saved = ctx.saved_tensors
        return ctx.rule(grad, Activation(ctx.call, saved[0], saved[-1])), None, None, None


_ruled: Callable[..., Tensor] = _Ruled.apply
