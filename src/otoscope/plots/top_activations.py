"""Pictures of top activations: how strong they are in each map, and the sounds behind them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import finite, having, rate_of
from otoscope.plots.drawing import (
    COLUMN_WIDTH,
    DYNAMIC_RANGE,
    LINE_STYLES,
    draw_colorbar,
    label_outside,
    legend_above,
    make_axes,
    make_grid,
    small_size,
)
from otoscope.plots.sound import spectrogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_NAMES = 24  # more numbers of maps than this lie on each other at column width


def top_activations(
    result: xr.Dataset,
    ax: Axes | Sequence[Axes] | np.ndarray | None = None,
    *,
    ranks: int = 3,
    dynamic_range: float = DYNAMIC_RANGE,
) -> Axes | np.ndarray:
    """Draw how strongly the top clips excite each map of a layer, or with sounds the clips and their sonifications.

    Parameters
    ----------
    result : xarray.Dataset, dims (channel, rank)
        What :func:`otoscope.methods.top_activations.top_activations` returned.
    ax : matplotlib.axes.Axes or several of them, optional
        One for the strengths. For the spectrograms (channels, 2 * ranks), a row a map, first its inputs and then its
        sonifications. Without it a new figure, of spectrograms where the result has sounds.
    ranks : int
        How many clips of each map; three, as in the thesis, can be read on a page.
    dynamic_range : float
        Range of spectrograms, in dB below the peak of each sound.

    Returns
    -------
    matplotlib.axes.Axes, or an array of them, shape (channels, 2 * ranks)
        Over a spectrogram a small triangle marks the time of the strongest activation.

    Raises
    ------
    InputError
        If the result lacks what is drawn, holds values that are not finite, or the number of axes does not fit.

    Notes
    -----
    Maps are sorted by their strongest activation. The band reaches down to the weakest of the ranks: where it is
    wide, one clip excites the map far more than others do; where it lies on zero, the map is dead for this data set.
    The spectrograms are figure A.1 of the sonification thesis.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset(
    ...     {"activation": (("channel", "rank"), [[3.0, 2.0], [5.0, 1.0]])}, {"channel": [0, 1], "rank": [1, 2]})
    >>> top_activations(result, Figure().subplots()).get_ylabel()
    'largest activation'
    """
    if ("sonification" in result) if ax is None else np.size(np.asarray(ax, dtype=object)) > 1:
        return _sounds(result, ax, ranks, dynamic_range)
    return _strengths(result, None if ax is None else np.asarray(ax, dtype=object).item())


def _strengths(result: xr.Dataset, ax: Axes | None) -> Axes:
    values = finite(having(result, ["activation"])["activation"].transpose("channel", "rank"), "the top activations")
    order = np.argsort(-values[:, 0], kind="stable")
    values, position = values[order], np.arange(len(values))
    ax = make_axes(ax, height=1.9)
    edges = np.append(position, len(position)) - 0.5
    colour = LINE_STYLES[1][0]
    ax.stairs(values[:, 0], edges, baseline=values[:, -1], fill=True, color=colour, alpha=0.35, lw=0)
    ax.stairs(values[:, 0], edges, baseline=None, color=LINE_STYLES[0][0], lw=0.9, label="strongest clip")
    if values.shape[1] > 1:
        ax.stairs(values[:, -1], edges, baseline=None, color=colour, lw=0.9, label=f"clip of rank {values.shape[1]}")
    ax.set(ylabel="largest activation", xlim=(edges[0], edges[-1]))
    ax.set_ylim(min(0.0, 1.05 * values.min()), 1.05 * max(values.max(), 0.0) or 1.0)
    silent = int((values[:, 0] <= 0).sum())
    if silent:
        text = f"{silent} of {len(position)} maps silent"
        ax.text(0.98, 0.95, text, transform=ax.transAxes, ha="right", va="top", fontsize=small_size(ax))
    if len(position) <= _MOST_NAMES:
        ax.set_xticks(position, [str(channel) for channel in result["channel"].values[order]])
        ax.set_xlabel("map (strongest first)")
    else:
        ax.set_xlabel("maps, the strongest first")
    legend_above(ax)
    return ax


def _sounds(
    result: xr.Dataset, axes: Axes | Sequence[Axes] | np.ndarray | None, ranks: int, dynamic_range: float
) -> np.ndarray:
    result = having(result, ["input", "sonification", "clip_name", "peak_time", "start"]).isel(rank=slice(ranks))
    maps, ranks = result.sizes["channel"], result.sizes["rank"]
    if axes is None:
        height = 0.9 + 1.05 * maps
        axes = make_grid(maps, 2 * ranks, width=2 * COLUMN_WIDTH, height=height, sharex=True, sharey=True)
    axes = np.asarray(axes, dtype=object)
    if axes.size != maps * 2 * ranks:
        raise InputError(f"{maps} maps of {ranks} clips need {maps * 2 * ranks} axes; {axes.size} were given")
    axes = axes.reshape(maps, 2 * ranks)
    for row in range(maps):
        for rank in range(ranks):
            one = result.isel(channel=row, rank=rank)
            for column, kind in ((rank, "input"), (ranks + rank, "sonification")):
                top_sound(one, axes[row, column], of=kind, dynamic_range=dynamic_range)
            heading = f"input {rank + 1}\n" if row == 0 else ""
            _title(axes[row, rank], heading + _short(str(one["clip_name"].item())))
            if row == 0:
                _title(axes[row, ranks + rank], f"sonification {rank + 1}")
    label_outside(axes.ravel())
    for row, channel in enumerate(result["channel"].values.tolist()):
        axes[row, 0].set_ylabel(f"map {channel}\n{axes[row, 0].get_ylabel()}")
    mesh = axes[0, 0].collections[0]
    draw_colorbar(mesh, axes[0, 0], "level (dB re peak of sound)", beside=axes.ravel().tolist())
    return cast(np.ndarray, axes)


def top_sound(
    result: xr.Dataset,
    ax: Axes | None = None,
    *,
    of: str = "sonification",
    dynamic_range: float = DYNAMIC_RANGE,
) -> Axes:
    """Draw the spectrogram of one clip of top activations, or of its sonification.

    Parameters
    ----------
    result : xarray.Dataset
        Of one map and one rank.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    of : {"input", "sonification"}
        The clip, or its sonification.
    dynamic_range : float
        Range shown, in dB below the peak.

    Returns
    -------
    matplotlib.axes.Axes
        A small triangle at the top marks the time of the strongest activation.

    Raises
    ------
    InputError
        If there is no such sound, or there are several.
    """
    one = having(result, [of, "peak_time", "start"]).squeeze()
    ax = make_axes(ax)
    spectrogram(one[of], ax, sample_rate=rate_of(one), dynamic_range=dynamic_range, colorbar=False)
    peak = float(one["peak_time"] - one["start"])
    if np.isfinite(peak):
        across = ax.get_xaxis_transform()
        ax.plot([peak], [1.03], "v", color="black", ms=3.5, clip_on=False, transform=across, zorder=5)
    return ax


def _title(ax: Axes, text: str) -> None:
    ax.set_title(text, fontsize=small_size(ax), pad=6)


def _short(clip: str) -> str:
    """A name that fits over a small picture."""
    name = Path(clip).stem
    return name if len(name) <= 13 else f"{name[:6]}…{name[-6:]}"
