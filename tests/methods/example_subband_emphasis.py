"""How tests over all methods call subband_emphasis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def example(on: Callable[..., Any], wave: tuple[str, ...], data: tuple[str, ...]) -> Any:
    """A call that is fast, and another value of each parameter."""
    return on(
        data,
        {"n_bands": 6, "resamples": 20},
        bands="linear",
        n_bands=5,
        minimum_frequency=100.0,
        maximum_frequency=3000.0,
        rule="gradient",
        resamples=21,
        seed=1,
    )
