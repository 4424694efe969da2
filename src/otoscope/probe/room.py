"""Memory for the way back through a model: what autograd keeps, and no more than the budget.

Autograd keeps the input of every convolution, pooling and normalisation, although the derivative by that input does not
depend on its values where the weights are frozen; its shape is kept instead (:func:`sparing`). What would go beyond the
budget is kept in a file (:class:`Room`).
"""

from __future__ import annotations

import ctypes
import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from otoscope.probe.listen import Call

_SMALL = 2**16  # elements of what is kept as it is
_POOLS = frozenset(["max_pool1d", "max_pool2d", "max_pool3d"])
_BATCH_NORM = ("input", "running_mean", "running_var", "weight", "bias", "training")
_SHARE = 0.7  # of the budget; the rest is for what else a method holds
_RESERVE = 8  # gradients and workspaces of the size of the largest activation that a backward pass holds at a time

_APART = 8 * 2**20  # bytes from which a tensor has pages of its own under a budget
_TOGETHER = 32 * 2**20  # and without one: the most that the C library of GNU goes up to by itself
_MMAP_THRESHOLD = -3  # of its mallopt

_budget: ContextVar[int | None] = ContextVar("memory", default=None)


@contextmanager
def memory_budget(memory: int | None) -> Iterator[None]:
    """Hold the memory of this process below `memory` bytes, as far as the way back through models goes.

    By default half of what is free may be used.
    """
    token = _budget.set(memory)
    if memory is not None:
        _map_from(_APART)
    try:
        yield
    finally:
        _budget.reset(token)
        if memory is not None and _budget.get() is None:
            _map_from(_TOGETHER)


def _map_from(size: int) -> None:
    """Let the C library give blocks of this size pages of their own, which go back to the system as they are freed.

    Smaller ones share a heap, which stays as large as it has been where any of them is left in it.
    """
    with suppress(OSError, AttributeError):  # only the C library of GNU has it
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, size)


def tidy() -> None:
    """Give the system back what is free, where this process has come near its budget.

    What earlier passes left in pieces counts as taken otherwise, and what comes next is added to it.
    """
    budget = _budget.get()
    if _resident() < (_free() if budget is None else budget) // 2:
        return
    gc.collect()
    with suppress(OSError, AttributeError):  # only the C library of GNU has it
        ctypes.CDLL(None).malloc_trim(0)


@dataclass(frozen=True)
class _Shape:
    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device

    def filled(self) -> Tensor:
        return torch.empty_strided(self.size, self.stride, dtype=self.dtype, device=self.device).zero_()


@dataclass(frozen=True)
class _InFile:
    """A tensor that is in a file, which is gone as soon as nothing refers to it."""

    file: Any
    shape: _Shape

    @staticmethod
    def of(tensor: Tensor) -> _InFile:
        file = tempfile.TemporaryFile()  # noqa: SIM115
        shape = _Shape(tuple(tensor.shape), tuple(tensor.stride()), tensor.dtype, tensor.device)
        tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tofile(file)
        return _InFile(file, shape)

    def read(self) -> Tensor:
        self.file.seek(0)
        flat = torch.from_numpy(np.fromfile(self.file, np.uint8)).view(self.shape.dtype)
        return flat.view(self.shape.size).to(self.shape.device)


@contextmanager
def keeping_within() -> Iterator[Room]:
    """The room that a forward pass in this context has for what its way back needs."""
    tidy()
    room = Room()
    try:
        yield room
    finally:
        room.close()


