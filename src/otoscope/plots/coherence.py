"""Pictures of the coherence between sounds and their sonifications, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import finite, having
from otoscope.plots.drawing import (
    COLOUR_MAP,
    LINE_STYLES,
    draw_colorbar,
    edges,
    frequency_unit,
    legend_above,
    make_axes,
    make_grid,
    name_layers,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CURVE = ("coherence", "ci_low", "ci_high")


def coherence(
    result: xr.Dataset | Mapping[str, xr.Dataset], ax: Axes | Sequence[Axes] | np.ndarray | None = None
) -> Axes | np.ndarray:
    """Draw the mean coherence of each layer with its 95 % interval, and below it the coherence at each frequency.

    Parameters
    ----------
    result : xarray.Dataset, or mapping of str to them
        What :func:`otoscope.methods.coherence.coherence` returned; of several, the keys are the labels of their curves,
        and there is no panel of frequencies.
    ax : matplotlib.axes.Axes or two of them, optional
        Where to draw; on a single one the mean alone. A new figure without it.

    Returns
    -------
    matplotlib.axes.Axes, or an array of two

    Raises
    ------
    InputError
        If a quantity is missing, there is no curve, or the curves are not over as many layers.

    Notes
    -----
    Figure 6.3 of the sonification thesis. Curves over layers of other names are drawn over those of the first.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset(
    ...     {"coherence": ("layer", [0.9, 0.7]), "ci_low": ("layer", [0.8, 0.6]), "ci_high": ("layer", [1.0, 0.8])},
    ...     {"layer": ["pool1", "pool2"]})
    >>> coherence({"one": result}, Figure().subplots()).get_ylabel()
    'mean coherence (0–1)'
    """
    if ax is None and isinstance(result, xr.Dataset):
        ax = make_grid(2, 1, height=4.0, sharex=True).ravel()
    panels = [None] if ax is None else list(np.asarray(ax, dtype=object).ravel())
    if len(panels) == 1:
        return _curves({"": result} if isinstance(result, xr.Dataset) else dict(result), panels[0])
    if len(panels) != 2 or not isinstance(result, xr.Dataset):
        raise InputError(f"one result needs one or two axes, and several results one; {len(panels)} were given")
    mean, spectrum = panels
    _curves({"": result}, mean).set_xlabel("")
    coherence_spectrum(result, spectrum)
    return np.array([mean, spectrum], dtype=object)


def _curves(results: dict[str, xr.Dataset], ax: Axes | None) -> Axes:
    curves = {label: having(one.drop_dims("clip", errors="ignore"), _CURVE) for label, one in results.items()}
    if len({one.sizes["layer"] for one in curves.values()}) != 1:
        raise InputError("curves of coherence need as many layers each, and at least one curve is needed")
    ax = make_axes(ax, height=2.2)
    names = [str(name) for name in next(iter(curves.values()))["layer"].values]
    position = np.arange(len(names))
    for index, (label, one) in enumerate(curves.items()):
        colour, line = LINE_STYLES[index % len(LINE_STYLES)]
        mean = finite(one["coherence"], "the coherence")
        half = np.stack([mean - one["ci_low"].fillna(one["coherence"]), one["ci_high"].fillna(one["coherence"]) - mean])
        aside = position + 0.12 * (index - (len(curves) - 1) / 2)  # intervals beside each other
        ax.errorbar(
            aside, mean, half, fmt=f"o{line}", color=colour, ms=3, lw=0.9, elinewidth=0.9, capsize=2, label=label
        )
    ax.set(ylabel="mean coherence (0–1)", xlim=(-0.5, len(names) - 0.5), ylim=(0, 1.04))
    name_layers(ax, names)
    if any(curves):
        legend_above(ax)
    return ax


def coherence_spectrum(result: xr.Dataset, ax: Axes | None = None, *, colorbar: bool = True) -> Axes:
    """Draw the coherence at each frequency, mean over clips, layer by layer.

    Parameters
    ----------
    result : xarray.Dataset
        With coherence_spectrum (layer, frequency), as :func:`otoscope.methods.coherence.coherence` returned it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    colorbar : bool
        Whether to draw the colour bar.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If there is no spectrum, or one with values that are not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset(
    ...     {"coherence_spectrum": (("layer", "frequency"), np.ones((2, 3)))},
    ...     {"layer": ["pool1", "pool2"], "frequency": [0.0, 2000.0, 4000.0]})
    >>> coherence_spectrum(result, Figure().subplots()).get_ylabel()
    'frequency (kHz)'
    """
    result = having(result.drop_dims("clip", errors="ignore"), ["coherence_spectrum"])
    values = finite(result["coherence_spectrum"].transpose("frequency", "layer"), "the coherence")
    frequency = np.asarray(result["frequency"], dtype=float)
    divisor, unit = frequency_unit(float(frequency.max()))
    ax = make_axes(ax, height=2.2)
    across = np.arange(values.shape[1] + 1) - 0.5
    mesh = ax.pcolormesh(
        across, edges(frequency) / divisor, values, cmap=COLOUR_MAP, vmin=0, vmax=1, rasterized=True
    )  # fmt: skip
    ax.set_ylabel(f"frequency ({unit})")
    name_layers(ax, [str(name) for name in result["layer"].values])
    if colorbar:
        draw_colorbar(mesh, ax, "coherence (0–1)")
    return ax
