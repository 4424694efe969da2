"""What several methods need of one sound, computed once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from typing import Any, Concatenate, ParamSpec

import xarray as xr
from torch import Tensor

from otoscope.subject import Subject

P = ParamSpec("P")

_found: ContextVar[dict[Any, xr.Dataset] | None] = ContextVar("found", default=None)


@contextmanager
def sharing() -> Iterator[None]:
    """Let every function that is :func:`shared` compute a result once, while the weights stay the same."""
    token = _found.set({})
    try:
        yield
    finally:
        _found.reset(token)


def shared(function: Callable[Concatenate[Subject, Tensor, P], xr.Dataset]) -> Callable[..., xr.Dataset]:
    """A function of a subject and inputs whose results are kept inside :func:`sharing`."""
    parameters = inspect.signature(function)

    @functools.wraps(function)
    def run(subject: Subject, inputs: Tensor, *args: P.args, **kwargs: P.kwargs) -> xr.Dataset:
        found = _found.get()
        if found is None:
            return function(subject, inputs, *args, **kwargs)
        bound = parameters.bind(subject, inputs, *args, **kwargs)
        bound.apply_defaults()
        given = [(name, value or None) for name, value in list(bound.arguments.items())[2:]]
        sound = sha256(inputs.detach().float().cpu().numpy().tobytes()).digest()
        key = (function.__name__, id(subject), subject.digest, tuple(inputs.shape), sound, repr(given))
        if key not in found:
            found[key] = function(subject, inputs, *args, **kwargs)
        return found[key].copy()

    return run