def at_once(largest: int) -> int:
    """How many clips can be run together within the budget without a way back, at least one.

    Parameters
    ----------
    largest : int
        Bytes of the largest activation of one clip.

    Examples
    --------
    >>> with memory_budget(1):
    ...     at_once(2**26)
    1
    """
    return max(1, _left() // (_RESERVE * max(1, largest)))


class Room:
    """The memory that a forward pass may fill with what its way back needs; what goes beyond is put into files."""

    def __init__(self) -> None:
        self._left = _left()
        self._largest = 0
        self._hooks: Any = None

    def run(self, call: Call, run: Callable[[], Any]) -> Any:
        """What `run` returns, which makes the call."""
        result = sparing(call, run, self._pack)
        value = result[0] if isinstance(result, tuple) and result else result
        if self._hooks is None and isinstance(value, Tensor) and value.requires_grad and value.device.type == "cpu":
            self._left -= value.nbytes
            self._largest = max(self._largest, value.nbytes)
            if self._left < _RESERVE * self._largest:
                self._hooks = torch.autograd.graph.saved_tensors_hooks(self._pack, _unpacked)
                self._hooks.__enter__()
        return result

    def _pack(self, tensor: Tensor) -> Any:
        if self._hooks is None or tensor.numel() < _SMALL or tensor.device.type != "cpu":
            # Detached: of its own result an operation would keep the history that holds what is kept.
            return _Kept(tensor.detach(), tensor._version)
        return _InFile.of(tensor)

    def close(self) -> None:
        if self._hooks is not None:
            self._hooks.__exit__(None, None, None)
            tidy()


@dataclass(frozen=True)
class _Kept:
    tensor: Tensor
    version: int


def sparing(call: Call, run: Callable[[], Any], pack: Callable[[Tensor], Any]) -> Any:
    """What `run` returns, of whose input autograd keeps the shape alone where the way back needs no more."""
    if not torch.is_grad_enabled() or not _needs_shape_only(call):
        return run()
    source = call.input.untyped_storage().data_ptr()

    def packed(tensor: Tensor) -> Any:
        if tensor.numel() >= _SMALL and tensor.untyped_storage().data_ptr() == source:
            return _Shape(tuple(tensor.shape), tuple(tensor.stride()), tensor.dtype, tensor.device)
        return pack(tensor)

    with torch.autograd.graph.saved_tensors_hooks(packed, _unpacked):
        return run()


def _unpacked(packed: Any) -> Tensor:
    if isinstance(packed, _Shape):
        return packed.filled()
    if isinstance(packed, _InFile):
        return packed.read()
    if packed.tensor._version != packed.version:
        raise RuntimeError(
            "one of the variables needed for gradient computation has been modified by an inplace operation"
        )
    tensor: Tensor = packed.tensor
    return tensor


def _needs_shape_only(call: Call) -> bool:
    """Whether the derivative of a call by its input does not depend on the values of the input."""
    if call.operation is not None and call.operation.kind == "convolution":
        return _is_large(call) and _are_frozen([*call.args[1:3], call.kwargs.get("weight"), call.kwargs.get("bias")])
    if call.name in _POOLS:
        return _is_large(call)
    if call.name == "batch_norm":
        given = dict(
            zip(("input", "running_mean", "running_var", "weight", "bias", "training"), call.args, strict=False)
        )
        given |= call.kwargs
        statistics = [given.get("running_mean"), given.get("running_var")]
        fixed = not given.get("training") and all(one is not None for one in statistics)
        return _is_large(call) and fixed and _are_frozen([*statistics, given.get("weight"), given.get("bias")])
    return False


def _is_large(call: Call) -> bool:
    value: Any = call.input
    return isinstance(value, Tensor) and value.numel() >= _SMALL and type(value) is Tensor and not value.is_sparse


def _are_frozen(weights: list[Any]) -> bool:
    return not any(isinstance(weight, Tensor) and weight.requires_grad for weight in weights)


def _left() -> int:
    """Bytes of the budget that passes may fill."""
    budget = _budget.get()
    return _free() // 2 if budget is None else int(_SHARE * budget) - _resident()


def _resident() -> int:
    """Bytes of this process that are in memory."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _free() -> int:
    """Bytes that are free for use."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, ValueError, StopIteration):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2 if hasattr(os, "sysconf") else 2**32
