"""How tests over all methods call activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def example(on: Callable[..., Any], wave: tuple[str, ...], data: tuple[str, ...]) -> Any:
    """A call, and another value of each parameter."""
    return on(wave, {}, layer="wide")
