"""Waveform, STRS and CRS of one sound, front ends side by side: SWAM Fig. 1 and 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import frequency_by_time, having
from otoscope.plots.drawing import (
    LINE_STYLES,
    draw_colorbar,
    frequency_name,
    frequency_unit,
    is_geometric,
    plain_ticks,
    units_of,
)
from otoscope.plots.papers.class_spectra import draw_classes
from otoscope.plots.papers.panels import end_at, grid, head_columns, named, note_below, only_outer
from otoscope.plots.sound import waveform
from otoscope.plots.strs import smoothing_seconds, strs
from otoscope.plots.style import StyleName, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def response_panels(
    spectra: Mapping[str, xr.Dataset],
    sound: xr.DataArray | None = None,
    *,
    classes: Mapping[str, Mapping[str, xr.Dataset]] | None = None,
    smoothing: float | xr.Dataset | None = None,
    db: bool = True,
    dynamic_range: float = 60.0,
    highest: float | None = None,
    style: StyleName | None = "paper",
) -> np.ndarray:
    """Draw the waveform of a sound over its STRS and CRS, a column for each front end.

    Parameters
    ----------
    spectra : mapping of str to xarray.Dataset
        By the name of a front end, what :func:`otoscope.methods.strs.strs` returned of the one sound.
    sound : xarray.DataArray, optional
        The sound, over time; no row of waveforms without it.
    classes : mapping of str to mapping of str to xarray.Dataset, optional
        By the name of a front end and that of a class, what :func:`otoscope.methods.crs.crs` returned of clips: drawn
        with their spread, in place of the CRS of the one sound.
    smoothing : float or xarray.Dataset, optional
        Of the STRS, see :func:`otoscope.plots.strs.strs`.
    db : bool
        Whether the STRS is shown in dB below its peak; else as it is, each over its peak.
    dynamic_range : float
        Range shown, in dB.
    highest : float, optional
        Where the axes of frequency end, in Hz, as where the sound was resampled and has nothing above.
    style : {"paper", "screen"}
        See :func:`otoscope.plots.styled`.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (2 or 3, front ends)

    Raises
    ------
    InputError
        If there is no front end, a class is missing, or results lack what is drawn.

    Notes
    -----
    Fig. 1 and 2 of SWAM. The CRS is the mean of the STRS over time (eq. 2), from 0 up, on a scale of its own for each
    front end.

    Examples
    --------
    >>> one = xr.Dataset({"strs": (("frequency", "time"), np.ones((3, 4)))},
    ...                  {"frequency": [0.0, 2000.0, 4000.0], "time": [0.0, 0.1, 0.2, 0.3]})
    >>> response_panels({"segmental": one, "sub-segmental": one}).shape
    (2, 2)
    """
    spectra = {name: having(one, ["strs"]) for name, one in named(spectra, "the STRS of each front end").items()}
    with styled(style):
        rows = 2 + (sound is not None)
        heights = [0.55, 1, 0.9][-rows:]
        axes = grid(rows, len(spectra), height=1.25 * sum(heights) + 0.55, heights=heights, sharey=False)
        for column, (name, one) in enumerate(spectra.items()):
            if sound is not None:
                waveform(sound, axes[0, column])
                axes[0, column].set_ylabel("amplitude")
            strs(
                one, axes[-2, column], db=db, smoothing=smoothing, dynamic_range=dynamic_range, colorbar=False,
                relative=True,
            )  # fmt: skip
            divisor, _ = frequency_unit(float(one["frequency"].max()))
            end_at(axes[-2, column], highest, divisor, along="y")
            if classes is None:
                _draw_mean(axes[-1, column], one)
                end_at(axes[-1, column], highest, divisor)
            else:
                draw_classes(axes[-1, column], _of(classes, name), highest=highest, legend=column == 0)
        label = "level (dB re peak)" if db else "STRS (re peak)"
        draw_colorbar(axes[-2, -1].collections[0], axes[-2, -1], label, beside=list(axes[-2]))
        head_columns(axes, list(spectra))
        only_outer(axes)
        for ax in axes[:-1].ravel():
            ax.set_xlabel("")
        for ax in axes[-2]:
            ax.set_xlabel("time (s)")
        if sound is not None:
            for upper, lower in axes[:2].T:  # what a model fills a sound up with is no part of it
                lower.set_xlim(upper.get_xlim())
                upper.tick_params(labelbottom=False)
        if smoothing is not None:
            note_below(axes[0, 0], f"STRS smoothed over {1000 * smoothing_seconds(smoothing):.3g} ms")
    return axes


def _draw_mean(ax: Axes, result: xr.Dataset) -> None:
    magnitude, frequency, _ = frequency_by_time(result["strs"])
    divisor, unit = frequency_unit(float(frequency.max()))
    values = magnitude.mean(-1)
    ax.plot(frequency / divisor, values, color=LINE_STYLES[0][0], linewidth=1)
    ax.set(xlabel=f"{frequency_name(result)} ({unit})", ylim=(0, 1.08 * values.max() or 1))
    ax.set_ylabel(f"CRS ({'a.u.' if units_of(result['strs']) == 'arbitrary units' else units_of(result['strs'])})")
    if is_geometric(frequency):
        ax.set_xscale("log")
        plain_ticks(ax.xaxis)
    ax.margins(x=0)


def _of(classes: Mapping[str, Mapping[str, xr.Dataset]], name: str) -> Mapping[str, xr.Dataset]:
    if name not in classes:
        raise InputError(f"there are no classes of the front end {name!r}; there are those of {', '.join(classes)}")
    return classes[name]
