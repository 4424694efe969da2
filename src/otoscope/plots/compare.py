"""Pictures of a comparison, all on the same axes and scales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import finite, having
from otoscope.plots.crs import crs
from otoscope.plots.drawing import (
    COLUMN_WIDTH,
    DYNAMIC_RANGE,
    INPUT_COLOUR,
    LINE_STYLES,
    decibels,
    draw_colorbar,
    draw_signed_mesh,
    edges,
    frequency_unit,
    legend_above,
    make_axes,
    make_grid,
    mark_frequencies,
    pool_columns,
    small_size,
)
from otoscope.plots.relevance import relevance_spectrogram, relevance_spectrum, signed
from otoscope.plots.strs import strs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Light for the one and dark for the other, so that the sign of a difference shows in grey, too.
DIFFERENCE_MAP = "cividis"
DIFFERENCE_RANGE = 40.0
"""Differences shown, in dB to either side."""

_PLAQUE = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
_OCTAVES = (63, 125, 250, 500, 1000, 2000, 4000, 8000, 16000)


def marks_of(result: xr.Dataset) -> dict[str, float]:
    """Frequencies in Hz that a comparison marks, by name."""
    marks = result.get("mark_frequency", ())
    return {str(mark["mark"].item()): float(mark) for mark in marks}


def model_names(result: xr.Dataset) -> list[str]:
    """Names of the models of a comparison."""
    return [str(name) for name in result["model"].values]


def response_of(result: xr.Dataset, model: str, of: str = "strs") -> xr.DataArray:
    """A response spectrum of one model, its axes by the names that they have outside a comparison."""
    plain = {"response_frequency": "frequency", "response_time": "time"}
    one = having(result, [of])[of].sel(model=model, drop=True)
    return one.rename({long: short for long, short in plain.items() if long in one.dims})


def compare_bands(result: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the shares of the relevance's energy in third-octave bands, one line a model, over those of the input.

    Parameters
    ----------
    result : xarray.Dataset
        Of :func:`otoscope.compare`, with share (model, band).
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the comparison holds no relevance.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset(
    ...     {"share": (("model", "band"), [[0.2, 0.8], [1.0, 0.0]]), "input_share": ("band", [0.5, 0.5])},
    ...     {"model": ["a", "b"], "band_low": ("band", [89.0, 112.0]), "band_high": ("band", [112.0, 141.0])})
    >>> compare_bands(result, Figure().subplots()).get_ylabel()
    'share of energy (%)'
    """
    result = having(result, ["share", "input_share"])
    ax = make_axes(ax, height=2.1)
    steps = np.append(result["band_low"].values, result["band_high"].values[-1])
    heard = 100 * finite(result["input_share"], "the share")
    ax.stairs(heard, steps, fill=True, color=INPUT_COLOUR, alpha=0.5, label="input")
    shares = 100 * finite(result["share"], "the share")
    for index, name in enumerate(model_names(result)):
        colour, line = LINE_STYLES[index % len(LINE_STYLES)]
        ax.stairs(shares[index], steps, baseline=None, color=colour, linestyle=line, linewidth=1.1, label=name)
    of = "relevance" if signed(result) else "energy"
    ax.set(xlabel="frequency (Hz)", ylabel=f"share of {of} (%)", xscale="log", xlim=(steps[0], steps[-1]))
    ax.set_ylim(1.05 * min(shares.min(), 0.0), 1.05 * max(shares.max(), heard.max(), 1.0))
    if shares.min() < 0:
        ax.axhline(0, color="black", linewidth=0.5)
    ticks = [tick for tick in _OCTAVES if steps[0] <= tick <= steps[-1]]
    ax.set_xticks(ticks, [f"{tick // 1000}k" if tick >= 1000 else str(tick) for tick in ticks])
    ax.minorticks_off()
    legend_above(ax, lift=0.085 * mark_frequencies(ax, marks_of(result)))
    return ax


def compare_difference(
    result: xr.Dataset,
    ax: Axes | None = None,
    *,
    model: str | None = None,
    other: str | None = None,
    of: str = "relevance_spectrogram",
    dynamic_range: float = DYNAMIC_RANGE,
    colorbar: bool = True,
) -> Axes:
    """Draw by how many dB one model's picture lies above another's, each below its own peak.

    Of a relevance that adds up it is the difference of what each has in a cell, as a share of its magnitudes.

    Parameters
    ----------
    result : xarray.Dataset
        Of :func:`otoscope.compare`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    model, other : str, optional
        Names; the first and the second model by default.
    of : {"relevance_spectrogram", "strs"}
        The relevance, or the response spectra of the first layer.
    dynamic_range : float
        In dB: what lies further below its peak counts as that far.
    colorbar : bool
        Whether to draw the colour bar.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the comparison holds no such picture or no such model.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset(
    ...     {"relevance_spectrogram": (("model", "frame_frequency", "frame_time"), np.ones((2, 2, 3)))},
    ...     {"model": ["a", "b"], "frame_frequency": [0.0, 4000.0], "frame_time": [0.0, 0.01, 0.02]})
    >>> compare_difference(result, Figure().subplots()).get_title()
    'a − b'
    """
    result = having(result, [of])
    names = model_names(result)
    model, other = model or names[0], other or names[1]
    for name in (model, other):
        if name not in names:
            raise InputError(f"the comparison has no model {name!r}; it has {', '.join(names)}")
    frequency, time = (np.asarray(result[dim], dtype=float) for dim in result[of].dims[-2:])
    if of == "relevance_spectrogram" and signed(result):
        return _signed_difference(result, (model, other), ax, colorbar)
    levels = []
    for name in (model, other):
        pooled, across = pool_columns(finite(result[of].sel(model=name), "the picture"), time)
        levels.append(decibels(pooled, dynamic_range))
    divisor, unit = frequency_unit(float(frequency.max()))
    ax = make_axes(ax)
    columns = edges(across)
    if "time" in result.sizes:
        columns[[0, -1]] = 0, result.sizes["time"] / result.attrs["sample_rate"]
    mesh = ax.pcolormesh(
        columns,
        edges(frequency) / divisor,
        levels[0] - levels[1],
        cmap=DIFFERENCE_MAP,
        vmin=-DIFFERENCE_RANGE,
        vmax=DIFFERENCE_RANGE,
        rasterized=True,
    )
    ax.set(xlabel="time (s)", ylabel=f"frequency ({unit})")
    _title(ax, f"{model} − {other}")
    if colorbar:
        draw_colorbar(mesh, ax, "difference (dB)")
    return ax


