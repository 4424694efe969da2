"""Probabilities, and the logits that they are made of."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Normalisation = Literal["softmax", "sigmoid"]

TOLERANCE = 2e-3
"""How far a probability may be from that of its logits: limits at 1e-3 and less are in use."""


@dataclass(frozen=True)
class Normalised:
    """Probabilities, and the logits that they are made of.

    Attributes
    ----------
    of : {"softmax", "sigmoid"}
        What makes probabilities of the logits.
    logit : Tensor
        Of the shape of the probabilities.
    log : bool
        Whether the logarithms of probabilities are meant.
    odds : bool
        Whether the logits are log odds that were made of several logits, not what the model itself computed.
    averaged : bool
        Whether they are of a mean over frames.
    factor : float
        What was returned is this many times the probabilities, or their logarithms: 100 of percentages, -1 of a
        negative log-likelihood.
    share : Tensor or None
        Of a softmax, another distribution over the same classes, of the shape of the probabilities: the axis along
        which it sums to 1 is that of the classes, whatever the probabilities are.
    """

    of: Normalisation
    logit: Tensor
    log: bool = False
    odds: bool = False
    averaged: bool = False
    factor: float = 1.0
    share: Tensor | None = None

    @property
    def class_axis(self) -> int | None:
        """The axis of the classes of a softmax; None where not all of them are there."""
        share = self.share
        if share is None:
            return None
        axes = [axis for axis in range(share.ndim) if bool(((share.sum(axis) - 1).abs() < 1e-6).all())]
        return max(axes, key=lambda axis: share.shape[axis], default=None)

    def probability(self, returned: Tensor) -> Tensor:
        """The probabilities in what the model returned."""
        returned = returned / self.factor
        return returned.exp() if self.log else returned

    def is_like(self, other: Normalised) -> bool:
        """Whether both are of one kind, so that their logits can be put together."""
        kinds = [(one.of, one.log, one.odds, one.averaged, one.factor, one.class_axis) for one in (self, other)]
        return kinds[0] == kinds[1]

    def times(self, number: float) -> Normalised | None:
        """So many times the probabilities; a sigmoid in another range than 0 to 1 or 100 may be no probability."""
        factor = self.factor * number
        fits = factor and math.isfinite(factor) and (self.log or self.of == "softmax" or abs(factor) in (1, 100))
        return replace(self, factor=factor) if fits else None

    def agrees(self, returned: Tensor) -> bool:
        """Whether the logits make what was returned."""
        if self.logit.shape != returned.shape:
            return False
        logit, found = self.logit.detach().double(), self.probability(returned.detach().double())
        if self.of == "sigmoid":
            return _near(logit.sigmoid(), found)
        axis = self.class_axis
        if axis is None:
            return False
        if self.averaged:  # a mean of logarithms: each class less the same number
            less = returned.detach().double() / self.factor - logit
            return _near(less, less.mean(axis, keepdim=True).expand_as(less))
        return _near(logit.softmax(axis), found)


def of_softmax(z: Tensor, axis: int | None, log: bool = False) -> Normalised:
    """A softmax over an axis, with a distribution over the same classes, all of its probabilities different."""
    share = None
    if axis is not None:
        count = z.shape[axis]
        weights = torch.arange(1, count + 1, dtype=torch.float64, device=z.device) * (2 / (count * (count + 1)))
        share = weights.reshape([-1 if i == axis % z.ndim else 1 for i in range(z.ndim)]).expand(z.shape)
    return Normalised("softmax", z, log=log, share=share)


def log_odds(known: Normalised) -> Tensor | None:
    """The log odds of each probability; None where the axis of the classes is not seen."""
    both = logarithms(known)
    return None if both is None else both[0] - both[1]


def logarithms(known: Normalised) -> tuple[Tensor, Tensor] | None:
    """log p and log (1 - p), from the logits: exact also where p is 1 in floating point."""
    if known.of == "sigmoid":
        return functional.logsigmoid(known.logit), functional.logsigmoid(-known.logit)
    axis = known.class_axis
    if axis is None or known.averaged:
        return None
    z = known.logit
    log_p = z.log_softmax(axis)
    # All but the largest have p < 1/2 or so, where log(1 - p) is exact; of the largest, the others are summed.
    largest = torch.zeros_like(z, dtype=torch.bool).scatter(axis, z.argmax(axis, keepdim=True), True)
    others = z.masked_fill(largest, -math.inf).logsumexp(axis, keepdim=True) - z.logsumexp(axis, keepdim=True)
    small = torch.where(largest, torch.full_like(log_p, -1.0), log_p)
    return log_p, torch.where(largest, others, torch.log1p(-small.exp()))


def _near(one: Tensor, other: Tensor) -> bool:
    return bool(torch.isclose(one, other, rtol=0, atol=TOLERANCE).all())
