"""How tests over all methods call crs_classifier."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def example(on: Callable[..., Any], wave: tuple[str, ...], data: tuple[str, ...]) -> Any:
    """A call that is fast, on a table that knows one more fact, and another value of each parameter."""
    folder = Path(data[0])
    sounds = sorted(folder.rglob("*.wav"))
    lines = [f"{path.relative_to(folder.parent)},{path.parent.name},{n % 2}" for n, path in enumerate(sounds)]
    table = folder.parent / "facts.csv"
    table.write_text("\n".join(["file,label,number", *lines]) + "\n", encoding="utf-8")
    return on(
        (str(table),),
        {"n_fft": 128, "folds": 2, "resamples": 20},
        groups="number",
        layer="wide",
        n_fft=256,
        hop=10,
        degree=2,
        penalty=0.5,
        folds=3,
        resamples=21,
        seed=1,
    )
