"""Everything of a network that a look at it could change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_OWN = ("_parameters", "_buffers", "_modules", *_HOOKS)


def _plain(value: Any) -> Any:
    """A value as numbers that can be compared."""
    if isinstance(value, Tensor):
        return str(value.dtype), tuple(value.shape), value.detach().double().flatten().tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value if isinstance(value, (int, float, str, bool, type(None))) else type(value).__name__


def picture_of(model: nn.Module) -> dict[str, Any]:
    """State, modes, gradients, hooks and attributes of every module, and the state of the generator."""
    found: dict[str, Any] = {"generator": torch.get_rng_state().tolist()}
    for path, module in model.named_modules():
        found[f"{path}: mode"] = module.training
        found[f"{path}: hooks"] = [len(getattr(module, hooks)) for hooks in _HOOKS]
        for name, value in module.named_parameters(recurse=False):
            found[f"{path}.{name}"] = _plain(value), value.requires_grad, _plain(value.grad)
        for name, value in module.named_buffers(recurse=False):
            found[f"{path}.{name}"] = _plain(value)
        for name, value in vars(module).items():
            if name not in _OWN and not name.startswith("_"):
                found[f"{path}.{name}"] = _plain(value)
    return found


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Fail where what is done in this context leaves a trace in the network, also by an exception."""
    before = picture_of(model)
    try:
        yield
    finally:
        after = picture_of(model)
        changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
        assert not changed, f"changed: {sorted(changed)}"
