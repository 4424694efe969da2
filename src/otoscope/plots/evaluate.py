"""Pictures of an evaluation: confusion, reliability, and of two classes the ROC and DET curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import having
from otoscope.plots.drawing import (
    COLUMN_WIDTH,
    INPUT_COLOUR,
    RELEVANCE_COLOUR,
    draw_colorbar,
    legend_above,
    make_axes,
    make_grid,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_NAMES = 30
_SHARES = np.array([0.001, 0.01, 0.05, 0.2, 0.5, 0.8])  # of a DET curve's scales


def evaluate(result: xr.Dataset, axes: Any = None) -> np.ndarray:
    """Draw what an evaluation found: the panels that its task has.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.evaluate`.
    axes : sequence of matplotlib.axes.Axes, optional
        As many as there are panels; a new figure without it.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes
        `confusion` (not of clips of several classes), `reliability_diagram`; of two classes also `roc` and `det`.

    Raises
    ------
    InputError
        If the result is not that of an evaluation, or the number of axes is another.

    Examples
    --------
    >>> found = xr.Dataset({name: ("bin", [0.25, 0.75]) for name in ("bin_probability", "bin_right", "bin_answers")})
    >>> len(evaluate(found))
    1
    """
    panels = [draw for name, draws in _PANELS.items() if name in result for draw in draws]
    if not panels:
        raise InputError("this is not the result of an evaluation: it has neither a confusion nor a reliability")
    if axes is None:
        wide = min(2, len(panels))
        size = 0.32 * min(_MOST_NAMES, result.sizes.get("predicted", 0))
        height = max(2.6, size if len(panels) < 3 else 2.6)
        axes = make_grid(-(-len(panels) // 2), wide, height=height, width=COLUMN_WIDTH * wide)
    axes = np.ravel(np.asarray(axes, dtype=object))
    if len(axes) != len(panels):
        raise InputError(f"this evaluation has {len(panels)} panels, and {len(axes)} axes were given")
    for draw, ax in zip(panels, axes, strict=True):
        draw(result, ax)
    drawn: np.ndarray = axes
    return drawn


def confusion(result: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw how many clips of each class were taken for each class; shades are shares of the true class."""
    counts = _having(result, ["confusion"])["confusion"].values
    ax = make_axes(ax, 3.0)
    total = counts.sum(1, keepdims=True)
    shares = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    mesh = ax.imshow(shares, cmap="Purples", vmin=0, vmax=1, aspect="auto")
    names = [str(name) for name in result["class"].values]
    if len(names) <= _MOST_NAMES:
        size = 6 if len(names) <= 12 else 4
        long = max(map(len, names)) > 3
        ax.set_xticks(range(len(names)), names, rotation=90 if long else 0)
        ax.set_yticks(range(len(names)), names)
        for row, column in zip(*np.nonzero(counts), strict=True):
            colour = "white" if shares[row, column] > 0.6 else "black"
            text = str(counts[row, column])
            ax.text(column, row, text, ha="center", va="center", fontsize=size, color=colour)
    ax.set_xlabel("answer")
    ax.set_ylabel("class")
    draw_colorbar(mesh, ax, "share of the class")
    return ax


def reliability_diagram(result: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the share of right answers over the probability that the model gave them; below, how many there are."""
    found = _having(result, ["bin_probability", "bin_right", "bin_answers"])
    ax = make_axes(ax, 2.6)
    answers = found["bin_answers"].values
    there = answers > 0
    edges = np.linspace(0, 1, answers.size + 1)
    ax.plot([0, 1], [0, 1], color=INPUT_COLOUR, linewidth=0.8)
    ax.bar(edges[:-1], answers / answers.sum(), 1 / answers.size, align="edge", color=INPUT_COLOUR, alpha=0.35,
           label="share of the answers")  # fmt: skip
    probability, right = found["bin_probability"].values[there], found["bin_right"].values[there]
    ax.plot(probability, right, "o-", color=RELEVANCE_COLOUR, markersize=3, linewidth=1, label="share that is right")
    ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="probability of the answer", ylabel="share")
    legend_above(ax)
    return ax


def roc(result: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the share of the class that is detected over the share of false alarms."""
    found = _having(result, ["false_alarms", "misses"])
    ax = make_axes(ax, 2.6)
    ax.plot([0, 1], [0, 1], color=INPUT_COLOUR, linewidth=0.8)
    ax.plot(found["false_alarms"], 1 - found["misses"], color=RELEVANCE_COLOUR, linewidth=1.2)
    ax.set(xlim=(0, 1), ylim=(0, 1.01), xlabel="false-alarm rate", ylabel="detection rate")
    ax.set_title(_detected(result))
    return ax


def det(result: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the miss rate over the false-alarm rate, both on scales of normal deviates."""
    from scipy.special import ndtri

    found = _having(result, ["false_alarms", "misses"])
    ax = make_axes(ax, 2.6)
    lowest, highest = float(_SHARES[0]), float(_SHARES[-1])
    alarms = ndtri(found["false_alarms"].values.clip(lowest, highest))
    misses = ndtri(found["misses"].values.clip(lowest, highest))
    ends = ndtri([lowest, highest])
    ax.plot(ends, ends, color=INPUT_COLOUR, linewidth=0.8)
    ax.plot(alarms, misses, color=RELEVANCE_COLOUR, linewidth=1.2)
    labels = [f"{100 * share:g}" for share in _SHARES]
    ax.set_xticks(ndtri(_SHARES), labels)
    ax.set_yticks(ndtri(_SHARES), labels)
    ax.set(xlim=ends, ylim=ends, xlabel="false-alarm rate (%)", ylabel="miss rate (%)")
    ax.set_title(_detected(result))
    return ax


def _having(result: xr.Dataset, names: list[str]) -> xr.Dataset:
    """What a panel shows, without what there is of each clip."""
    return having(result.drop_dims("clip", errors="ignore"), names)


def _detected(result: xr.Dataset) -> str:
    return f"detection of {result.attrs['positive']}" if "positive" in result.attrs else ""


_PANELS = {"confusion": (confusion,), "bin_right": (reliability_diagram,), "misses": (roc, det)}
