"""Pictures of aliasing: what each step folds, and where it puts which frequency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import xarray as xr

from otoscope.drawing import (
    COLOUR_MAP,
    INPUT_COLOUR,
    LINE_STYLES,
    decibels,
    draw_colorbar,
    edges,
    frequency_unit,
    legend_above,
    make_axes,
    make_grid,
    name_layers,
    small_size,
)
from otoscope.errors import InputError
from otoscope.plots.checks import having

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_FOLDS = 16  # more than these cannot be told apart in a picture


def aliasing(result: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the share of energy that each downsampling step folds.

    Parameters
    ----------
    result : xarray.Dataset over the dim step
        What :func:`otoscope.methods.aliasing` returned, of one clip.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a quantity is missing or the result is of several clips.

    Notes
    -----
    A bar is the share of all channels together. The line through it spans the middle 80 % of single channels, and
    the dashed line is the share that a flat spectrum would have, 1 - 1/s at stride s.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset(
    ...     {"share": ("step", [0.2]), "channel_share": (("step", "channel"), [[0.1, 0.3]])},
    ...     {"step": ["pool1"], "stride": ("step", [2])})
    >>> aliasing(result, Figure().subplots()).get_ylabel()
    'folded share (0–1)'
    """
    result = having(result, ["share", "channel_share", "stride"])
    ax = make_axes(ax)
    position = np.arange(result.sizes["step"])
    ax.bar(position, result["share"].fillna(0), width=0.7, color=INPUT_COLOUR, label="all channels")
    low, high = _middle(result["channel_share"].values)
    ax.vlines(position, low, high, color=LINE_STYLES[0][0], linewidth=1.2, label="80 % of channels")
    flat = 1 - 1 / result["stride"].values
    style: Any = {"color": LINE_STYLES[1][0], "linewidth": 1.2, "linestyle": "--"}
    ax.hlines(flat, position - 0.42, position + 0.42, label="flat spectrum", **style)
    ax.set(ylabel="folded share (0–1)", xlim=(-0.6, position.size - 0.4), ylim=(0, 1.02))
    name_layers(ax, [str(name) for name in result["step"].values])
    ax.set_xlabel("downsampling step")
    legend_above(ax, columns=3)
    return ax


def aliasing_map(
    result: xr.Dataset,
    axes: Sequence[Axes] | np.ndarray | None = None,
    *,
    steps: Sequence[str] | None = None,
    dynamic_range: float = 30.0,
) -> np.ndarray:
    """Draw where each downsampling step puts which input frequency, with the lines where theory puts a sine.

    Parameters
    ----------
    result : xarray.Dataset over the dims step, input_frequency, output
        What :func:`otoscope.methods.aliasing_map` returned.
    axes : matplotlib.axes.Axes, one for each step drawn, optional
        A new figure without them.
    steps : sequence of str, optional
        Which steps; by default up to the first three whose folds the sweep is fine enough to show.
    dynamic_range : float
        Range shown, in dB below the largest value of each input frequency.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (steps,)

    Raises
    ------
    InputError
        If a quantity or step is missing or the number of axes does not fit.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset(
    ...     {"magnitude": (("step", "input_frequency", "output"), np.ones((1, 3, 2)))},
    ...     {"step": ["pool1"], "nyquist": ("step", [1000.0]), "input_frequency": [500.0, 1500.0, 2500.0],
    ...      "output": [0.25, 0.75]})
    >>> [ax.get_xlabel() for ax in aliasing_map(result, [Figure().subplots()])]
    ['input frequency (kHz)']
    """
    result = having(result, ["magnitude", "nyquist", "input_frequency"])
    names = [str(name) for name in result["step"].values]
    missing = [step for step in steps or () if step not in names]
    if missing:
        raise InputError(f"the map has no step {missing[0]!r}; it has {', '.join(names)}.")
    chosen = list(steps) if steps else legible_steps(result)
    if axes is None:
        axes = make_grid(len(chosen), 1, height=0.5 + 1.35 * len(chosen), sharex=True)
    axes = np.asarray(axes, dtype=object).ravel()
    if axes.size != len(chosen):
        raise InputError(f"a map of {len(chosen)} steps is drawn on as many axes; {axes.size} were given.")
    for ax, name in zip(axes, chosen, strict=True):
        mesh = _draw_map(ax, result.isel(step=names.index(name)), dynamic_range)
        ax.set_title(name, fontsize=small_size(ax), loc="left", pad=2)
    _, unit = frequency_unit(float(result["input_frequency"].max()))
    axes[-1].set_xlabel(f"input frequency ({unit})")
    draw_colorbar(mesh, axes[-1], "level (dB re peak of column)", beside=list(axes))
    return cast(np.ndarray, axes)


def _middle(shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 10th and 90th percentile of every row, NaN where it has nothing else."""
    some = ~np.isnan(shares).all(-1)
    bounds = np.full((2, len(shares)), np.nan)
    bounds[:, some] = np.nanpercentile(shares[some], [10, 90], axis=-1)
    return bounds[0], bounds[1]


def legible_steps(result: xr.Dataset) -> list[str]:
    """Up to three steps of a map, of each rate the first, whose folds are wider than the distance of its sines."""
    names = [str(name) for name in result["step"].values]
    frequency = np.sort(result["input_frequency"].values)
    nyquist, distance = result["nyquist"].values, np.diff(frequency).max(initial=0.0)
    first = [i for i in range(len(names)) if nyquist[i] not in nyquist[:i]]
    shown = [i for i in first if nyquist[i] >= 3 * distance and frequency[-1] / nyquist[i] <= _MOST_FOLDS]
    return [names[i] for i in (shown or first[:1])[:3]]


def _draw_map(ax: Axes, step: xr.Dataset, dynamic_range: float) -> Any:
    from matplotlib.patheffects import Normal, Stroke

    across, nyquist = step["input_frequency"].values, float(step["nyquist"])
    (x_divisor, _), (y_divisor, unit) = frequency_unit(float(across.max())), frequency_unit(nyquist)
    borders = np.linspace(0, nyquist, step.sizes["output"] + 1)
    level = decibels(step["magnitude"].values, dynamic_range, reference=1.0)
    mesh = ax.pcolormesh(
        edges(across) / x_divisor, borders / y_divisor, level.T, cmap=COLOUR_MAP, vmin=-dynamic_range, vmax=0,
        rasterized=True,
    )  # fmt: skip
    # The zigzag 0, limit, 0, ... through the multiples of the new limit.
    corners = np.arange(0, np.ceil(across.max() / nyquist) + 2)
    outline = [Stroke(linewidth=1.2, foreground="black"), Normal()]
    ax.plot(
        corners * nyquist / x_divisor, corners % 2 * nyquist / y_divisor, color="white", linewidth=0.7,
        linestyle=(0, (3, 7)), path_effects=outline,
    )  # fmt: skip
    low, high = edges(across)[[0, -1]]
    ax.set(xlim=(max(low, 0) / x_divisor, high / x_divisor), ylim=(0, nyquist / y_divisor))
    ax.set_ylabel(f"output ({unit})")
    return mesh
