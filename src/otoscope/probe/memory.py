"""What is known of a model, for as long as it is the same: its weights, settings and inputs of one shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from torch import nn
from torch.utils.weak import WeakIdKeyDictionary

from otoscope.probe.described import Description
from otoscope.probe.locks import underlying
from otoscope.probe.steady import kept_state

T = TypeVar("T")

_MOST = 8  # results that are kept of one model


class Memory(Generic[T]):
    """Results by model and key; those of a model are forgotten with it, or when it changes."""

    def __init__(self) -> None:
        self._results: Any = WeakIdKeyDictionary()

    def recall(self, model: nn.Module, key: tuple[object, ...]) -> tuple[T | None, Callable[[T], None]]:
        """What was kept for a model as it is now, None where there is nothing; and how to keep it."""
        state, inner = state_of(model), underlying(model)
        if inner is not model:  # behind a contract, perhaps with further arguments
            key = (*key, repr(getattr(model, "contract", None)), repr(Description().of(getattr(model, "given", None))))
        key = (*key, type(model))
        before, kept = self._results.get(inner, (None, {}))
        if before != state or not state.whole:
            kept = {}

        def remember(result: T) -> None:
            while len(kept) >= _MOST:
                kept.pop(next(iter(kept)))
            kept[key] = result
            self._results[inner] = (state, kept)

        return kept.get(key), remember


@dataclass(frozen=True)
class State:
    """What tells one state of a model from another; `whole` where nothing of it could not be compared."""

    described: Any
    whole: bool


def state_of(model: nn.Module) -> State:
    """The settings, hooks and weights of a model as they are now, by value.

    Of weights it is a checksum of all their bits, so that a write that torch does not count (through ``.data``, or
    NumPy) is seen as well. Of a model that is :func:`otoscope.probe.steady.steady` it is taken once.

    Examples
    --------
    >>> model = nn.Conv1d(1, 8, 30)
    >>> before = state_of(model)
    >>> model.weight.data[0, 0].neg_()[:0]
    tensor([])
    >>> before == state_of(model)
    False
    """
    state: State = kept_state(model, lambda: _state_now(model))
    return state


def _state_now(model: nn.Module) -> State:
    description = Description()
    described = description.of(underlying(model))
    return State(described, description.whole)
