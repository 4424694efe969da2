"""Picture of where downsampling steps put which input frequency."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import having
from otoscope.plots.drawing import (
    COLOUR_MAP,
    LINE_STYLES,
    decibels,
    draw_colorbar,
    edges,
    frequency_unit,
    legend_above,
    make_grid,
    pool_columns,
    small_size,
    without_common_ends,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_FOLDS = 16  # more than these cannot be seen in a picture
_SINES_OF_A_FOLD = 36
"""With fewer sines from 0 Hz to the new limit, harmonics, which move several times as fast as the sine, are speckle."""
_MOST_SINES = 160  # columns of a picture


def aliasing_map(
    result: xr.Dataset,
    ax: Sequence[Axes] | np.ndarray[Any, Any] | None = None,
    *,
    steps: Sequence[str] | None = None,
    dynamic_range: float = 40.0,
) -> np.ndarray[Any, Any]:
    """Draw how much of which input frequency passes each downsampling step, and at which output frequency.

    Parameters
    ----------
    result : xarray.Dataset over the dims step, input_frequency, output
        What :func:`otoscope.methods.aliasing_map.aliasing_map` returned.
    ax : matplotlib.axes.Axes, one for the gain and one for each step drawn, optional
        A new figure without them.
    steps : sequence of str, optional
        Which steps; by default up to the first three whose folds the sweep is fine enough to show, with 36 sines or
        more in each, so that harmonics are lines.
    dynamic_range : float
        Range shown, in dB below the largest value of each step.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (1 + steps,)

    Raises
    ------
    InputError
        If a quantity or step is missing or the number of axes does not fit.

    Notes
    -----
    A column holds the levels that one sine has at the output: its power there is the square of its gain, so that what
    hardly passes is dark. On the white zigzag lies the frequency to which theory folds the sine. Where sines lie
    further from each other than cells of output, neighbouring cells are added, so that what moves with the sine is a
    line; of more than 160 sines, neighbours share a column by their mean power.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset(
    ...     {"magnitude": (("step", "input_frequency", "output"), np.ones((1, 3, 2))),
    ...      "gain": (("step", "input_frequency"), [[1.0, 0.5, 0.1]])},
    ...     {"step": ["pool1"], "nyquist": ("step", [1000.0]), "input_frequency": [500.0, 1500.0, 2500.0],
    ...      "output": [0.25, 0.75]})
    >>> [ax.get_ylabel() for ax in aliasing_map(result, Figure().subplots(2))]
    ['gain (dB)', 'output (Hz)']
    """
    result = having(result, ["magnitude", "gain", "nyquist", "input_frequency"])
    names = [str(name) for name in result["step"].values]
    missing = [step for step in steps or () if step not in names]
    if missing:
        raise InputError(f"the map has no step {missing[0]!r}; it has {', '.join(names)}.")
    chosen = list(steps) if steps else legible_steps(result)
    if ax is None:
        ax = make_grid(1 + len(chosen), 1, height=1.5 + 1.35 * len(chosen), sharex=True)
    axes = np.asarray(ax, dtype=object).ravel()
    if axes.size != 1 + len(chosen):
        raise InputError(
            f"a map is drawn on one axes for the gain and one for each step, here {1 + len(chosen)}; "
            f"{axes.size} were given."
        )
    short = dict(zip(names, without_common_ends(names), strict=True))
    _draw_gain(axes[0], result, {names.index(name): short[name] for name in chosen})
    for one, name in zip(axes[1:], chosen, strict=True):
        mesh = _draw_map(one, result.isel(step=names.index(name)), dynamic_range)
        one.set_title(short[name], fontsize=small_size(one), loc="left", pad=2)
    _, unit = frequency_unit(float(result["input_frequency"].max()))
    left = left_out(result.assign_coords(step=[short[name] for name in names]), [short[name] for name in chosen])
    some = "\n" + textwrap.fill(f"not drawn: {left}", 42) if left else ""
    if left and (more := sines_for(result, chosen)):
        some += f"\nfrequencies={more[1]} shows {short[more[0]]}"
    axes[-1].set_xlabel(f"input frequency ({unit}){some}")
    draw_colorbar(mesh, axes[-1], "level (dB re peak of step)", beside=list(axes[1:]))
    return axes


def left_out(result: xr.Dataset, chosen: Sequence[str]) -> str:
    """The steps of a map that are not among those chosen, in a few words."""
    names = [str(name) for name in result["step"].values if str(name) not in chosen]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def legible_steps(result: xr.Dataset) -> list[str]:
    """Up to three steps of a map, of each rate the first, in each of whose folds there are sines enough."""
    few, distance = _of_few_folds(result), _distance(result)
    shown = [name for name, nyquist in few.items() if nyquist * (1 + 1e-9) >= _SINES_OF_A_FOLD * distance]
    return (shown or [str(result["step"].values[0])])[:3]


def sines_for(result: xr.Dataset, chosen: Sequence[str]) -> tuple[str, int] | None:
    """The next step that more sines would show, and how many they are; None where there is no such step."""
    wanted = [(name, nyquist) for name, nyquist in _of_few_folds(result).items() if name not in chosen]
    if not wanted or len(chosen) >= 3:
        return None
    name, nyquist = wanted[0]
    count, wide = result.sizes["input_frequency"], _distance(result) * _SINES_OF_A_FOLD / nyquist
    return (name, math.ceil(round(count * wide, 6))) if wide > 1 else None


def _of_few_folds(result: xr.Dataset) -> dict[str, float]:
    """The new limits, in Hz, of the steps whose folds fit into a picture, of each rate the first."""
    names, nyquist = [str(name) for name in result["step"].values], result["nyquist"].values.tolist()
    highest = float(result["input_frequency"].max())
    first = (i for i in range(len(names)) if nyquist[i] not in nyquist[:i])
    return {names[i]: nyquist[i] for i in first if highest / nyquist[i] <= _MOST_FOLDS}


def _distance(result: xr.Dataset) -> float:
    """The largest from one sine to the next, in Hz."""
    return float(np.diff(np.sort(result["input_frequency"].values)).max(initial=0.0))


def _draw_gain(ax: Axes, result: xr.Dataset, steps: Mapping[int, str]) -> None:
    across = result["input_frequency"].values
    divisor, _ = frequency_unit(float(across.max()))
    for place, (step, name) in enumerate(steps.items()):
        gain = result["gain"].values[step]
        level = 20 * np.log10(gain, out=np.full_like(gain, np.nan), where=gain > 0)
        colour, line = LINE_STYLES[place % len(LINE_STYLES)]
        ax.plot(across / divisor, level, color=colour, linestyle=line, linewidth=0.9, label=name)
    ax.set_ylabel("gain (dB)")
    highest = np.nanmax([line.get_ydata() for line in ax.lines], initial=-np.inf)
    lowest = np.nanmin([line.get_ydata() for line in ax.lines], initial=np.inf)
    if np.isfinite(highest):
        ax.set_ylim(max(lowest, highest - 80) - 5, highest + 5)
    legend_above(ax, columns=3)


def _draw_map(ax: Axes, step: xr.Dataset, dynamic_range: float) -> Any:
    from matplotlib.patheffects import Normal, Stroke

    nyquist = float(step["nyquist"])
    levels, across = pool_columns(_levels(step).T, step["input_frequency"].values, _MOST_SINES)
    (x_divisor, _), (y_divisor, unit) = frequency_unit(float(across.max())), frequency_unit(nyquist)
    borders = np.linspace(0, nyquist, len(levels) + 1)
    level = decibels(levels, dynamic_range)
    mesh = ax.pcolormesh(
        edges(across) / x_divisor, borders / y_divisor, level, cmap=COLOUR_MAP, vmin=-dynamic_range, vmax=0,
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


def _levels(step: xr.Dataset) -> np.ndarray[Any, Any]:
    """Root mean square of each cell over that of the sine, so that the squares of a column sum to that of its gain."""
    magnitude = step["magnitude"].values
    whole = np.sqrt(np.square(magnitude).sum(-1, keepdims=True))
    shape = np.divide(magnitude, whole, out=np.zeros_like(magnitude), where=whole > 0)
    return _added(shape * step["gain"].values[:, None], _distance(step) / float(step["nyquist"]))


def _added(levels: np.ndarray[Any, Any], width: float) -> np.ndarray[Any, Any]:
    """Cells of output added to ones as wide as the distance of the sines, as a fraction of the limit, or wider."""
    cells = levels.shape[-1]
    least = min(1 / width, cells) if width > 0 else cells
    count = max((n for n in range(1, cells + 1) if cells % n == 0 and n <= least), default=1)
    power = np.square(levels).reshape(len(levels), count, cells // count).sum(-1)
    return np.asarray(np.sqrt(power))
