"""Pictures of response spectra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.drawing import (
    DYNAMIC_RANGE,
    LINE_STYLES,
    decibels,
    draw_mesh,
    frequency_unit,
    make_axes,
    small_size,
    units_of,
)
from otoscope.plots.checks import finite, frequency_by_time, labelled, only_dims

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def strs(
    result: xr.DataArray,
    ax: Axes | None = None,
    db: bool = True,
    *,
    dynamic_range: float = DYNAMIC_RANGE,
    colorbar: bool = True,
) -> Axes:
    """Draw short-time response spectra.

    Parameters
    ----------
    result : xarray.DataArray, dims (frequency, time)
        Frequency in Hz, time in s. Frequencies in a geometric series get a logarithmic axis.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    db : bool
        Whether to show dB below the peak; else the values as they are.
    dynamic_range : float
        Range shown, in dB below the peak.
    colorbar : bool
        Whether to draw the colour bar.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the result has other dimensions or holds values that are not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.DataArray(
    ...     np.ones((3, 4)), dims=("frequency", "time"),
    ...     coords={"frequency": [0.0, 2000.0, 4000.0], "time": [0.0, 0.1, 0.2, 0.3]})
    >>> strs(result, Figure().subplots()).get_ylabel()
    'frequency (kHz)'
    """
    magnitude, frequency, time = frequency_by_time(result)
    ax = make_axes(ax)
    draw_mesh(
        ax,
        magnitude,
        frequency,
        time,
        db=db,
        linear_label=f"STRS ({units_of(result)})",
        dynamic_range=dynamic_range,
        colorbar=colorbar,
    )
    return ax


def crs(
    result: xr.DataArray | Sequence[xr.DataArray] | Mapping[str, xr.DataArray],
    ax: Axes | None = None,
    *,
    labels: Sequence[str] | None = None,
    db: bool = False,
) -> Axes:
    """Draw one or several cumulative response spectra.

    Parameters
    ----------
    result : xarray.DataArray with dim (frequency,), or a sequence or mapping of them
        Frequency in Hz. The keys of a mapping are the labels of its curves.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    labels : sequence of str, optional
        One for each curve of a sequence.
    db : bool
        Whether to show dB below the highest peak of all curves; else the values as they are.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If there is no curve, the number of labels is not the number of curves, a curve has other
        dimensions, or it holds values that are not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> curve = xr.DataArray([1.0, 2.0, 1.0], dims="frequency", coords={"frequency": [0.0, 400.0, 800.0]})
    >>> ax = crs({"segmental": curve, "sub-segmental": 2 * curve}, Figure().subplots())
    >>> ax.get_xlabel(), [text.get_text() for text in ax.get_legend().get_texts()]
    ('frequency (Hz)', ['segmental', 'sub-segmental'])
    """
    curves = labelled(result, labels)
    curves = [(label, only_dims(curve, "frequency")) for label, curve in curves]
    values = [finite(curve, "the CRS") for _, curve in curves]
    peak = max(float(np.max(value, initial=0.0)) for value in values)
    divisor, unit = frequency_unit(max(float(curve["frequency"].max()) for _, curve in curves))
    ax = make_axes(ax, height=1.9)
    for index, ((label, curve), value) in enumerate(zip(curves, values, strict=True)):
        colour, line = LINE_STYLES[index % len(LINE_STYLES)]
        shown = decibels(value, DYNAMIC_RANGE, reference=peak) if db else value
        ax.plot(curve["frequency"] / divisor, shown, line, color=colour, linewidth=1, label=label)
    ax.set_xlabel(f"frequency ({unit})")
    ax.set_ylabel("CRS (dB re peak)" if db else f"CRS ({units_of(curves[0][1])})")
    ax.margins(x=0)
    if any(label for label, _ in curves):
        ax.legend(fontsize=small_size(ax), frameon=False)
    return ax
