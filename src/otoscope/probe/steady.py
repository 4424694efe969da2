"""Models that nothing changes for a while, so that their state need not be looked at in every call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.utils.weak import WeakIdKeyDictionary

from otoscope.probe.locks import underlying

_steady: Any = WeakIdKeyDictionary()  # by module: its state, None where that has yet to be taken


@contextmanager
def steady(model: nn.Module) -> Iterator[None]:
    """Take the state of a model once in this context, and not at every call.

    For whoever has the model to himself, and calls it many times: he promises that he does not change it. What running
    it changes is put back by every call, and does not count.

    Examples
    --------
    >>> import torch
    >>> from otoscope.probe.memory import state_of
    >>> model = nn.Conv1d(1, 8, 30)
    >>> with steady(model):
    ...     same = state_of(model) is state_of(model)
    >>> same, state_of(model) is state_of(model)
    (True, False)
    """
    inner = underlying(model)
    before = _steady.get(inner, _NOT)
    _steady[inner] = None
    try:
        yield
    finally:
        _put_back(inner, before)


@contextmanager
def changing(model: nn.Module) -> Iterator[None]:
    """Look at the state of a model at every call again: in this context it is given other weights."""
    inner = underlying(model)
    before = _steady.pop(inner, _NOT)
    try:
        yield
    finally:
        _put_back(inner, before)


_NOT = object()


def _put_back(model: nn.Module, before: Any) -> None:
    if before is _NOT:
        _steady.pop(model, None)
    else:
        _steady[model] = before


def kept_state(model: nn.Module, take: Any) -> Any:
    """What `take` returns: of a model that is steady what it returned the first time."""
    inner = underlying(model)
    if inner not in _steady:
        return take()
    if _steady[inner] is None:
        _steady[inner] = take()
    return _steady[inner]
