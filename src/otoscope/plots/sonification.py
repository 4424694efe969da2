"""Pictures of sonifications."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import xarray as xr

from otoscope.drawing import COLUMN_WIDTH, DYNAMIC_RANGE, draw_colorbar, label_outside, make_axes, make_grid, map_title
from otoscope.errors import InputError
from otoscope.plots.checks import only_dims, rate_of
from otoscope.plots.sound import spectrogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def sonification(
    result: xr.DataArray,
    channel: int | str | None = None,
    ax: Axes | None = None,
    *,
    dynamic_range: float = DYNAMIC_RANGE,
    colorbar: bool = True,
) -> Axes:
    """Draw the spectrogram of one sonified feature map.

    Parameters
    ----------
    result : xarray.DataArray, dims (channel, time)
        Sonified feature maps.
    channel : int or str, optional
        Label of the map in the coordinate channel; the most active one without it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    dynamic_range : float
        Range shown, in dB below the peak.
    colorbar : bool
        Whether to draw the colour bar.

    Returns
    -------
    matplotlib.axes.Axes
        A small triangle at the top marks the time of the strongest activation, if the result knows it.

    Raises
    ------
    InputError
        If there is no such channel, or the result has other dimensions or values that are not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.DataArray(
    ...     np.ones((1, 800)), dims=("channel", "time"), coords={"channel": [7]}, attrs={"sample_rate": 8000})
    >>> sonification(result, 7, Figure().subplots()).get_title()
    'map 7'
    """
    one = channel_of(result, channel)
    ax = make_axes(ax)
    spectrogram(one, ax, sample_rate=rate_of(result), dynamic_range=dynamic_range, colorbar=colorbar)
    if "peak_time" in one.coords and np.isfinite(peak := float(one["peak_time"])):
        across = ax.get_xaxis_transform()
        ax.plot([peak], [1.0], "v", color="black", ms=4, clip_on=False, transform=across, zorder=5)
    ax.set_title(map_title(one), fontsize=ax.xaxis.label.get_fontsize())
    return ax


def sonification_grid(
    result: xr.DataArray,
    channels: Iterable[int | str] | None = None,
    axes: Sequence[Axes] | np.ndarray | None = None,
    *,
    dynamic_range: float = DYNAMIC_RANGE,
) -> np.ndarray:
    """Draw the spectrograms of several sonified feature maps with one colour bar.

    Parameters
    ----------
    result : xarray.DataArray, dims (channel, time)
        Sonified feature maps.
    channels : iterable of int or str, optional
        Labels in the coordinate channel; the nine most active without it.
    axes : sequence of matplotlib.axes.Axes, optional
        One for each channel; a new figure with up to three columns without them.
    dynamic_range : float
        Range shown, in dB below the peak of each map.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (channels,)

    Raises
    ------
    InputError
        If there is no such channel, or the number of axes is not the number of channels.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.DataArray(
    ...     np.ones((2, 800)), dims=("channel", "time"),
    ...     coords={"channel": [3, 7]}, attrs={"sample_rate": 8000})
    >>> [ax.get_title() for ax in sonification_grid(result, axes=Figure().subplots(1, 2))]
    ['map 3', 'map 7']
    """
    result = only_dims(result, "channel", "time")
    wanted = list(by_activity(result)[:9] if channels is None else channels)
    if not wanted:
        raise InputError("no channel to draw: name at least one.")
    columns = min(3, len(wanted))
    if axes is None:
        rows = -(-len(wanted) // columns)
        width = COLUMN_WIDTH if columns < 3 else 2 * COLUMN_WIDTH
        axes = make_grid(rows, columns, width=width, height=0.5 + 1.5 * rows, sharex=True, sharey=True)
        for spare in axes.ravel()[len(wanted) :]:
            spare.remove()
        axes = axes.ravel()[: len(wanted)]
    axes = np.asarray(axes, dtype=object).ravel()
    if axes.size != len(wanted):
        raise InputError(f"{len(wanted)} channels need as many axes; {axes.size} were given.")
    for ax, channel in zip(axes, wanted, strict=True):
        sonification(result, channel, ax, dynamic_range=dynamic_range, colorbar=False)
        ax.set_title(ax.get_title().replace(", ", "\n"), fontsize=ax.xaxis.label.get_fontsize())
    label_outside(axes)
    mesh = axes[0].collections[0]
    draw_colorbar(mesh, axes[0], "level (dB re peak of map)", beside=axes.tolist())
    return cast(np.ndarray, axes)


def by_activity(result: xr.DataArray) -> list[Any]:
    labels = result["channel"].values
    if "activity" in result.coords:
        labels = labels[np.argsort(-np.asarray(result["activity"]), kind="stable")]
    return labels.tolist()


def channel_of(result: xr.DataArray, channel: int | str | None) -> xr.DataArray:
    result = only_dims(result, "channel", "time")
    labels = result["channel"].values.tolist()
    if channel is None:
        channel = by_activity(result)[0]
    if channel not in labels:
        shown = ", ".join(map(str, labels[:8])) + (", ..." if len(labels) > 8 else "")
        raise InputError(f"the result has no channel {channel!r}; it has {shown}.")
    return result.isel(channel=labels.index(channel))
