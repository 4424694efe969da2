"""Relevance by hand: every activation is replaced where it is written, by one with its own backward pass.

The library intercepts calls and finds out what they are; here the functions of torch, which modules call too, are
replaced by name. The slopes are those of a textbook.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Function = Callable[..., Tensor]


class Ruled(torch.autograd.Function):
    """Passes back what is positive; guided: where the input was positive, times the slope."""

    guided = True

    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Tensor, slope: Tensor) -> Tensor:
        ctx.save_for_backward(x, slope)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        x, slope = ctx.saved_tensors
        if not Ruled.guided:
            return torch.where(grad > 0, grad, torch.zeros_like(grad)), None, None
        return torch.where((grad > 0) & (x > 0), grad * slope, torch.zeros_like(grad)), None, None


def ruled(function: Function, slope: Function) -> Function:
    """An activation whose way back follows the rule."""

    def run(x: Tensor, *args: Any, inplace: bool = False, **kwargs: Any) -> Tensor:
        if args and isinstance(args[-1], bool):  # modules hand it over by place
            *args, inplace = args
        with torch.no_grad():
            value, steepness = function(x, *args, **kwargs), slope(x, *args, **kwargs)
        result = Ruled.apply(x.clone() if inplace else x, value, steepness)
        return x.copy_(result) if inplace else result

    return run


def in_place(function: Function) -> Function:
    return lambda x, *args, **kwargs: function(x, *args, inplace=True, **kwargs)


def _normal(x: Tensor) -> Tensor:
    return torch.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _gelu_slope(x: Tensor, approximate: str = "none") -> Tensor:
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        th = torch.sinh(inner) / torch.cosh(inner)
        return 0.5 * (1 + th) + 0.5 * x * (1 - th**2) * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)
    return 0.5 * (1 + torch.erf(x / math.sqrt(2))) + x * _normal(x)


def _silu_slope(x: Tensor) -> Tensor:
    s = 1 / (1 + torch.exp(-x))
    return s * (1 + x * (1 - s))


def one(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The slope of what is the identity for positive input."""
    return torch.ones_like(x)


RELU = ruled(torch.relu, one)
SILU = ruled(F.silu, _silu_slope)
TANH = ruled(torch.tanh, lambda x: 1 / torch.cosh(x) ** 2)
SELU = ruled(torch.selu, lambda x: torch.full_like(x, 1.0507009873554805))
_BY_HAND = {
    "relu": RELU,
    "leaky_relu": ruled(F.leaky_relu, one),
    "elu": ruled(F.elu, one),
    "selu": SELU,
    "gelu": ruled(F.gelu, _gelu_slope),
    "silu": SILU,
    "tanh": TANH,
    "softplus": ruled(F.softplus, lambda x, *a, **k: 1 / (1 + torch.exp(-x))),
}
_PLACES = (torch, F, torch.Tensor)
_ABS = torch.abs


def _abs(x: Tensor) -> Tensor:
    """The magnitude of a complex number is no activation."""
    return _ABS(x) if x.is_complex() else ruled(_ABS, torch.sign)(x)


_BY_HAND["abs"] = _abs


def _prelu(x: Tensor, weight: Tensor) -> Tensor:
    return ruled(_PRELU, one)(x, weight)


_PRELU = F.prelu


def passing(x: Tensor) -> Tensor:
    """A signal that a gate lets pass, or a maximum: as through an activation of slope one."""
    return Ruled.apply(x, x.detach(), torch.ones_like(x))


def _glu(x: Tensor, dim: int = -1) -> Tensor:
    signal, gate = x.chunk(2, dim)
    return passing(signal) * torch.sigmoid(gate)


@contextmanager
def ruled_by_hand(rule: str) -> Iterator[None]:
    """Within this context torch's activations pass back what the rule guided or deconvnet says."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(Ruled, "guided", rule == "guided"))
        for place in _PLACES:
            for name, function in _BY_HAND.items():
                if hasattr(place, name):
                    stack.enter_context(mock.patch.object(place, name, function))
                if hasattr(place, f"{name}_"):
                    stack.enter_context(mock.patch.object(place, f"{name}_", in_place(function)))
        stack.enter_context(mock.patch.object(F, "prelu", _prelu))
        stack.enter_context(mock.patch.object(F, "glu", _glu))
        yield


@contextmanager
def rewritten(model: nn.Module, changes: Mapping[str, Any]) -> Iterator[None]:
    """Functions of the network replaced by others, by path; a value ``{name: function}`` of a module's method too."""
    with ExitStack() as stack:
        for path, value in changes.items():
            owner, _, name = path.rpartition(".")
            stack.enter_context(mock.patch.object(model.get_submodule(owner), name, value))
        yield
