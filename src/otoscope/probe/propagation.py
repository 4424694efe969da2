r"""Rules that carry relevance back through every operation: LRP in four forms, AttnLRP and DeepLIFT.

Each is a modified gradient: every tensor of a pass has a q, and its relevance is :math:`R = x\, q` (of DeepLIFT,
:math:`(x - x_0)\, q`). So sums, slices, concatenations, strides, means and poolings are those of autograd, which split
relevance in proportion, and what is to be said of a rule is what stands for a linear map, for a bent function of each
element, and for a product of two signals. A linear map :math:`z = W x + b` has the positive and the negative
contributions P and N, :math:`z = P + N`; the rule gives factors to the ways through z, P and N:

================= ====================================================================================================
rule              a linear map passes back
================= ====================================================================================================
lrp_epsilon       the gradient times :math:`|z| / (|z| + \epsilon\, z_\mathrm{rms})`
lrp_gamma         as if W were :math:`W + \gamma W^+` where z is positive, and its mirror image where z is negative
lrp_zplus         the same for :math:`\gamma \to \infty`: contributions of the sign of z alone
lrp_alpha2beta1   twice the contributions of the sign of z, less once those against it
attnlrp, deeplift the gradient
================= ====================================================================================================

=========================== ============================ =========================== ==================================
of                          lrp                          attnlrp                     deeplift
=========================== ============================ =========================== ==================================
a function y = f(x)         (f(x) - f(0)) / x            the same                    (f(x) - f(x0)) / (x - x0)
sigmoid as a weight         constant                     f(x) / x                    as of any function
a product of two signals    half to each                 half to each                half to each, of means with the
                                                                                     reference, which is exact
a divisor                   constant                     constant                    as a product with 1 / x
softmax                     constant                     R_i = x_i (R_i - s_i sum R) the logarithmic mean of s and s0
the deviation in a norm     constant                     constant                    by its definition
=========================== ============================ =========================== ==================================

A batch normalisation behind a linear map is folded into it; nothing of the model is replaced. Where a linear map reads
the waveform itself, LRP uses epsilon: there the other rules would choose weights by the sign of a sample, which gives q
harmonics that neither the sound nor the kernels have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Routes = list[tuple[Tensor, Tensor]]

_STABLE = 1e-6  # of rules whose epsilon only keeps them from dividing by zero


@dataclass
class Linear:
    """A linear map as it was called.

    Attributes
    ----------
    run : callable
        From input, weight and bias to the result.
    x, weight, bias : Tensor
    z : Tensor
        The result, under plain autograd.
    folds : bool
        Whether a batch normalisation behind it can be folded in: the first axis of the weight is that of the channels.
    axes : tuple of int
        Of z, those of one clip.
    """

    run: Callable[..., Tensor]
    x: Tensor
    weight: Tensor
    bias: Tensor | None
    z: Tensor
    folds: bool
    axes: tuple[int, ...]

    def part(self, sign: int) -> Tensor:
        """The sum of the contributions of that sign alone."""
        weight, other = self.weight.clamp(min=0), self.weight.clamp(max=0)
        if sign < 0:
            weight, other = other, weight
        bias = None if self.bias is None else self.bias.clamp(min=0) if sign > 0 else self.bias.clamp(max=0)
        above = self.x.detach() > 0  # a mask, by which the way back keeps no copy of x
        if bool((self.x.detach() >= 0).all()):
            return self.run(self.x, weight, bias)
        positive = self.x * above
        return self.run(positive, weight, bias) + self.run(self.x - positive, other, None)


@dataclass(frozen=True)
class Propagation:
    """A rule of this module; by itself it is `lrp_epsilon`.

    Attributes
    ----------
    epsilon : float
        Relative to the root mean square of z in a clip.
    first : bool
        Whether the rule is also that of the linear maps that read the waveform, in place of epsilon.

    Examples
    --------
    >>> from otoscope.probe import vjp
    >>> model = torch.nn.Sequential(torch.nn.Conv1d(1, 4, 9, bias=False), torch.nn.ReLU())
    >>> x = torch.randn(1, 1, 50)
    >>> value, pull = vjp(model, x, rule=Propagation(epsilon=1e-9))
    >>> bool(torch.isclose((x * pull(torch.ones_like(value))).sum(), value.sum(), rtol=1e-3))
    True
    """

    epsilon: float = 0.1
    first: bool = False

    @property
    def name(self) -> str:
        return "lrp_epsilon"

    @property
    def gates_constant(self) -> bool:
        """Whether a sigmoid or softmax is a constant weight."""
        return True

    @property
    def reference(self) -> bool:
        """Whether the pass is compared with that of silence."""
        return False

    @property
    def keeps_linear(self) -> bool:
        """Whether linear maps keep their gradient."""
        return False

    def routes(self, y: Tensor, linear: Linear) -> Routes:
        """The ways back through a linear map, with the factor of each; y is its result without a history."""
        return self.damped(y, linear)

    def damped(self, y: Tensor, linear: Linear) -> Routes:
        """The gradient, damped where z is small."""
        size = y.abs()
        return [(linear.z, size / (size + self.level(y, linear.axes)))]

    def level(self, z: Tensor, axes: Sequence[int]) -> Tensor | float:
        mean = z.square().mean(tuple(axes), keepdim=True) if axes else z.square()
        return self.epsilon * mean.sqrt() + torch.finfo(z.dtype).tiny

    def over(self, y: Tensor, z: Tensor, linear: Linear) -> Tensor:
        """y / z, which is kept from zero."""
        return y / (z + torch.where(z < 0, -1.0, 1.0) * self.level(z, linear.axes))


@dataclass(frozen=True)
class Gamma(Propagation):
    """`lrp_gamma`, and for an infinite gamma `lrp_zplus`."""

    epsilon: float = _STABLE
    gamma: float = 0.25

    @property
    def name(self) -> str:
        return "lrp_zplus" if self.gamma == float("inf") else "lrp_gamma"

    def routes(self, y: Tensor, linear: Linear) -> Routes:
        positive, above, zero = linear.part(1), y > 0, torch.zeros_like(y)
        lean = torch.where(above, positive.detach(), y - positive.detach())  # the contributions of y's own sign
        if self.gamma == float("inf"):
            share = self.over(y, lean, linear)
            return [(linear.z, torch.where(above, zero, share)), (positive, torch.where(above, share, -share))]
        share = self.over(y, y + self.gamma * lean, linear)
        return [
            (linear.z, torch.where(above, share, (1 + self.gamma) * share)),
            (positive, torch.where(above, self.gamma * share, -self.gamma * share)),
        ]


@dataclass(frozen=True)
class AlphaBeta(Propagation):
    """`lrp_alpha2beta1`; a unit whose contributions are of one sign gives everything to that sign."""

    epsilon: float = _STABLE
    alpha: float = 2.0
    beta: float = 1.0

    @property
    def name(self) -> str:
        return f"lrp_alpha{self.alpha:g}beta{self.beta:g}"

    def routes(self, y: Tensor, linear: Linear) -> Routes:
        positive, negative = linear.part(1), linear.part(-1)
        up, down = self.over(y, positive.detach(), linear), self.over(y, negative.detach(), linear)
        below = y < 0
        alpha = torch.where(below, -self.beta, self.alpha)
        beta = torch.where(below, -self.alpha, self.beta)
        alpha, beta = torch.where(negative == 0, 1.0, alpha), torch.where(positive == 0, -1.0, beta)
        # Where there are none of a sign, nothing goes to them: what is divided by them is noise.
        up, down = torch.where(positive == 0, 0.0, up * alpha), torch.where(negative == 0, 0.0, down * beta)
        return [(positive, up), (negative, -down)]


@dataclass(frozen=True)
class AttnLRP(Propagation):
    """`attnlrp`, which goes through attention and gates (Achtibat et al. 2024)."""

    epsilon: float = _STABLE

    @property
    def name(self) -> str:
        return "attnlrp"

    @property
    def gates_constant(self) -> bool:
        return False


@dataclass(frozen=True)
class DeepLift(Propagation):
    """`deeplift`: the rescale rule, against silence (Shrikumar et al. 2017)."""

    epsilon: float = 0.0

    @property
    def name(self) -> str:
        return "deeplift"

    @property
    def gates_constant(self) -> bool:
        return False

    @property
    def reference(self) -> bool:
        return True

    @property
    def keeps_linear(self) -> bool:
        return True
