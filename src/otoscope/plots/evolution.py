"""Pictures of features at the checkpoints of a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import finite, having, short_time_magnitude
from otoscope.plots.drawing import (
    COLOUR_MAP,
    COLUMN_WIDTH,
    DYNAMIC_RANGE,
    decibels,
    draw_colorbar,
    edges,
    frequency_unit,
    make_grid,
    say_silent,
    small_size,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_CHECKPOINTS = 5


def evolution(
    result: xr.Dataset,
    ax: Sequence[Axes] | np.ndarray | None = None,
    *,
    channels: int | str | None = None,
    checkpoints: Sequence[int | str] | None = None,
    dynamic_range: float = DYNAMIC_RANGE,
) -> np.ndarray:
    """Draw the sonifications of one map at the checkpoints of a run side by side, and its activity.

    Parameters
    ----------
    result : xarray.Dataset
        What :func:`otoscope.methods.evolution.evolution` returned, of one clip.
    ax : sequence of matplotlib.axes.Axes, optional
        One for each checkpoint, and one for the activity; a new figure without them.
    channels : int or str, optional
        Label of the map; the first one without it.
    checkpoints : sequence of int or str, optional
        Labels of those to draw; up to five from the first to the last without them.
    dynamic_range : float
        Range shown, in dB below the highest peak of all.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (checkpoints + 1,)

    Raises
    ------
    InputError
        If there is no such map or checkpoint, or the number of axes does not fit.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> sounds = xr.Dataset(
    ...     {"sonification": (("checkpoint", "channel", "time"), np.ones((2, 1, 800))),
    ...      "activity": (("checkpoint", "channel"), np.ones((2, 1)))},
    ...     coords={"checkpoint": [0, 50], "channel": [7]}, attrs={"sample_rate": 8000})
    >>> [ax.get_title() for ax in evolution(sounds, Figure().subplots(1, 3))]
    ['step 0', 'step 50', '']
    """
    result = having(result, ("sonification", "activity"))
    one = _selected(result, "channel", result["channel"].values[0] if channels is None else channels)
    checkpoints = spread(result) if checkpoints is None else checkpoints
    axes = _evolution_axes(len(checkpoints)) if ax is None else np.asarray(ax, dtype=object).ravel()
    if axes.size != len(checkpoints) + 1:
        raise InputError(f"{len(checkpoints)} checkpoints and their activity need {len(checkpoints) + 1} axes")
    _draw_spectrograms(axes[:-1], [_selected(one, "checkpoint", label) for label in checkpoints], dynamic_range)
    _draw_activity(axes[-1], one, one["checkpoint"].values)
    return axes


def spread(result: xr.Dataset) -> list[Any]:
    """Labels of up to five checkpoints, from the first to the last."""
    labels = result["checkpoint"].values
    picks: list[Any] = labels[
        np.unique(np.linspace(0, len(labels) - 1, _MOST_CHECKPOINTS).round().astype(int))
    ].tolist()
    return picks


def _selected(result: xr.Dataset, dim: str, label: Any) -> xr.Dataset:
    labels = result[dim].values.tolist()
    if label not in labels:
        raise InputError(f"the result has no {dim} {label!r}; it has {', '.join(map(str, labels[:8]))}")
    return result.isel({dim: labels.index(label)})


def _evolution_axes(count: int) -> np.ndarray:
    """Spectrograms in a row and a lower panel below all of them."""
    width = COLUMN_WIDTH if count < 4 else 2 * COLUMN_WIDTH
    axes = make_grid(2, count, width=width, height=3.0)
    grid = axes[0, 0].get_gridspec()
    grid.set_height_ratios([1.6, 1.0])
    figure = axes[0, 0].figure
    for ax in axes[1]:
        ax.remove()
    below = figure.add_subplot(grid[1, :])
    below.tick_params(labelsize=axes[0, 0].xaxis.get_ticklabels()[0].get_fontsize())
    below.xaxis.label.set_fontsize(axes[0, 0].xaxis.label.get_fontsize())
    below.yaxis.label.set_fontsize(axes[0, 0].yaxis.label.get_fontsize())
    return np.array([*axes[0], below], dtype=object)


def _draw_spectrograms(axes: np.ndarray, sounds: list[xr.Dataset], dynamic_range: float) -> None:
    rate = float(sounds[0].attrs["sample_rate"])
    spectra = [short_time_magnitude(finite(one["sonification"], "the sonification"), rate) for one in sounds]
    loudest = max(float(magnitude.max()) for magnitude, _, _ in spectra)
    for ax, one, (magnitude, frequency, time) in zip(axes, sounds, spectra, strict=True):
        divisor, unit = frequency_unit(float(frequency.max()))
        mesh = ax.pcolormesh(
            edges(time), edges(frequency) / divisor, decibels(magnitude, dynamic_range, reference=loudest),
            cmap=COLOUR_MAP, vmin=-dynamic_range, vmax=0, rasterized=True,
        )  # fmt: skip
        ax.set_xlim(0, one.sizes["time"] / rate)
        ax.set_ylim(0, rate / 2 / divisor)
        label = one["checkpoint"].item()
        ax.set_title(f"step {label}" if isinstance(label, int) else str(label), fontsize=small_size(ax))
        ax.set_xlabel("time (s)")
        if not magnitude.any():
            say_silent(ax, color="white")
    for ax in axes[1:]:
        ax.tick_params(labelleft=False)
    axes[0].set_ylabel(f"frequency ({unit})")
    draw_colorbar(mesh, axes[-1], "level (dB re peak)", beside=axes.tolist())


def _draw_activity(ax: Axes, one: xr.Dataset, labels: np.ndarray) -> None:
    numbers = np.issubdtype(labels.dtype, np.number)
    at = labels if numbers else np.arange(len(labels))
    ax.plot(at, one["activity"].values, "o-", color="black", markersize=2.5, linewidth=0.9)
    ax.set_ylim(bottom=0)
    if not numbers:
        ax.set_xticks(at, [str(label) for label in labels])
    ax.set(xlabel="step" if numbers else "checkpoint", ylabel=f"activity of map {one['channel'].item()}")
