"""Pictures of scores by layer: the residual study, and the importance of layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.drawing import (
    INPUT_COLOUR,
    LINE_STYLES,
    draw_colorbar,
    label_outside,
    legend_above,
    make_axes,
    make_grid,
    name_layers,
)
from otoscope.errors import InputError
from otoscope.plots.checks import having, only_dims, rate_of
from otoscope.plots.sound import spectrogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = "os^Dv"


def residual_study(result: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the score on the residuals of each layer beside that on the sounds, with their 95 % intervals.

    Parameters
    ----------
    result : xarray.Dataset
        What :func:`otoscope.methods.residual_study` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> names = ("score", "score_low", "score_high")
    >>> study = xr.Dataset({name: ("layer", [0.4]) for name in names}, coords={"layer": ["conv1"]})
    >>> study = study.assign(baseline=0.9, baseline_low=0.8, baseline_high=1.0)
    >>> residual_study(study, Figure().subplots()).get_ylabel()
    'score'
    """
    result = having(
        result.drop_dims("clip", errors="ignore"),
        ("score", "score_low", "score_high", "baseline", "baseline_low", "baseline_high"),
    )
    ax = make_axes(ax, height=2.4)
    metric = str(result.attrs.get("metric", "score"))
    at = np.arange(result.sizes["layer"])
    ends = (-0.5, len(at) - 0.5)
    low, high = float(result["baseline_low"]), float(result["baseline_high"])
    if np.isfinite([low, high]).all():
        ax.fill_between(ends, low, high, color=INPUT_COLOUR, alpha=0.35, linewidth=0)
    ax.plot(ends, [float(result["baseline"])] * 2, "--", color="black", linewidth=0.9, label="whole sound")
    _draw_intervals(ax, at, result["score"], result["score_low"], result["score_high"], 0, "residual")
    _finish(ax, result, metric if metric != "agreement" else "same answer (share)")
    return ax


def layer_importance(result: xr.Dataset | Mapping[str, xr.Dataset], ax: Axes | None = None) -> Axes:
    """Draw the accuracy of a linear classifier behind each layer, with the 95 % interval over runs.

    Parameters
    ----------
    result : xarray.Dataset, or mapping of str to them
        What :func:`otoscope.methods.layer_importance` returned; several on the same layers, such as frozen and full,
        by the names for the legend.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the results are not of the same layers.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> known = xr.Dataset({name: ("layer", [0.5]) for name in ("mean", "low", "high")}, coords={"layer": ["conv1"]})
    >>> layer_importance(known.assign(chance=0.1), Figure().subplots()).get_ylabel()
    'accuracy'
    """
    named = {"": result} if isinstance(result, xr.Dataset) else dict(result)
    first = next(iter(named.values()))
    ax = make_axes(ax, height=2.4)
    layers = first["layer"].values.tolist()
    shift = 0.12 * (np.arange(len(named)) - (len(named) - 1) / 2)
    for number, (name, one) in enumerate(named.items()):
        one = having(one, ("mean", "low", "high", "chance"))
        if one["layer"].values.tolist() != layers:
            raise InputError(f"{name} is of other layers than {next(iter(named))}: draw them apart")
        at = np.arange(len(layers)) + shift[number]
        ax.plot(at, one["mean"], LINE_STYLES[number][1], color=LINE_STYLES[number][0], linewidth=0.7)
        _draw_intervals(ax, at, one["mean"], one["low"], one["high"], number, name or "linear classifier")
    _draw_chances(ax, [float(one["chance"]) for one in named.values()], len(layers))
    _finish(ax, first, "accuracy")
    return ax


def residual(result: xr.DataArray, axes: Sequence[Axes] | np.ndarray | None = None) -> np.ndarray:
    """Draw the spectrogram of what is left of a sound without the most active map of each layer.

    Parameters
    ----------
    result : xarray.DataArray, dims (layer, time)
        What :func:`otoscope.methods.residual` returned, of one clip.
    axes : sequence of matplotlib.axes.Axes, optional
        One for each layer; a new figure without them.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (layers,)

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> rest = xr.DataArray(np.ones((1, 800)), dims=("layer", "time"), coords={"layer": ["conv1"]},
    ...                     attrs={"sample_rate": 8000})
    >>> residual(rest, [Figure().subplots()])[0].get_title()
    'conv1'
    """
    result = only_dims(result, "layer", "time")
    count = result.sizes["layer"]
    if axes is None:
        columns = min(3, count)
        rows = -(-count // columns)
        grid = make_grid(rows, columns, width=3.4 if columns < 3 else 6.8, height=0.5 + 1.6 * rows)
        for spare in grid.ravel()[count:]:
            spare.remove()
        axes = grid.ravel()[:count]
    axes = np.asarray(axes, dtype=object).ravel()
    if axes.size != count:
        raise InputError(f"{count} layers need as many axes; {axes.size} were given.")
    for ax, one in zip(axes, result, strict=True):
        spectrogram(one, ax, sample_rate=rate_of(result), colorbar=False)
        without = f", without map {int(one['channel'])}" if "channel" in one.coords else ""
        ax.set_title(f"{one['layer'].item()}{without}", fontsize=ax.xaxis.label.get_fontsize())
    label_outside(axes)
    draw_colorbar(axes[0].collections[0], axes[0], "level (dB re peak of each)", beside=axes.tolist())
    return axes


def _draw_chances(ax: Axes, chances: list[float], layers: int) -> None:
    """One black line where all are the same, else one in the colour of each result."""
    shared = len(set(chances)) == 1
    for number, chance in enumerate(chances[:1] if shared else chances):
        colour = "black" if shared else LINE_STYLES[number % len(LINE_STYLES)][0]
        label = "" if number else "commonest class"
        ax.plot((-0.5, layers - 0.5), (chance, chance), ":", color=colour, linewidth=0.9, label=label or None)


def _draw_intervals(
    ax: Axes, at: np.ndarray, mean: xr.DataArray, low: xr.DataArray, high: xr.DataArray, number: int, label: str
) -> None:
    colour = LINE_STYLES[number % len(LINE_STYLES)][0]
    # Without bounds (a single run) only the point is drawn.
    reach = np.nan_to_num(np.stack([mean - low, high - mean]).clip(min=0))
    ax.errorbar(
        at, mean.values, reach, fmt=_MARKERS[number % len(_MARKERS)], color=colour, markersize=3, elinewidth=0.9,
        capsize=2, label=label,
    )  # fmt: skip


def _finish(ax: Axes, result: xr.Dataset, label: str) -> None:
    name_layers(ax, [str(name) for name in result["layer"].values])
    ax.set_xlim(-0.5, result.sizes["layer"] - 0.5)
    ax.set_ylabel(label)
    if label in ("accuracy", "same answer (share)"):
        ax.set_ylim(0, 1.02)
    legend_above(ax)
