"""Pictures of sonifications."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import having, rate_of
from otoscope.plots.drawing import (
    COLUMN_WIDTH,
    DYNAMIC_RANGE,
    draw_colorbar,
    label_outside,
    make_axes,
    make_grid,
)
from otoscope.plots.sound import spectrogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_MAPS = 9


def sonify(
    result: xr.Dataset,
    ax: Axes | Sequence[Axes] | np.ndarray | None = None,
    *,
    channels: int | str | Iterable[int | str] | None = None,
    dynamic_range: float = DYNAMIC_RANGE,
) -> Axes | np.ndarray:
    """Draw the spectrograms of sonified feature maps: of one, or of several with one colour bar.

    Parameters
    ----------
    result : xarray.Dataset
        What :func:`otoscope.methods.sonify.sonify` returned, of one clip.
    ax : matplotlib.axes.Axes or a sequence of them, optional
        Where to draw, one for each map; a new figure with up to three columns without it.
    channels : int, str or iterable of them, optional
        Labels in the coordinate channel. Without it the most active map if one axes is given, and else the nine most
        active ones.
    dynamic_range : float
        Range shown, in dB below the peak of each map.

    Returns
    -------
    matplotlib.axes.Axes, or an array of them where there are several maps
        A small triangle at the top marks the time of the strongest activation, if the result knows it.

    Raises
    ------
    InputError
        If there is no such map, the number of axes is not that of the maps, or values are not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset(
    ...     {"sonification": (("channel", "time"), np.ones((2, 800)))}, {"channel": [3, 7]}, {"sample_rate": 8000})
    >>> sonify(result, Figure().subplots(), channels=7).get_title()
    'map 7'
    >>> [ax.get_title() for ax in sonify(result, Figure().subplots(1, 2))]
    ['map 3', 'map 7']
    """
    result = having(result, ["sonification"])
    axes = None if ax is None else np.asarray(ax, dtype=object).ravel()
    if channels is None:
        wanted = by_activity(result)[: _MOST_MAPS if axes is None else axes.size]
    else:
        wanted = [channels] if isinstance(channels, (int, str, np.integer)) else list(channels)
    maps = [_map(result, channel) for channel in wanted]
    if not maps:
        raise InputError("no map to draw: name at least one channel.")
    if axes is None:
        axes = _grid(len(maps))
    if axes.size != len(maps):
        raise InputError(f"{len(maps)} maps need as many axes; {axes.size} were given.")
    for one, panel in zip(maps, axes, strict=True):
        _draw(one, panel, dynamic_range, alone=len(maps) == 1)
    if len(maps) == 1:
        return cast("Axes", axes[0])
    label_outside(axes)
    draw_colorbar(axes[0].collections[0], axes[0], "level (dB re peak of map)", beside=axes.tolist())
    return cast(np.ndarray, axes)


def by_activity(result: xr.Dataset) -> list[Any]:
    """Labels of the maps, the most active first."""
    labels = result["channel"].values
    if "activity" in result:
        labels = labels[np.argsort(-np.asarray(result["activity"]), kind="stable")]
    return cast(list[Any], labels.tolist())


def _map(result: xr.Dataset, channel: Any) -> xr.Dataset:
    labels: list[Any] = result["channel"].values.tolist()
    if channel not in labels:
        shown = ", ".join(map(str, labels[:8])) + (", ..." if len(labels) > 8 else "")
        raise InputError(f"the result has no channel {channel!r}; it has {shown}.")
    return result.isel(channel=labels.index(channel))


def _grid(count: int) -> np.ndarray:
    if count == 1:
        return np.array([make_axes(None)], dtype=object)
    columns = min(3, count)
    rows = -(-count // columns)
    width = COLUMN_WIDTH if columns < 3 else 2 * COLUMN_WIDTH
    axes = make_grid(rows, columns, width=width, height=0.5 + 1.5 * rows, sharex=True, sharey=True).ravel()
    for spare in axes[count:]:
        spare.remove()
    return axes[:count]


def _draw(one: xr.Dataset, ax: Axes, dynamic_range: float, alone: bool) -> None:
    sound = one["sonification"]
    spectrogram(sound, ax, sample_rate=rate_of(one), dynamic_range=dynamic_range, colorbar=alone)
    if "peak_time" in one and np.isfinite(peak := float(one["peak_time"])):
        across = ax.get_xaxis_transform()
        ax.plot([peak], [1.0], "v", color="black", ms=4, clip_on=False, transform=across, zorder=5)
    title = _title(one)
    ax.set_title(title if alone else title.replace(", ", "\n"), fontsize=ax.xaxis.label.get_fontsize())


def _title(one: xr.Dataset) -> str:
    channel = one["channel"].item()
    title = "whole layer" if channel == "layer" else f"map {channel}"
    if "activity" in one:
        title += f", activity {float(one['activity']):.3g}"
    return title
