"""Numbers as a manifest has them: of few digits, null for what is none, and infinity as text where it may occur."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def number(value: Any, digits: int = 6) -> float | None:
    """A number of so many digits; None for None, NaN and infinity.

    Examples
    --------
    >>> number(2 / 3), number(float("nan")), number(np.float32(4800), 2)
    (0.666667, None, 4800.0)
    """
    if value is None or not math.isfinite(value):
        return None
    return float(f"{float(value):.{digits}g}")


def exact(value: Any, digits: int = 6) -> float | str | None:
    """As :func:`number`, with infinity as JavaScript writes it; None only for None and NaN.

    Examples
    --------
    >>> exact(2 / 3), exact(-math.inf), exact(math.nan)
    (0.666667, '-Infinity', None)
    """
    if value is not None and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return number(value, digits)


def numbers(values: ArrayLike, digits: int = 4) -> list[float | None]:
    """Each of them as :func:`number`."""
    return [number(value, digits) for value in np.ravel(np.asarray(values)).tolist()]


def plain(row: dict[str, Any], digits: int = 5) -> dict[str, Any]:
    """A row of a table whose floats have so many digits."""
    return {name: number(value, digits) if isinstance(value, float) else value for name, value in row.items()}
