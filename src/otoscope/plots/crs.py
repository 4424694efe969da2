"""The picture of cumulative response spectra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import finite, having, only_dims
from otoscope.plots.drawing import (
    DYNAMIC_RANGE,
    LINE_STYLES,
    decibels,
    frequency_unit,
    is_geometric,
    make_axes,
    plain_ticks,
    small_size,
    units_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def crs(
    result: xr.Dataset | Sequence[xr.Dataset] | Mapping[str, xr.Dataset], ax: Axes | None = None, *, db: bool = False
) -> Axes:
    """Draw one or several cumulative response spectra.

    Parameters
    ----------
    result : xarray.Dataset, or a sequence or mapping of them
        From :func:`otoscope.methods.crs.crs`, each of one clip: `crs` (frequency), frequency in Hz. Several curves are
        labelled by the keys of a mapping, or by the names of their models. Frequencies in a geometric series get a
        logarithmic axis.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    db : bool
        Whether to show dB below the highest peak of all curves; else the values as they are, from 0 up.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If there is no curve, or a curve has other dimensions or holds values that are not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> curve = xr.Dataset({"crs": ("frequency", [1.0, 2.0, 1.0])}, {"frequency": [0.0, 400.0, 800.0]})
    >>> ax = crs({"segmental": curve, "sub-segmental": 2 * curve}, Figure().subplots())
    >>> ax.get_xlabel(), [text.get_text() for text in ax.get_legend().get_texts()]
    ('frequency (Hz)', ['segmental', 'sub-segmental'])
    """
    curves = [(label, only_dims(having(one, ["crs"])["crs"], "frequency")) for label, one in _labelled(result)]
    values = [finite(curve, "the CRS") for _, curve in curves]
    peak = max(float(np.max(value, initial=0.0)) for value in values)
    divisor, unit = frequency_unit(max(float(curve["frequency"].max()) for _, curve in curves))
    names = dict.fromkeys(str(curve["frequency"].attrs.get("long_name", "frequency")) for _, curve in curves)
    ax = make_axes(ax, height=1.9)
    for index, ((label, curve), value) in enumerate(zip(curves, values, strict=True)):
        colour, line = LINE_STYLES[index % len(LINE_STYLES)]
        shown = decibels(value, DYNAMIC_RANGE, reference=peak) if db else value
        ax.plot(curve["frequency"] / divisor, shown, line, color=colour, linewidth=1, label=label)
    ax.margins(x=0)
    ax.set(
        xlabel=f"{' or '.join(names)} ({unit})",
        ylabel="CRS (dB re peak)" if db else f"CRS ({units_of(curves[0][1])})",
        ylim=(None, 3) if db else (0, 1.08 * peak or 1),
    )
    if all(is_geometric(np.asarray(curve["frequency"], dtype=float)) for _, curve in curves):
        ax.set_xscale("log")
        plain_ticks(ax.xaxis)
    if any(label for label, _ in curves):
        ax.legend(fontsize=small_size(ax), frameon=False)
    return ax


def _labelled(
    result: xr.Dataset | Sequence[xr.Dataset] | Mapping[str, xr.Dataset],
) -> list[tuple[str, xr.Dataset]]:
    if isinstance(result, xr.Dataset):  # which is a mapping, too
        return [("", result)]
    if isinstance(result, Mapping):
        curves = [(str(label), one) for label, one in cast(Mapping[str, xr.Dataset], result).items()]
    else:
        curves = [(str(one.attrs.get("model", "")), one) for one in result]
    if not curves:
        raise InputError("no curve to draw: pass at least one result.")
    return curves
