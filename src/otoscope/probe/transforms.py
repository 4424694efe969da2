"""Transforms of `torch.func` (vmap, grad, jvp), within which a model may run calls: their tensors have no storage."""

from __future__ import annotations

import torch


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
