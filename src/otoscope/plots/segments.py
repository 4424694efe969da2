"""Picture of a relevance by segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.data.segments import OUTSIDE
from otoscope.errors import InputError
from otoscope.plots.checks import having
from otoscope.plots.drawing import (
    AGAINST_COLOUR,
    FOR_COLOUR,
    INPUT_COLOUR,
    RELEVANCE_COLOUR,
    legend_above,
    make_axes,
    small_size,
)
from otoscope.plots.segment_marks import name_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABELS = {
    "segment_relevance": "sum of the relevance",
    "segment_energy": "share of the energy",
    "segment_loss": "mean loss of the output",
}
_MANY = 60


def segments(result: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw what of a relevance lies in each segment, at its time.

    Parameters
    ----------
    result : xarray.Dataset
        A relevance with segments, of one clip and one channel: segment_relevance, segment_energy or segment_loss
        (segment), with segment_start, segment_stop and segment_name. Of an energy its share is drawn. With label_*
        (segment_label), what lies outside stands behind the end of the sound; with segment_input_share and
        segment_time_share these are grey bars and black lines, to the scale on the right or, of shares, the same one.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the result has no segments.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> times = {"segment_start": ("segment", [0.1, 0.3]), "segment_stop": ("segment", [0.2, 0.5])}
    >>> names = {"segment_name": ("segment", ["ah", "t"])}
    >>> result = xr.Dataset({"segment_relevance": ("segment", [2.0, -1.0])}, times | names)
    >>> segments(result, Figure().subplots()).get_ylabel()
    'sum of the relevance'
    """
    name = next((one for one in _LABELS if one in result), None)
    if name is None:
        raise InputError("this result has no relevance of segments: compute it with segments")
    shown = "segment_share" if name == "segment_energy" else name
    result = having(result, [shown, "segment_start", "segment_stop", "segment_name"])
    if result[shown].dims != ("segment",):
        raise InputError(f"a picture of segments is that of one clip and channel, not over {result[shown].dims}")
    values, start, stop, names = _bars(result, shown)
    ax = make_axes(ax, height=1.7)
    colours = np.where(values < 0, AGAINST_COLOUR, FOR_COLOUR) if name != "segment_energy" else RELEVANCE_COLOUR
    ax.bar(
        start,
        values,
        stop - start,
        align="edge",
        color=colours,
        alpha=0.7,
        edgecolor="white",
        linewidth=0.5 if len(values) < _MANY else 0,
    )
    ax.axhline(0, color="black", linewidth=0.5)
    ax.set(xlabel="time (s)", ylabel=_LABELS[name], xlim=(0, 1.01 * stop.max()))
    if OUTSIDE in names:
        ax.axvline(_end(result), color="black", linewidth=0.8)
        ax.set_xticks([tick for tick in ax.get_xticks() if 0 <= tick <= _end(result)])
    beside = _beside(ax, result, values, (start, stop), shown)
    lift = name_above(ax, np.roll((start + stop) / 2, 1), [names[-1], *names[:-1]])
    if beside:
        legend_above(ax, lift=lift)
    return ax


def _end(result: xr.Dataset) -> float:
    """Where the sound ends, or else the last segment, in s."""
    last = float(result["segment_stop"].max())
    return max(last, float(result["time"][-1])) if "time" in result.coords else last


def _bars(result: xr.Dataset, shown: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """How high each bar is, from where to where in s, and its name; what lies outside stands behind the sound."""
    values, start, stop = (
        np.asarray(result[name], dtype=float) for name in (shown, "segment_start", "segment_stop")
    )  # fmt: skip
    names = [str(one) for one in result["segment_name"].values.tolist()]
    outside = _outside(result, shown)
    if outside is None:
        return values, start, stop, names
    end = _end(result)
    return np.append(values, outside), np.append(start, 1.05 * end), np.append(stop, 1.15 * end), [*names, OUTSIDE]


def _outside(result: xr.Dataset, shown: str) -> float | None:
    name = shown.replace("segment", "label")
    if name not in result or OUTSIDE not in result["segment_label"].values:
        return None
    return float(result[name].sel(segment_label=OUTSIDE))


def _beside(ax: Axes, result: xr.Dataset, values: np.ndarray, times: tuple[np.ndarray, np.ndarray], shown: str) -> bool:
    """Shares of the energy of the input and of the time over the bars, to a scale of their own on the right.

    Shares of the energy of a relevance have the same scale.
    """
    if "segment_input_share" not in result or "segment_time_share" not in result:
        return False
    sound, time = (_bars(result, name)[0][: len(values)] for name in ("segment_input_share", "segment_time_share"))
    start, stop = times
    if shown == "segment_share":
        scale = ax
    else:
        low, high = np.nanmin([0, *values]), np.nanmax([0, *values])
        high = max(high, -0.25 * low) or 1.0
        most = np.nanmax([*sound, *time]) or 1.0
        scale = ax.twinx()
        ax.set_ylim(1.1 * low, 1.1 * high)
        scale.set(ylim=(1.1 * low / high * most, 1.1 * most), ylabel="share")
        scale.set_yticks([tick for tick in scale.get_yticks() if 0 <= tick <= 1.1 * most])
        scale.tick_params(labelsize=small_size(ax))
    wide = 0.3 * (stop - start)
    scale.bar(start + 0.35 * (stop - start), sound, wide, align="edge", color=INPUT_COLOUR, alpha=0.9)
    scale.hlines(time, start, stop, color="black", linewidth=0.9)
    ax.fill_between([], [], color=INPUT_COLOUR, label="share of the input")
    ax.plot([], [], color="black", linewidth=0.9, label="share of the time")
    return True
