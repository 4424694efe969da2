"""Tensors that share memory: what is written through a view reaches its base, and the other views of that."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from otoscope.probe.layout import compressed
from otoscope.probe.support import Support, everything, marks


class Sharing:
    """The tensors of one pass that share memory with another."""

    def __init__(self) -> None:
        self._tensors: Any = WeakIdKeyDictionary()

    def meet(self, read: Sequence[Tensor], made: Sequence[Tensor]) -> None:
        """Remember views among what a call made of what it read."""
        for out in made:
            for t in read:
                if t is not out and _memory(t) == _memory(out):
                    self._tensors[t] = self._tensors[out] = None

    def beside(self, written: Tensor) -> list[Tensor]:
        """The other tensors that see what is written into this one."""
        if written not in self._tensors:
            return []
        return [t for t in self._tensors if t is not written and _memory(t) == _memory(written)]


def _memory(t: Tensor) -> int:
    """Which memory it is in; of tensors without any, themselves."""
    try:
        return int(t.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):
        return id(t)


def overwritten(other: Tensor, old: Support | None, written: Tensor, new: Support) -> Support:
    """The support of a tensor in a part of whose memory there is now what was written through another tensor."""
    old = old or Support.of_constant(other.shape)
    if other.dtype != written.dtype:
        found = everything([old, new], other.shape)
        return replace(found, known=False, notes=(*found.notes, "overwritten through a view of another type"))
    places = other.untyped_storage().nbytes() // other.element_size()
    edges: list[Tensor] = []
    for edge_of, empty in (_FIRST, _LAST):
        memory = torch.full((places,), empty, dtype=torch.float64)
        for t, support in ((other, old), (written, new)):
            once = tuple(slice(0, 1) if stride == 0 else slice(None) for stride in t.stride())
            view = memory.as_strided(t.shape, t.stride(), t.storage_offset())
            view[once] = edge_of(support).expand(support.shape)[once]
        edges.append(memory.as_strided(other.shape, other.stride(), other.storage_offset()))
    first, last = compressed(*edges)
    sources = [support for support in (old, new) if support.reach >= 0]
    return Support(first.clone(), last.clone(), tuple(other.shape), *marks(sources))


_Edge = tuple[Callable[[Support], Tensor], float]
_FIRST: _Edge = (lambda support: support.first, math.inf)
_LAST: _Edge = (lambda support: support.last, -math.inf)
