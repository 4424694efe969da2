"""Where segments begin and end, in pictures over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.plots.drawing import small_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_LINES, _FEW_LINES = 100, 60
_ROWS = 2  # of names, one above the other
_LETTERS = 12
_LINE_HEIGHT = 0.11  # of a picture


def mark_segments(ax: Axes, result: xr.Dataset, *, named: bool = False, color: str = "black") -> float:
    """Thin lines where segments of a result begin and end, and their names above the axes.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Over time in s, with its limits set.
    result : Dataset
        With segment_start and segment_stop (segment) in s, and segment_name; any other is left without lines.
    named : bool
        Whether names are written, those for which there is room.
    color : str
        Of the lines.

    Returns
    -------
    float
        The height of the names, as a share of that of the axes, by which a legend is lifted.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> times = {"segment_start": ("segment", [0.1, 0.3]), "segment_stop": ("segment", [0.3, 0.5])}
    >>> result = xr.Dataset(coords=times | {"segment_name": ("segment", ["ah", "t"])})
    >>> ax = Figure().subplots()
    >>> mark_segments(ax, result, named=True), len(ax.lines), [text.get_text() for text in ax.texts]
    (0.11, 3, ['ah', 't'])
    """
    if "segment_start" not in result.variables or result["segment_start"].dims != ("segment",):
        return 0.0
    start, stop = (np.asarray(result[f"segment_{edge}"], dtype=float) for edge in ("start", "stop"))
    edges = np.unique(np.concatenate([start, stop]))
    for edge in edges[:: -(-len(edges) // _MOST_LINES)]:
        ax.axvline(edge, color=color, linewidth=0.4, alpha=0.6 if len(edges) <= _FEW_LINES else 0.25)
    return name_above(ax, (start + stop) / 2, result["segment_name"].values.tolist()) if named else 0.0


def name_above(ax: Axes, middles: Sequence[float] | np.ndarray, names: Sequence[str]) -> float:
    """Names above the axes, in rows so that none touches another; where there is no room, none.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    middles : sequence of float
        Where they stand, in the unit of the axis; the first ones have their place first.
    names : sequence of str

    Returns
    -------
    float
        Their height, as a share of that of the axes.
    """
    low, high = ax.get_xlim()
    points = 72 * ax.get_window_extent().width / ax.get_figure(root=True).dpi  # type: ignore[union-attr]
    letter = 0.8 * float(small_size(ax)) / points * (high - low)  # of which a column beside takes a part, too
    taken: list[list[tuple[float, float]]] = [[] for _ in range(_ROWS)]
    used = 0
    for middle, name in zip(middles, names, strict=True):
        text = name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
        half = letter * (len(text) + 0.7) / 2
        free = (n for n, row in enumerate(taken) if all(middle + half <= a or b <= middle - half for a, b in row))
        row = next(free, None)
        if row is None or not low <= middle <= high:
            continue
        taken[row].append((middle - half, middle + half))
        used = max(used, row + 1)
        ax.annotate(
            text, (middle, 1), xycoords=ax.get_xaxis_transform(), xytext=(0, 1.5 + 8.5 * row),
            textcoords="offset points", fontsize=small_size(ax), ha="center", va="bottom",
        )  # fmt: skip
    return _LINE_HEIGHT * used
