"""Transforms of `torch.func` (vmap, grad, jvp), within which a model may run calls: their tensors have no storage."""

from __future__ import annotations

import torch
from torch import Tensor


def transform() -> str:
    """The name of the transform within which this is called, empty where there is none.

    Examples
    --------
    >>> within = []
    >>> _ = torch.func.vmap(lambda x: within.append(transform()) or x)(torch.ones(2))
    >>> within, transform()
    (['vmap'], '')
    """
    innermost = torch._C._functorch.peek_interpreter_stack()
    return "" if innermost is None else str(innermost.key().name).lower()


def wrapped(tensor: Tensor) -> bool:
    """Whether a tensor is one of a transform, which has no numbers of its own."""
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(tensor))


def unwrapped(tensor: Tensor) -> Tensor:
    """The tensor that transforms have wrapped, with its axis of vmap; any other tensor as it is.

    Examples
    --------
    >>> x, within = torch.ones(2, 3), []
    >>> _ = torch.func.vmap(lambda one: within.append(unwrapped(one)) or one)(x)
    >>> within[0] is x, unwrapped(x) is x
    (True, True)
    """
    while wrapped(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return tensor
