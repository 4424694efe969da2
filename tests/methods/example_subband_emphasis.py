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
        target="c",
        at=[0.05, 0.1],
        against={"target": "c", "against": "a"},
        target_band={"target": "energy", "target_band": [50.0, 150.0]},
        rule="gradient",
        by_class=False,
        resamples=21,
        seed=1,
    )
