"""How tests over all methods call activations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def example(on: Callable[..., Any], wave: tuple[str, ...], data: tuple[str, ...]) -> Any:
    """A call, and another value of each parameter."""
    times = str(Path(wave[0]).with_name("segments.ctm"))
    return on(wave, {}, layer="wide", segments=times, tier={"segments": times, "tier": "1"})
