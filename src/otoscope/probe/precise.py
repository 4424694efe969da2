"""A model in double precision, beside the model itself."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn


def in_double(model: nn.Module) -> nn.Module | None:
    """A copy in double precision, plain tensors among its attributes included; None where it cannot be copied.

    Results of a pass that a module keeps (old weight norm keeps its weight so) are copied without their graphs.

    Examples
    --------
    >>> model = nn.Conv1d(1, 2, 3)
    >>> model.window = torch.hann_window(8)
    >>> copied = in_double(model)
    >>> copied.weight.dtype, copied.window.dtype, model.weight.dtype
    (torch.float64, torch.float64, torch.float32)
    """
    memo: dict[int, Any] = {}
    for module in model.modules():
        for value in vars(module).values():
            for tensor in _tensors(value):
                if not tensor.is_leaf:
                    memo[id(tensor)] = tensor.detach().clone()
    try:
        copied = copy.deepcopy(model, memo).double()
        for module in copied.modules():
            for name, value in list(vars(module).items()):
                if isinstance(value, Tensor) and value.dtype in (torch.float32, torch.float16, torch.bfloat16):
                    setattr(module, name, value.double())
    except Exception:  # whatever a module or what it holds refuses with
        return None
    return copied


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for item in value for t in _tensors(item)] if isinstance(value, (list, tuple)) else []
