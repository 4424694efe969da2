"""What is known of a model, for as long as it is the same: its weights, settings and inputs of one shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary

from otoscope.probe.locks import underlying

T = TypeVar("T")

_SEEN = 16  # numbers of each weight that are compared
_MOST = 8  # results that are kept of one model
_PLAIN = (int, float, str, bool, tuple, type(None))


class Memory(Generic[T]):
    """Results by model and key; those of a model are forgotten with it, or when it changes."""

    def __init__(self) -> None:
        self._results: Any = WeakIdKeyDictionary()

    def recall(self, model: nn.Module, key: tuple[object, ...]) -> tuple[T | None, Callable[[T], None]]:
        """What was kept for a model as it is now, None where there is nothing; and how to keep it."""
        state, inner = state_of(model), underlying(model)
        key = (*key, type(model), "" if inner is model else repr(getattr(model, "contract", None)))
        before, kept = self._results.get(inner, (None, {}))
        if before != state:
            kept = {}

        def remember(result: T) -> None:
            while len(kept) >= _MOST:
                kept.pop(next(iter(kept)))
            kept[key] = result
            self._results[inner] = (state, kept)

        return kept.get(key), remember


def state_of(model: nn.Module) -> tuple[object, ...]:
    """What tells one state of a model from another: settings of its modules, and where and what its weights are.

    The version of a tensor counts what is written into it; a few of its numbers are compared as well, since writing
    through ``.data`` is not counted.

    Examples
    --------
    >>> model = nn.Conv1d(1, 8, 30)
    >>> before = state_of(model)
    >>> model.weight.data[0, 0, 0] = 2
    >>> before == state_of(model)
    False
    """
    inner = underlying(model)
    settings = [
        (id(module), id(getattr(type(module), "forward", None)), tuple(_settings(module))) for module in inner.modules()
    ]
    tensors = [
        t for t in (*inner.parameters(), *inner.buffers()) if not isinstance(t, nn.parameter.UninitializedParameter)
    ]
    places = [(t.data_ptr(), t._version, tuple(t.shape), t.dtype, str(t.device)) for t in tensors]
    with torch.no_grad():
        parts = [_some(t) for t in tensors if t.numel()]
        seen = torch.cat(parts).cpu().numpy().tobytes() if parts else b""
    return tuple(settings), tuple(places), seen


def _settings(module: nn.Module) -> list[tuple[str, object]]:
    return [
        (name, value if isinstance(value, _PLAIN) and not _holds_tensors(value) else id(value))
        for name, value in vars(module).items()
        if not name.startswith("_") and name != "training" and not isinstance(value, (dict, list, Tensor))
    ]


def _holds_tensors(value: object) -> bool:
    return isinstance(value, tuple) and any(isinstance(item, Tensor) for item in value)


def _some(t: Tensor) -> Tensor:
    """A few numbers of a tensor, from all over it."""
    flat = t.detach().reshape(-1) if t.is_contiguous() else t.detach().flatten()
    step = max(t.numel() // _SEEN, 1)
    return flat[::step][:_SEEN].to(torch.float64 if not t.is_complex() else torch.complex128).abs()