def _signed_difference(result: xr.Dataset, names: tuple[str, str], ax: Axes | None, colorbar: bool) -> Axes:
    """The difference of two signed relevances over time and frequency, each over the sum of its magnitudes."""
    cells = result["relevance_spectrogram"]
    values = [finite(cells.sel(model=name), "the picture") for name in names]
    shares = [one / (np.abs(one).sum() or 1.0) for one in values]
    frequency, time = (np.asarray(cells[dim], dtype=float) for dim in cells.dims[-2:])
    ax = make_axes(ax)
    duration = result.sizes["time"] / result.attrs["sample_rate"] if "time" in result.sizes else None
    draw_signed_mesh(
        ax, shares[0] - shares[1], frequency, time, colorbar=colorbar, duration=duration, silence="no difference",
        label="difference (re peak)",
    )  # fmt: skip
    _title(ax, " − ".join(names))
    return ax


def compare_strs(result: xr.Dataset, ax: Axes | None = None, *, model: str) -> Axes:
    """Draw the response spectra of one model of a comparison, over the whole recording.

    Parameters
    ----------
    result : xarray.Dataset
        Of :func:`otoscope.compare`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    model : str
        Its name.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the comparison holds no response spectra.
    """
    ax = strs(response_of(result, model).to_dataset(name="strs"), ax)
    if "time" in result.sizes:
        ax.set_xlim(0, result.sizes["time"] / result.attrs["sample_rate"])
    return ax


def compare(result: xr.Dataset, axes: Sequence[Axes] | np.ndarray | None = None) -> np.ndarray:
    """Draw a comparison: a column a model, the same axes and scales in every row.

    Parameters
    ----------
    result : xarray.Dataset
        Of :func:`otoscope.compare`.
    axes : sequence of matplotlib.axes.Axes, optional
        Row by row, as many as the models in each; a new figure without them. The rows are those of what the comparison
        holds: spectrum and spectrogram of the relevance; response spectra; last, shares in bands and the differences
        of the first model and each of the others.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (rows, models)

    Raises
    ------
    InputError
        If the number of axes is another.
    """
    names = model_names(result)
    rows = [what for what in ("relevance_spectrum", "relevance_spectrogram", "strs") if what in result]
    if axes is None:
        axes = make_grid(len(rows) + 1, len(names), height=1.95 * (len(rows) + 1), width=COLUMN_WIDTH * len(names))
    axes = np.asarray(axes, dtype=object)
    if axes.size != (len(rows) + 1) * len(names):
        raise InputError(f"this comparison takes {len(rows) + 1} x {len(names)} axes; {axes.size} were given.")
    axes = axes.reshape(-1, len(names))
    for row, what in zip(axes, rows, strict=False):
        for ax, name in zip(row, names, strict=True):
            _of_model(result, name, what, ax)
    _between_models(result, axes[-1])
    return cast(np.ndarray, axes)


def _of_model(result: xr.Dataset, name: str, what: str, ax: Axes) -> None:
    if what == "relevance_spectrum":
        relevance_spectrum(result.sel(model=name), ax, marks=marks_of(result))
        ax.text(0.98, 0.95, name, fontsize=small_size(ax), ha="right", va="top", transform=ax.transAxes, bbox=_PLAQUE)
    elif what == "relevance_spectrogram":
        relevance_spectrogram(result.sel(model=name), ax)
        _title(ax, f"{name}: relevance")
    else:
        compare_strs(result, ax, model=name)
        _title(ax, f"{name}: STRS")


def _title(ax: Axes, text: str) -> None:
    ax.set_title(text, fontsize=small_size(ax), pad=3)


def _between_models(result: xr.Dataset, row: np.ndarray) -> None:
    """What the models have in common on the first axes, the difference of the first and each other on the others."""
    names = model_names(result)
    has_relevance = "share" in result
    if has_relevance:
        compare_bands(result, row[0])
    else:
        crs({name: response_of(result, name, "crs").to_dataset(name="crs") for name in names}, row[0], db=True)
    for ax, other in zip(row[1:], names[1:], strict=True):
        compare_difference(result, ax, other=other, of="relevance_spectrogram" if has_relevance else "strs")
