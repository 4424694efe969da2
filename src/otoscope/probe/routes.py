"""A value whose way back goes by other routes than those by which it was computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Factor = Tensor | float


def routed(value: Tensor, routes: Sequence[tuple[Tensor, Factor]], label: str) -> Tensor:
    """`value` going forward; on the way back each route receives what arrives times its factor.

    Parameters
    ----------
    value : Tensor
    routes : sequence of (Tensor, Tensor or float)
        Tensors of the shape of `value`, with the factor of each.
    label : str
        By which results name what was routed.

    Examples
    --------
    >>> x = torch.ones(2, requires_grad=True)
    >>> routed(torch.zeros(2), [(x, 3.0)], "three").sum().backward()
    >>> x.grad
    tensor([3., 3.])
    """
    return _routed(value.detach(), [factor for _, factor in routes], label, *(way for way, _ in routes))


class _Routed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, factors: list[Factor], label: str, *ways: Tensor) -> Tensor:
        ctx.factors, ctx.label = factors, label
        return value.detach()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return None, None, None, *(grad if factor is ONE else grad * factor for factor in ctx.factors)


_routed: Callable[..., Tensor] = _Routed.apply

ONE = 1.0
"""The factor of a route that receives everything."""


def is_routed(tensor: Tensor) -> bool:
    """Whether anything between a tensor and the leaves of its history was routed."""
    nodes, visited = [tensor.grad_fn], set[Any]()
    while nodes:
        node = nodes.pop()
        if node is None or node in visited:
            continue
        if node.name() == "_RoutedBackward":
            return True
        visited.add(node)
        nodes += [before for before, _ in node.next_functions]
    return False
