r"""What an activation passes back: the one place where gradient, relevance and sonification differ.

A rule is a function ``rule(grad, activation) -> grad``: `grad` arrives from the output's side, what the rule
returns goes on towards the waveform. Convolutions, poolings, normalisations and everything else keep their
own gradient under every rule. To add a rule, write such a function and pass it wherever a method takes a
rule, or put it in :data:`RULES` under a name.

For :math:`y = \phi(x)` with the gradient :math:`g` arriving, and :math:`[\cdot]` one where true and zero elsewhere:

============ ========================= ====================================== ====================================
rule         ReLU                      any other activation                   GLU :math:`y = a\, \sigma(b)`, to a
============ ========================= ====================================== ====================================
gradient     :math:`g [x > 0]`         :math:`g\, \phi'(x)`                   :math:`g\, \sigma(b)`
guided       :math:`g [g > 0] [x > 0]` :math:`g [g > 0]\, \phi'(x) [x > 0]`   :math:`g [g > 0]\, \sigma(b) [a > 0]`
deconvnet    :math:`g [g > 0]`         :math:`g [g > 0]`                      :math:`g [g > 0]\, \sigma(b)`
============ ========================= ====================================== ====================================

So `guided` (Springenberg et al. 2015) is the gradient with two gates, on the sign of the gradient and on the
sign of the input; where the slope is one for positive input (ReLU, leaky ReLU, ELU) it is the same
for all of them. `deconvnet` (Zeiler and Fergus 2014) rectifies the gradient and ignores the
input, whatever the activation is.

An activation is any function of one tensor, element by element, however it is written: ``torch.maximum(h, 0)``,
``h * (h > 0)``, ``h[h < 0] = 0``, ``h * sigmoid(h)``, ``h + sin(a * h)**2 / a``, ``h.abs()``, ``clamp``; its
slope is what autograd says, and it is named by its operations. What is left to the plain gradient:

- weights: sigmoid and softmax, however they are written, keep their gradient. In a GLU, as ``F.glu`` or as a product
  ``a * sigmoid(b)`` of one shape, the signal a passes as through an activation of slope one.
- the maximum chooses a path. Over pieces of one tensor (maxout, the max-feature-map) it is an activation of slope one:
  `guided` passes positive gradients where the maximum is positive, and `deconvnet` all that are positive. The maximum
  over time passes everything on to what was chosen.
- a choice: the larger of two signals, sorting, and masks or indices that another part of the sound makes. What has the
  values of a rectified signal, of whatever steps it is made, is one.
- complex numbers, which have no sign: a spectrum that is multiplied by a mask, or the hyperbolic tangent of one.
- a change of scale by one operation (logarithm, power, exponential, inverse), a product of two signals, attention,
  normalisations and recurrences.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from otoscope.errors import InputError
from otoscope.probe.propagation import Propagation

_UNIT_SLOPE = ("relu", "leaky_relu", "prelu", "rrelu", "elu", "celu", "glu", "maxout")


class Activation:
    """An activation, as a rule takes it in the backward pass.

    Attributes
    ----------
    name : str
        Of the torch function, or of the operations by which it is written.
    """

    def __init__(self, name: str, evidence: Tensor, slope: Callable[[], Tensor]) -> None:
        self.name = name
        self._evidence, self._find_slope = evidence, slope  # positive where the input is; the derivative
        self._slope: Tensor | None = None

    @property
    def unit_slope(self) -> bool:
        """Whether the slope is one wherever the input is positive."""
        return self.name in _UNIT_SLOPE

    def gate(self, grad: Tensor) -> Tensor:
        """`grad` where the input of the activation was positive, zero elsewhere."""
        gated: Tensor = torch.ops.aten.threshold_backward(grad, self._evidence, 0)
        return gated

    def backward(self, grad: Tensor) -> Tensor:
        """`grad` times the slope of the activation."""
        return self.gate(grad) if self.name == "relu" else grad * self.slope

    @property
    def slope(self) -> Tensor:
        """The derivative at every element of the input."""
        if self._slope is None:
            self._slope = self._find_slope()
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
    """The rule of activations of that name, or the rule itself.

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


def rule_name(rule: str | Rule | Propagation) -> str:
    """The name of a rule in results: its own, or that of the function."""
    if isinstance(rule, Propagation):
        return rule.name
    return rule if isinstance(rule, str) else str(getattr(rule, "__name__", type(rule).__name__))
