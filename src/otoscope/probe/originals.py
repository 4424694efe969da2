"""Run scripted, compiled and checkpointed code as the Python that it was made from.

An interceptor sees what Python calls. What `torch.jit.script` or `torch.jit.trace` makes of a function, and
`torch.compile` of anything, keeps its Python, which computes the same. Checkpointing only chooses what is stored and
what is computed again; the second time, in the backward pass, no interceptor would see it. Replicas on several
devices run in threads of their own, and so does each see a part of the batch only.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils import checkpoint

_lock = threading.RLock()
_here = threading.local()  # .depth: in how many of these contexts the thread is
_undo: dict[Callable[[], Callable[[], None]], Callable[[], None]] = {}
_contexts = 0


@contextmanager
def originals() -> Iterator[None]:
    """Run scripted functions, compiled code and checkpoints as plain Python in this context.

    Other threads go on scripting and checkpointing; their compiled code, too, is run as Python meanwhile.
    """
    global _contexts
    with _lock:
        _contexts += 1
        compiles = [_uncompile] if "torch._dynamo" in sys.modules else []
        for change in (_unscript, _compute_once, _run_one_replica, *compiles):
            if change not in _undo:
                _undo[change] = change()
    _here.depth = getattr(_here, "depth", 0) + 1
    try:
        yield
    finally:
        _here.depth -= 1
        with _lock:
            _contexts -= 1
            if not _contexts:
                while _undo:
                    _undo.popitem()[1]()


def _inside() -> bool:
    return getattr(_here, "depth", 0) > 0


def _unscript() -> Callable[[], None]:
    """Call the Python of scripted and traced functions."""
    kind: Any = torch.jit.ScriptFunction
    scripted = kind.__call__

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        original = getattr(self, "_torchdynamo_inline", None) if _inside() else None
        return (original or scripted.__get__(self))(*args, **kwargs)

    kind.__call__ = call

    def undo() -> None:
        kind.__call__ = scripted

    return undo


def _compute_once() -> Callable[[], None]:
    """Let checkpoints of both kinds call their function, and nothing else."""
    # Names inside of the module, which `checkpoint` looks up at every call.
    module: Any = checkpoint
    reentrant, generator = module.CheckpointFunction, module._checkpoint_without_reentrant_generator

    class Once(reentrant):  # type: ignore[misc, valid-type]
        @classmethod
        def apply(cls, function: Any, preserve: Any, *args: Any) -> Any:
            return function(*args) if _inside() else reentrant.apply(function, preserve, *args)

    def once(*args: Any, **kwargs: Any) -> Iterator[None]:
        if _inside():
            yield
        else:
            yield from generator(*args, **kwargs)

    module.CheckpointFunction, module._checkpoint_without_reentrant_generator = Once, once

    def undo() -> None:
        module.CheckpointFunction, module._checkpoint_without_reentrant_generator = reentrant, generator

    return undo


def _run_one_replica() -> Callable[[], None]:
    """Let parallel modules call the module that they hold."""
    kinds: list[Any] = [nn.DataParallel, nn.parallel.DistributedDataParallel]
    forwards = [kind.forward for kind in kinds]
    for kind, parallel in zip(kinds, forwards, strict=True):

        def forward(self: Any, *args: Any, parallel: Any = parallel, **kwargs: Any) -> Any:
            return self.module(*args, **kwargs) if _inside() else parallel(self, *args, **kwargs)

        kind.forward = forward

    def undo() -> None:
        for kind, parallel in zip(kinds, forwards, strict=True):
            kind.forward = parallel

    return undo


def _uncompile() -> Callable[[], None]:
    """Run the Python of compiled functions and modules."""
    stance: Any = torch.compiler.set_stance("force_eager")  # is set by the call, and given back by leaving the context
    return lambda: stance.__exit__(None, None, None)
