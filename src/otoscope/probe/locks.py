"""One lock for a model, however it is reached: looking into it puts it in another state for a moment."""

from __future__ import annotations

import os
from threading import Lock, RLock
from typing import Any

from torch import nn
from torch.utils.weak import WeakIdKeyDictionary

_guard = Lock()
_locks: Any = WeakIdKeyDictionary()  # by module
_held: list[Any] = []  # while a process is forked


def underlying(model: nn.Module) -> nn.Module:
    """The user's own module, where `model` is a wrapper of ours, which says so by ``wraps_model``."""
    while getattr(type(model), "wraps_model", False):
        model = model.model  # type: ignore[assignment]
    return model


def lock_of(model: nn.Module) -> Any:
    """The lock of a model, the same for all modules in it; the thread that holds it may take it again.

    In a process that was forked while another thread held it, it is free.

    Examples
    --------
    >>> model = nn.Sequential(nn.ReLU())
    >>> lock_of(model) is lock_of(model[0])
    True
    """
    model = underlying(model)
    with _guard:
        if model in _locks:
            return _locks[model]
        modules = list(model.modules())
        lock = next((_locks[module] for module in modules if module in _locks), None) or RLock()
        for module in modules:
            _locks.setdefault(module, lock)
    return lock


# A process is forked at a moment when no other thread is within a call: what that holds, such as the lock of torch's
# random numbers, nothing would free in the child.

_LONGEST_CALL = 60.0  # s that a fork waits for it


def _wait_for_calls() -> None:
    with _guard:
        locks = {id(lock): lock for lock in _locks.values()}
    _held.extend(lock for lock in locks.values() if lock.acquire(timeout=_LONGEST_CALL))


def _go_on() -> None:
    while _held:
        _held.pop().release()


def _unlock_all() -> None:
    global _guard, _locks
    _guard, _locks = Lock(), WeakIdKeyDictionary()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_wait_for_calls, after_in_parent=_go_on, after_in_child=_unlock_all)
