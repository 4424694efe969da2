"""Writes to the weights of a model while it runs: seen at the operation, and undone at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode, _pop_mode, _push_mode


class Writes(TorchDispatchMode):
    """Keep what a weight was before the first operation that writes to its memory, whichever name that goes by.

    Parameters
    ----------
    weights : iterable of Tensor
        The user's own. The model is lent others that lie in the same memory, see :mod:`otoscope.probe.state`.

    Examples
    --------
    >>> weight = torch.nn.Parameter(torch.ones(2))
    >>> with Writes([weight]) as writes:
    ...     _ = weight.data[:1].mul_(3)
    >>> writes.undo()
    True
    >>> weight.tolist()
    [1.0, 1.0]
    """

    def __init__(self, weights: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._weights: dict[int, list[Tensor]] = {}  # by the memory that they lie in
        for weight in weights:
            if weight.layout == torch.strided and weight.device.type != "meta" and weight.numel():
                self._weights.setdefault(_memory(weight), []).append(weight)
        self._before: dict[int, Tensor] = {}
        self.ran = False  # whether anything was computed
        self._graph = False  # whether one was built, which may have kept weights as they were written

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch imports its compiler, which takes a second, and asks it about every operation

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        self.ran = True
        self._graph = self._graph or torch.is_grad_enabled()
        with torch._C.DisableTorchFunction():  # whoever listens to functions has heard of this one
            if places := _places(func):
                for tensor in _written(places, args, kwargs):
                    if tensor.layout == torch.strided and (place := _memory(tensor)) in self._weights:
                        self._keep(place)
            return func(*args, **kwargs)

    def _keep(self, place: int) -> None:
        if place not in self._before:
            whole = self._weights[place][0].detach().untyped_storage()
            self._before[place] = torch.empty(0, dtype=torch.uint8, device=whole.device).set_(whole).clone()

    def undo(self) -> bool:
        """Give every weight its values back; where a graph may need those that were written, in other memory.

        Returns
        -------
        bool
            Whether any was written to.
        """
        for place, before in self._before.items():
            for weight in self._weights[place]:
                if self._graph:
                    about = (weight.storage_offset(), weight.shape, weight.stride())
                    weight.data = torch.empty(0, dtype=weight.dtype, device=weight.device).set_(
                        before.untyped_storage(), *about
                    )
                else:
                    whole = torch.empty(0, dtype=torch.uint8, device=weight.device).set_(weight.untyped_storage())
                    whole.copy_(before)
        return bool(self._before)


@contextmanager
def unwatched() -> Iterator[None]:
    """Look for no writes: for arithmetic of our own amid a pass, every operation of which would cost twice.

    Models that run in this context are looked at again, since that is what :func:`otoscope.probe.state.kept` does.
    """
    modes = []
    while isinstance(_get_current_dispatch_mode(), Writes):
        modes.append(_pop_mode())
    try:
        yield
    finally:
        for mode in reversed(modes):
            _push_mode(mode)


def _memory(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


@cache
def _places(func: Any) -> tuple[tuple[int, str], ...]:
    """The arguments that an operation writes to, by place and name."""
    arguments = enumerate(func._schema.arguments)
    return tuple((n, one.name) for n, one in arguments if one.alias_info is not None and one.alias_info.is_write)


def _written(places: tuple[tuple[int, str], ...], args: Any, kwargs: Any) -> Iterator[Tensor]:
    """The tensors that an operation writes to."""
    for place, name in places:
        value = args[place] if place < len(args) else kwargs.get(name)
        yield from (one for one in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(one, Tensor))
