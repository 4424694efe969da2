"""Picture of a relevance by segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import having
from otoscope.plots.drawing import AGAINST_COLOUR, FOR_COLOUR, INPUT_COLOUR, RELEVANCE_COLOUR, make_axes, small_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABELS = {
    "segment_relevance": "sum of the relevance",
    "segment_energy": "share of the energy",
    "segment_loss": "mean loss of the output",
}
_MOST_LABELS = 40


def segments(result: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw what of a relevance lies in each segment, at its time.

    Parameters
    ----------
    result : xarray.Dataset
        A relevance with segments, of one clip and one channel: segment_relevance, segment_energy or segment_loss
        (segment), with segment_start, segment_stop and segment_name. Of an energy its share is drawn, over that of the
        energy of the input.
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
    values = np.asarray(result[shown], dtype=float)
    start, stop = (np.asarray(result[f"segment_{edge}"], dtype=float) for edge in ("start", "stop"))
    ax = make_axes(ax, height=1.6)
    if shown == "segment_share" and "segment_input_share" in result:
        sound = np.asarray(result["segment_input_share"], dtype=float)
        ax.bar(start, sound, stop - start, align="edge", color=INPUT_COLOUR, alpha=0.5, label="input")
    colours = np.where(values < 0, AGAINST_COLOUR, FOR_COLOUR) if name != "segment_energy" else RELEVANCE_COLOUR
    ax.bar(start, values, stop - start, align="edge", color=colours, alpha=0.7, edgecolor="white", linewidth=0.5)
    ax.axhline(0, color="black", linewidth=0.5)
    last = float(result["time"][-1]) if "time" in result.coords else float(stop.max())
    ax.set(xlabel="time (s)", ylabel=_LABELS[name], xlim=(0, max(last, stop.max())))
    if len(values) <= _MOST_LABELS:
        for middle, text in zip((start + stop) / 2, result["segment_name"].values.tolist(), strict=True):
            place = (middle, 1.0)
            ax.annotate(text, place, (0, 2), xycoords=("data", "axes fraction"), textcoords="offset points",
                        ha="center", va="bottom", fontsize=small_size(ax))  # fmt: skip
    return ax
