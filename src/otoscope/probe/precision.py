"""Autocast that a user puts around a call holds for the model, not for what is computed of its values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar

import torch

_DEVICES = ("cpu", "cuda", "mps", "xpu")

_set_aside: ContextVar[Mapping[str, torch.dtype] | None] = ContextVar("autocast", default=None)


@contextmanager
def autocast_set_aside() -> Iterator[None]:
    """Compute in the precision of the tensors; only inside :func:`autocast_of_the_model` is autocast what it was.

    Examples
    --------
    >>> with torch.autocast("cpu", torch.bfloat16), autocast_set_aside():
    ...     ours = torch.ones(2, 2) @ torch.ones(2, 2)
    ...     with autocast_of_the_model():
    ...         models = torch.ones(2, 2) @ torch.ones(2, 2)
    >>> ours.dtype, models.dtype
    (torch.float32, torch.bfloat16)
    """
    given = _in_use()
    token = _set_aside.set(given if _set_aside.get() is None else _set_aside.get())
    try:
        with ExitStack() as stack:
            for device in given:
                stack.enter_context(torch.autocast(device, enabled=False))
            yield
    finally:
        _set_aside.reset(token)


@contextmanager
def autocast_of_the_model() -> Iterator[None]:
    """Autocast as the user has put it around the call.

    Weights that it casts are not kept: those cast without gradients would be used again where the user trains.
    """
    given = _set_aside.get()
    with ExitStack() as stack:
        for device, dtype in (_in_use() if given is None else given).items():
            stack.enter_context(torch.autocast(device, dtype, cache_enabled=False))
        yield


def _in_use() -> dict[str, torch.dtype]:
    return {device: torch.get_autocast_dtype(device) for device in _DEVICES if torch.is_autocast_enabled(device)}
