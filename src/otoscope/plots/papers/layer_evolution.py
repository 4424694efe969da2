"""Sonifications of maps of every layer at the checkpoints of a training: thesis Fig. 5.5, A.3 and A.4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import finite, having, short_time_magnitude
from otoscope.plots.drawing import COLOUR_MAP, decibels, edges, frequency_unit, say_silent, small_size
from otoscope.plots.evolution import spread
from otoscope.plots.papers.panels import bar_below, bare, head_columns, name_row, named, page_grid
from otoscope.plots.style import StyleName, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def layer_evolution(
    results: Mapping[str, xr.Dataset],
    *,
    maps: int = 1,
    dynamic_range: float = 60.0,
    style: StyleName | None = "paper",
) -> np.ndarray:
    """Draw how maps of every layer came to be: a row for each map, a column for each checkpoint, and its activity.

    Parameters
    ----------
    results : mapping of str to xarray.Dataset
        By the name of a layer, from the lowest up, what :func:`otoscope.methods.evolution.evolution` returned, of one
        clip and at the same checkpoints.
    maps : int
        How many maps of each layer, the first ones of its result.
    dynamic_range : float
        Range shown, in dB below the loudest of the row.
    style : {"paper", "screen"}
        See :func:`otoscope.plots.styled`.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (rows, checkpoints + 1)
        The last column has the activity of each map over the checkpoints, from 0 up.

    Raises
    ------
    InputError
        If there is no layer, a result lacks what is drawn, or checkpoints differ from layer to layer.

    Notes
    -----
    Fig. A.3 and A.4 of the thesis, and of chosen maps Fig. 5.5. Up to five checkpoints are drawn, evenly from the first
    to the last; the activity is that of all. Where it falls to 0 a map has died.

    Examples
    --------
    >>> sounds = xr.Dataset(
    ...     {"sonification": (("checkpoint", "channel", "time"), np.random.default_rng(0).standard_normal((2, 1, 800))),
    ...      "activity": (("checkpoint", "channel"), np.ones((2, 1)))},
    ...     coords={"checkpoint": [0, 50], "channel": [7]}, attrs={"sample_rate": 8000})
    >>> layer_evolution({"conv1": sounds, "conv2": sounds}).shape
    (2, 3)
    """
    if maps < 1:
        raise InputError(f"maps has to be 1 or more, not {maps}")
    layers = {name: having(one, ["sonification", "activity"]) for name, one in named(results, "evolutions").items()}
    labels = [one["checkpoint"].values.tolist() for one in layers.values()]
    if any(one != labels[0] for one in labels):
        raise InputError("the checkpoints differ from layer to layer: ask for the same of all")
    shown = [labels[0].index(label) for label in spread(next(iter(layers.values())))]
    rows = [(name, one.isel(channel=n)) for name, one in layers.items() for n in range(min(maps, one.sizes["channel"]))]
    with styled(style):
        widths = [1.0] * len(shown) + [0.8]
        axes = page_grid(len(rows), len(shown) + 1, widths)
        for row, (name, one) in zip(axes, rows, strict=True):
            _draw_spectrograms(row[:-1], one.isel(checkpoint=shown), dynamic_range)
            _draw_activity(row[-1], one["activity"].values, labels[0])
            name_row(row[0], f"{name}\nmap {one['channel'].item()}")
        heads = [f"step {label}" if isinstance(label, int) else str(label) for label in (labels[0][i] for i in shown)]
        head_columns(axes, [*heads, "activity"])
        bar_below(axes[:, :-1], "level (dB re loudest of the row)")
        for ax in axes[:-1, -1]:
            ax.tick_params(labelbottom=False)
    return axes


def _draw_spectrograms(axes: np.ndarray, one: xr.Dataset, dynamic_range: float) -> None:
    rate = float(one.attrs["sample_rate"])
    spectra = [short_time_magnitude(finite(sound, "the sonification"), rate) for sound in one["sonification"]]
    loudest = max(float(magnitude.max()) for magnitude, _, _ in spectra)
    for ax, (magnitude, frequency, time) in zip(axes, spectra, strict=True):
        divisor, _ = frequency_unit(float(frequency.max()))
        across = edges(time)
        across[[0, -1]] = 0, one.sizes["time"] / rate  # centres of windows do not reach the ends
        ax.pcolormesh(
            across, edges(frequency) / divisor, decibels(magnitude, dynamic_range, reference=loudest),
            cmap=COLOUR_MAP, vmin=-dynamic_range, vmax=0, rasterized=True,
        )  # fmt: skip
        ax.set(xlim=(0, one.sizes["time"] / rate), ylim=(0, rate / 2 / divisor))
        if not magnitude.any():
            say_silent(ax, color="white", text="silent")
        bare(ax)


def _draw_activity(ax: Axes, activity: np.ndarray, labels: list[int | str]) -> None:
    at = labels if all(isinstance(label, int) for label in labels) else range(len(labels))
    ax.plot(at, activity, "o-", color="black", markersize=1.8, linewidth=0.8)
    top = float(np.nanmax(activity, initial=0.0))
    ax.set_ylim(0, 1.1 * top or 1.0)
    ax.set_yticks([top or 1.0], [f"{top:.2g}"])
    ax.yaxis.tick_right()
    ax.tick_params(labelsize=small_size(ax))
    ax.locator_params(axis="x", nbins=3)
