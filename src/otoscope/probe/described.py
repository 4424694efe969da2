"""Anything that a model holds, as values that are equal where two are: by what it says, not by where it lies."""

from __future__ import annotations

import zlib
from functools import cache, partial
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any
from weakref import ref

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

_MOST = 100_000  # values that are looked at
_ROW = 1024  # values
_ATOMS = (bool, int, str, bytes, type(None), torch.dtype, torch.device, torch.layout)
_SHARED = (*_ATOMS, float, list, dict, tuple, type, Tensor)  # of what a class holds
_OWN = frozenset(vars(nn.Module())) - {"_parameters", "_buffers", "_modules"}  # what torch keeps of every module
_HOOKS = tuple(sorted(name for name in _OWN if name.endswith("_hooks")))


class Description:
    """What is described, in order; something that was met before is its place in that order.

    Attributes
    ----------
    whole : bool
        Whether everything could be described.

    Examples
    --------
    >>> one, other = ({"stride": 4, "weight": torch.ones(2)} for _ in range(2))
    >>> Description().of(one) == Description().of(other)
    True
    >>> other["weight"].data[1] = 2
    >>> Description().of(one) == Description().of(other)
    False
    """

    def __init__(self) -> None:
        self.whole = True
        self._places: dict[int, int] = {}
        self._classes: set[type] = set()
        self._alive: list[Any] = []  # whose identities are not given to something else

    def of(self, value: Any) -> Any:
        if isinstance(value, type):
            return f"{value.__module__}.{value.__qualname__}"
        if isinstance(value, _ATOMS):
            return type(value).__name__, value
        if isinstance(value, (float, complex, np.generic)):
            return repr(value)  # in which a NaN equals itself
        if id(value) in self._places:
            return "seen", self._places[id(value)]
        if len(self._alive) > _MOST:
            return self._unknown()
        self._places[id(value)] = len(self._alive)
        self._alive.append(value)
        return self.of(type(value)), self._content(value)

    def _unknown(self) -> None:
        self.whole = False

    def _content(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self._tensor(value)
        if isinstance(value, np.ndarray):
            return value.shape, value.dtype.str, self.of(value.tolist()) if value.dtype.hasobject else _sum(value)
        if isinstance(value, nn.Module):
            return self._module(value)
        if isinstance(value, dict):
            return [(self.of(key), self.of(one)) for key, one in value.items()], self._attributes(value)
        if isinstance(value, (set, frozenset)):
            return sorted(repr(self.of(one)) for one in value)
        if isinstance(value, (list, tuple)):
            return [self.of(one) for one in value], self._attributes(value)
        if isinstance(value, FunctionType):
            cells = [_held(cell) for cell in value.__closure__ or ()]
            defaults = self.of(value.__defaults__), self.of(value.__kwdefaults__)
            return self.of(value.__code__), defaults, self.of(cells), self._attributes(value)
        if isinstance(value, CodeType):
            return value.co_code, value.co_names, [self.of(one) for one in value.co_consts]
        if isinstance(value, MethodType):
            return self.of(value.__func__), self.of(value.__self__)
        if isinstance(value, partial):
            return self.of(value.func), self.of(value.args), self.of(value.keywords)
        if isinstance(value, (BuiltinFunctionType, ModuleType)):
            return value.__name__
        if isinstance(value, ref):
            return self.of(value())
        if isinstance(value, torch.Generator):
            return self._tensor(value.get_state())
        if type(value).__module__.partition(".")[0] == "torch":
            return id(value)  # a graph, an operator, a stream
        return self._parts(value)

    def _attributes(self, value: Any) -> Any:
        return [self.of(item) for item in getattr(value, "__dict__", {}).items()]

    def _parts(self, value: Any) -> Any:
        """By what it would be pickled as."""
        try:
            reduced = value.__reduce_ex__(4)
        except Exception:  # whatever a class of the user's may raise
            return self._unknown()
        if isinstance(reduced, str):
            return reduced
        made, args, *rest = reduced
        state, items, pairs = (*rest[:3], None, None, None)[:3]
        return self.of(made), self.of(args), self.of(state), *(self.of(list(one or ())) for one in (items, pairs))

    def _module(self, module: nn.Module) -> Any:
        held = vars(module)
        settings = [(name, self.of(value)) for name, value in held.items() if name not in _OWN and name != "_c"]
        hooks = [(key, self.of(hook)) for name in _HOOKS for key, hook in (held.get(name) or {}).items()]
        shared = [self._class(kind) for kind in type(module).__mro__ if kind not in self._classes]
        return settings, hooks, shared, self.of(getattr(type(module), "forward", None))

    def _class(self, kind: type) -> Any:
        """What all modules of a class share, once."""
        self._classes.add(kind)
        if kind.__module__.partition(".")[0] in ("torch", "builtins"):
            return None
        held = [(name, one) for name, one in vars(kind).items() if not name.startswith("__")]
        codes = [(name, self.of(one.__code__)) for name, one in held if isinstance(one, FunctionType)]
        return codes, [(name, self.of(one)) for name, one in held if isinstance(one, _SHARED)]

    def _tensor(self, tensor: Tensor) -> Any:
        if is_lazy(tensor) or tensor.is_meta:
            return "nothing yet"
        tensor = tensor.detach()
        about = (tuple(tensor.shape), tensor.dtype, tensor.device, tensor.layout)
        try:
            if tensor.layout == torch.sparse_coo:
                return about, self.of(tensor._indices()), self.of(tensor._values())
            if tensor.is_quantized:
                return about, repr(tensor.qscheme()), self.of(tensor.int_repr())
            plain = tensor.resolve_conj().resolve_neg().contiguous().reshape(-1)
            return about, *_checksum(plain)
        except (RuntimeError, TypeError):
            return self._unknown()


def _checksum(flat: Tensor) -> tuple[int, ...]:
    """Of a large tensor a sum of its bits and of its values by place, since nothing else is as fast."""
    end = len(flat) // _ROW * _ROW if flat.dtype in (torch.float32, torch.float64) else 0
    rest = _sum(flat[end:].view(torch.uint8).cpu().numpy())
    if not end:
        return (rest,)
    bits, placed = flat[:end].view(torch.int64).sum(), flat[:end].view(-1, _ROW) @ _weights(flat.dtype, flat.device)
    return rest, int(bits), _sum(placed.cpu().numpy())


@cache
def _weights(dtype: torch.dtype, device: torch.device) -> Tensor:
    with torch.inference_mode(False):
        drawn = torch.rand(_ROW, dtype=torch.float64, generator=torch.Generator().manual_seed(0), device="cpu")
        return (0.5 + drawn).to(device, dtype)


def _sum(bits: Any) -> int:
    """A checksum of all bits and of where they are."""
    return zlib.crc32(np.ascontiguousarray(bits).reshape(-1).view(np.uint8).data)


def _held(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None
