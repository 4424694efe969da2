"""The options of the rules that carry relevance through every operation, and of Grad-CAM."""

from __future__ import annotations

import math
from typing import Literal, get_args

from otoscope.errors import InputError
from otoscope.probe.propagation import AlphaBeta, AttnLRP, DeepLift, Gamma, Propagation

First = Literal["epsilon", "rule"]
"""By what rule relevance passes the linear maps that read the waveform."""


def lrp_epsilon(*, epsilon: float = 0.1) -> Propagation:
    """The gradient, damped where a linear map gives little.

    Parameters
    ----------
    epsilon : float
        Relative to the root mean square of what the linear map gives for a clip.

    Examples
    --------
    >>> lrp_epsilon(epsilon=0.25).epsilon
    0.25
    """
    return Propagation(epsilon=_positive("epsilon", epsilon))


def lrp_gamma(*, gamma: float = 0.25, first: First = "epsilon") -> Propagation:
    """Contributions of the sign of their sum count more, by gamma."""
    return Gamma(gamma=_positive("gamma", gamma), first=_is_rule(first))


def lrp_zplus(*, first: First = "epsilon") -> Propagation:
    """Only contributions of the sign of their sum count."""
    return Gamma(gamma=math.inf, first=_is_rule(first))


def lrp_alpha2beta1(*, first: First = "epsilon") -> Propagation:
    """Twice the contributions of the sign of their sum, less once the others."""
    return AlphaBeta(first=_is_rule(first))


def attnlrp() -> Propagation:
    """LRP through attention and gates."""
    return AttnLRP()


def deeplift() -> Propagation:
    """The rescale rule, against silence."""
    return DeepLift()


def gradcam(*, layer: str | None = None) -> str | None:
    """At which layer; the last convolution by default."""
    return layer


def _positive(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise InputError(f"{name} has to be a number above 0, got {value!r}")
    return float(value)


def _is_rule(first: str) -> bool:
    if first not in get_args(First):
        raise InputError(f"first has to be one of {', '.join(get_args(First))}, not {first!r}")
    return first == "rule"
